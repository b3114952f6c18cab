"""Within-class covariance normalisation: variation within speakers comes to weigh alike in all directions."""

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
from wespk.core.errors import WespkError


def train_wccn(
    embeddings: ArrayLike,
    labels: ArrayLike,
    smoothing: float = 0.0,
    covariance_floor: float = COVARIANCE_FLOOR,
    on_floored: OnFloored | None = None,
) -> Doubles:
    """Estimate WCCN from embeddings (N, D) and their speakers' labels (N,): the matrix (D, D + 1), float64.

    The map is x -> B^T x, with B lower triangular and B B^T = W^-1, so that the within-speaker covariance
    becomes the identity. W is the pooled one: each utterance's deviation from the mean of its speaker counts
    alike, divided by N (the paper's sum of the speakers' covariances weighted by how often they occur). With
    `smoothing` s, in [0, 1], it is (1 - s) W + s v I, v the mean variance of a dimension within speakers: the
    paper's smoothing towards I, for embeddings of any scale. Nothing is centred (the offset is 0): subtract a
    mean before, if a cosine is to follow.

    Eigenvalues of W below `covariance_floor` (in (0, 1)) times the largest are raised to that, and
    on_floored(count), if given, is called with their number.

    Raises `WespkError` for NaN, labels that do not pair up, fewer than 2 speakers, no variance within
    speakers, and settings outside their range.

    Source: Hatch, Kajarekar and Stolcke 2006, "Within-class covariance normalization for SVM-based speaker
    recognition".
    """
    if not 0.0 <= smoothing <= 1.0:
        raise WespkError(f"smoothing is {smoothing}; it lies between 0 and 1")
    rows = as_embeddings("embeddings", embeddings)
    index, counts = as_classes("WCCN", labels, len(rows))
    _, _, within = class_covariances("WCCN", rows, index, counts)
    size = rows.shape[1]
    smoothed = (1.0 - smoothing) * within + smoothing * np.trace(within) / size * np.eye(size)
    precision = floored_spectrum(smoothed, covariance_floor, on_floored).power(-1.0)
    return np.column_stack([np.linalg.cholesky(precision).T, np.zeros(size)])
