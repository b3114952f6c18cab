"""Linear discriminant analysis: the affine map to the directions that tell speakers apart best."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.backend.arrays import FloatArray, as_classes, as_embeddings
from wespk.backend.embeddings import scatter_about, sum_per_class
from wespk.core.errors import WespkError

# Variance within speakers that is this small beside the total variance is rounding.
SINGULAR = 1e-12


def train_lda(
    embeddings: ArrayLike,
    labels: ArrayLike,
    dim: int,
    total_covariance_factor: float = 0.0,
    covariance_floor: float = 1e-6,
    on_floored: Callable[[int], None] | None = None,
) -> NDArray[np.float64]:
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
    if not 0.0 < covariance_floor < 1.0:
        raise WespkError(f"covariance_floor is {covariance_floor}; it lies between 0 and 1, both excluded")
    rows = as_embeddings("embeddings", embeddings)
    index, counts = as_classes("LDA training", labels, len(rows))
    _check_dim(dim, rows.shape[1], len(counts))
    mean, between, within = _covariances(rows, index, counts)
    mixed = within + total_covariance_factor * between  # f T + (1 - f) W, as T = W + B
    whitening, num_floored = _whitening(mixed, covariance_floor)
    if num_floored and on_floored:
        on_floored(num_floored)
    _, vectors = np.linalg.eigh(whitening @ between @ whitening.T)
    linear = vectors[:, ::-1][:, :dim].T @ whitening
    largest = np.abs(linear).argmax(axis=1)
    linear *= np.sign(linear[np.arange(dim), largest])[:, None]
    return np.column_stack([linear, -linear @ mean])


def apply_lda(matrix: ArrayLike, embeddings: ArrayLike) -> FloatArray:
    """Map embeddings (N, D) by the affine matrix (d, D + 1) of `train_lda` or of Kaldi's lda.mat.

    Returns (N, d), in the embeddings' own precision. An average maps to the average of the mapped, so that
    enrolment embeddings may be averaged before. Raises `WespkError` for NaN and for other dimensions.
    """
    rows = as_embeddings("embeddings", embeddings)
    affine = as_embeddings("LDA matrix", matrix)
    if affine.shape[1] != rows.shape[1] + 1:
        raise WespkError(
            f"LDA matrix: {affine.shape[1]} columns where embeddings of {rows.shape[1]} dimensions need "
            f"{rows.shape[1] + 1}, the last one an offset; it must be trained on embeddings of this model"
        )
    affine = affine.astype(rows.dtype)
    return rows @ affine[:, :-1].T + affine[:, -1]


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


def _covariances(
    rows: FloatArray, index: NDArray[np.intp], counts: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean (D,), and between- and within-speaker covariance (D, D) with T = B + W.

    Each vector counts alike, in the mean too: a speaker weighs by the number of utterances.
    """
    centres = sum_per_class(rows, index, len(counts)) / counts[:, None]
    share = counts / len(rows)
    mean = share @ centres
    spread = centres - mean
    between = (share[:, None] * spread).T @ spread
    within = scatter_about(rows, centres, index) / len(rows)
    if np.trace(within) <= SINGULAR * np.trace(within + between):
        raise WespkError(
            "LDA training: the embeddings do not vary within speakers (one utterance each, or repeated or "
            "constant embeddings?); give more utterances a speaker"
        )
    return mean, between, within


def _whitening(covariance: NDArray[np.float64], floor: float) -> tuple[NDArray[np.float64], int]:
    """Return A (D, D) with A covariance A^T = I but for floored eigenvalues, and the number of these."""
    values, vectors = np.linalg.eigh(covariance)
    least = floor * values[-1]
    return (vectors / np.sqrt(np.maximum(values, least))).T, int((values < least).sum())
