"""Correlation alignment: embeddings of one domain are given the mean and covariance of another."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from wespk.backend.arrays import as_embeddings
from wespk.backend.covariances import (
    COVARIANCE_FLOOR,
    Doubles,
    OnFloored,
    floored_spectrum,
    symmetric_power,
    total_covariance,
)
from wespk.core.errors import WespkError


def train_coral(
    source: ArrayLike,
    target: ArrayLike,
    regularisation: float = 0.0,
    covariance_floor: float = COVARIANCE_FLOOR,
    on_floored: OnFloored | None = None,
) -> Doubles:
    """Estimate the map of embeddings of a source domain (N, D) to a target domain (M, D), without labels.

    Returns the affine matrix (D, D + 1), float64, of x -> T^1/2 S^-1/2 (x - mean of source) + mean of target,
    with S and T the covariances, divided by N and M, each plus `regularisation` (the paper's lambda, 0 or
    more) times the identity. Without it the mapped source has exactly the target's mean and covariance;
    with it, directions that few embeddings of the target leave empty do not vanish. It is on the embeddings'
    own scale: the paper takes 1 where variances are around 1. A PLDA trained on the mapped source, with its
    labels, fits the target.

    Eigenvalues of S below `covariance_floor` (in (0, 1)) times the largest are raised to that, and
    on_floored(count), if given, is called with their number: the map cannot give variance to such directions.

    Raises `WespkError` for NaN, different dimensions, embeddings that do not vary, and settings outside
    their range.

    Source: Sun, Feng and Saenko 2016, "Return of frustratingly easy domain adaptation", algorithm 1; for
    speaker embeddings and PLDA: Alam, Bhattacharya and Kenny 2018, "Speaker verification in mismatched
    conditions with frustratingly easy domain adaptation".
    """
    if not 0.0 <= regularisation < math.inf:
        raise WespkError(f"regularisation is {regularisation}; it is 0 or more")
    from_rows = as_embeddings("source", source)
    to_rows = as_embeddings("target", target, from_rows.shape[1])
    from_mean, from_covariance = total_covariance("CORAL source", from_rows)
    to_mean, to_covariance = total_covariance("CORAL target", to_rows)
    ridge = regularisation * np.eye(from_rows.shape[1])
    whitening = floored_spectrum(from_covariance + ridge, covariance_floor, on_floored).power(-0.5)
    linear = symmetric_power(to_covariance + ridge, 0.5) @ whitening  # a target may be singular
    return np.column_stack([linear, to_mean - linear @ from_mean])
