"""Whitening: the affine map after which embeddings have mean 0 and the identity as covariance."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from wespk.backend.arrays import as_embeddings
from wespk.backend.covariances import (
    COVARIANCE_FLOOR,
    Doubles,
    OnFloored,
    floored_spectrum,
    total_covariance,
)
from wespk.core.errors import WespkError, nearest

Whitening = Literal["zca", "pca"]


def train_whitening(
    embeddings: ArrayLike,
    kind: Whitening = "zca",
    dim: int | None = None,
    covariance_floor: float = COVARIANCE_FLOOR,
    on_floored: OnFloored | None = None,
) -> Doubles:
    """Estimate a whitening of embeddings (N, D): the affine matrix (d, D + 1), float64.

    With C the covariance, divided by N, "zca" is C^-1/2, which moves embeddings least; "pca" has the
    eigenvectors of C as its axes, by descending variance, and can keep the first `dim` of them. The two
    differ by a rotation, which neither a cosine nor a PLDA sees. The largest entry of each row of "pca" is
    positive.

    Eigenvalues of C below `covariance_floor` (in (0, 1)) times the largest are raised to that, and
    on_floored(count), if given, is called with their number: fewer embeddings than dimensions leave
    directions of which nothing is known. "pca" counts only those that it keeps.

    Raises `WespkError` for NaN, embeddings that do not vary, and settings outside their range.

    Source: Kessy, Lewin and Strimmer 2018, "Optimal whitening and decorrelation".
    """
    rows = as_embeddings("embeddings", embeddings)
    size = rows.shape[1]
    if kind not in ("zca", "pca"):
        raise WespkError(f"kind: unknown value '{kind}'; {nearest(kind, ('zca', 'pca'))}")
    if dim is not None and kind != "pca":
        raise WespkError("dim: only pca can keep fewer dimensions; zca keeps all")
    kept = size if dim is None else dim
    if not 1 <= kept <= size:
        raise WespkError(f"dim: {kept} is outside 1 to {size}, the dimensions of the embeddings")
    mean, covariance = total_covariance("whitening", rows)
    spectrum = floored_spectrum(covariance, covariance_floor)
    num_floored = spectrum.num_floored - (size - kept)  # the least are left out first
    if num_floored > 0 and on_floored:
        on_floored(num_floored)
    if kind == "zca":
        linear = spectrum.power(-0.5)
    else:
        linear = with_positive_peaks((spectrum.vectors / np.sqrt(spectrum.values)).T[::-1][:kept])
    return np.column_stack([linear, -linear @ mean])


def with_positive_peaks(linear: Doubles) -> Doubles:
    """Return the rows (d, D), each with its largest entry made positive; the sign is by nature arbitrary."""
    largest = np.abs(linear).argmax(axis=1)
    return linear * np.sign(linear[np.arange(len(linear)), largest])[:, None]
