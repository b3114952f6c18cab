"""Linear discriminant analysis: the affine map to the directions that tell speakers apart best."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from wespk.backend.arrays import as_classes, as_embeddings
from wespk.backend.covariances import (
    COVARIANCE_FLOOR,
    Doubles,
    OnFloored,
    class_covariances,
    floored_spectrum,
)
from wespk.backend.whitening import with_positive_peaks
from wespk.core.errors import WespkError


def train_lda(
    embeddings: ArrayLike,
    labels: ArrayLike,
    dim: int,
    total_covariance_factor: float = 0.0,
    covariance_floor: float = COVARIANCE_FLOOR,
    on_floored: OnFloored | None = None,
) -> Doubles:
    """Estimate LDA from embeddings (N, D) and their speakers' labels (N,), as Kaldi's ivector-compute-lda.

    Returns the affine matrix (dim, D + 1), float64: y = matrix[:, :-1] @ x + matrix[:, -1], so that the
    training vectors have mean 0, the covariance C = f T + (1 - f) W becomes the identity, and the
    between-speaker covariance B = T - W diagonal, descending. T and W are the total and the within-speaker
    covariance, both divided by N; f is `total_covariance_factor`, in [0, 1]. The sign of a row is arbitrary
    by nature; here the largest entry of each is positive.

    Eigenvalues of C below `covariance_floor` (in (0, 1)) times the largest are raised to that, and
    on_floored(count), if given, is called with their number. That happens where speakers have too few
    utterances to estimate W: the floored directions then look better than they are, and f above 0 helps.

    Raises `WespkError` for NaN, labels that do not pair up, fewer than 2 speakers, no variance within
    speakers, dim outside 1..min(D, speakers - 1), and settings outside their range.

    Source: Fisher 1936, "The use of multiple measurements in taxonomic problems"; with several classes as in
    Fukunaga 1990, "Introduction to statistical pattern recognition", section 10.2.
    """
    if not 0.0 <= total_covariance_factor <= 1.0:
        raise WespkError(f"total_covariance_factor is {total_covariance_factor}; it lies between 0 and 1")
    rows = as_embeddings("embeddings", embeddings)
    index, counts = as_classes("LDA training", labels, len(rows))
    _check_dim(dim, rows.shape[1], len(counts))
    mean, between, within = class_covariances("LDA training", rows, index, counts)
    mixed = within + total_covariance_factor * between  # f T + (1 - f) W, as T = W + B
    spectrum = floored_spectrum(mixed, covariance_floor, on_floored)
    whitening = (spectrum.vectors / np.sqrt(spectrum.values)).T
    _, vectors = np.linalg.eigh(whitening @ between @ whitening.T)
    linear = with_positive_peaks(vectors[:, ::-1][:, :dim].T @ whitening)
    return np.column_stack([linear, -linear @ mean])


def _check_dim(dim: int, size: int, num_speakers: int) -> None:
    if dim < 1:
        raise WespkError(f"dim: {dim} is too few; LDA keeps 1 or more dimensions")
    if dim > size:
        raise WespkError(f"dim: {dim} is too many; the embeddings have {size} dimensions")
    if dim >= num_speakers:  # the rest of the directions would be drawn by rounding
        raise WespkError(
            f"dim: {dim} is too many; the means of {num_speakers} speakers differ in at most "
            f"{num_speakers - 1} dimensions"
        )
