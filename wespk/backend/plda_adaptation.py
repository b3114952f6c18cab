"""Adapting a PLDA to another domain: from unlabelled embeddings of it, or from a model trained on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.backend.arrays import FloatArray, as_embeddings
from wespk.backend.covariances import symmetric_power, total_covariance
from wespk.backend.plda import Plda
from wespk.core.errors import WespkError

# CORAL+ divides by the between-speaker variance of each direction, which may be 0: it counts as this share of
# the largest, at least.
LEAST_BETWEEN = 1e-8


def adapt_plda(
    plda: Plda,
    embeddings: ArrayLike,
    within_scale: float = 0.3,
    between_scale: float = 0.7,
    mean_diff_scale: float = 1.0,
) -> Plda:
    """Adapt a PLDA to unlabelled embeddings (N, D) of another domain, as Kaldi's ivector-adapt-plda.

    The mean becomes theirs. In the space where the model's total covariance W + B is I, the embeddings'
    covariance (with the shift of the mean, times mean_diff_scale) is diagonalised into s_1 .. s_D. Where
    s_i > 1 the model expects too little, and the excess s_i - 1 is shared out: within_scale of it is added to
    the within-, between_scale to the between-speaker variance of that direction. With scales that sum to 1
    and all s_i >= 1 the model then expects exactly the covariance that it sees.

    Raises `WespkError` for fewer than 2 embeddings, embeddings that do not vary, NaN, other dimensions, and
    negative scales.
    """
    for name, scale in (
        ("within_scale", within_scale),
        ("between_scale", between_scale),
        ("mean_diff_scale", mean_diff_scale),
    ):
        _check_scale(name, scale)
    mean, covariance = _moments(plda, embeddings)
    shift = mean - plda.mean
    covariance += mean_diff_scale * np.outer(shift, shift)
    unit = plda.transform / np.sqrt(1.0 + plda.psi)[:, None]  # T, with T (W + B) T^T = I
    seen, basis = np.linalg.eigh(unit @ covariance @ unit.T)
    excess = np.diag(np.maximum(seen - 1.0, 0.0))
    within = basis.T @ np.diag(1.0 / (1.0 + plda.psi)) @ basis + within_scale * excess
    between = basis.T @ np.diag(plda.psi / (1.0 + plda.psi)) @ basis + between_scale * excess
    back = np.linalg.inv(basis.T @ unit)
    return Plda.of_covariances(mean, back @ between @ back.T, back @ within @ back.T)


def adapt_plda_coral(
    plda: Plda, embeddings: ArrayLike, within_scale: float = 0.8, between_scale: float = 0.8
) -> Plda:
    """Adapt a PLDA to unlabelled embeddings (N, D) of another domain by CORAL+.

    The mean becomes theirs. With C_o = W + B of the model, C_i the embeddings' covariance and
    A = C_i^1/2 C_o^-1/2 (CORAL: whitening, then colouring), each covariance P of W and B would become
    Q = A P A^T. It is taken only where it enlarges the variance: with F^T P F = I and F^T Q F = diag(e), the
    result is P + scale F^-T max(0, diag(e) - I) F^-1. Lee, Wang and Koshinaka 2019, "The CORAL+ algorithm for
    unsupervised domain adaptation of PLDA", section 3 (there gamma and beta).

    Raises `WespkError` for fewer than 2 embeddings, embeddings that do not vary, NaN, other dimensions, and
    negative scales.
    """
    _check_scale("within_scale", within_scale)
    _check_scale("between_scale", between_scale)
    mean, covariance = _moments(plda, embeddings)
    between, within = plda.covariances
    aligned = symmetric_power(covariance, 0.5) @ symmetric_power(within + between, -0.5)
    inverse = np.linalg.inv(plda.transform)
    psi = np.maximum(plda.psi, LEAST_BETWEEN * max(1.0, float(plda.psi.max())))
    factor = inverse * np.sqrt(psi)  # of the between-speaker covariance
    return Plda.of_covariances(
        mean,
        between + between_scale * _excess(factor, aligned @ between @ aligned.T),
        within + within_scale * _excess(inverse, aligned @ within @ aligned.T),
    )


def interpolate_plda(in_domain: Plda, out_of_domain: Plda, weight: float = 0.5) -> Plda:
    """Return the model with W = weight W_in + (1 - weight) W_out, and B likewise.

    in_domain is trained on the speakers of the domain, which may be few; its mean is that of the result.
    Weight 1 gives in_domain, weight 0 out_of_domain about the mean of in_domain. Garcia-Romero and McCree
    2014, "Supervised domain adaptation for i-vector based speaker recognition", section 3.3. Raises
    `WespkError` for other dimensions and a weight outside [0, 1].
    """
    if not 0.0 <= weight <= 1.0:
        raise WespkError(f"weight is {weight:g}; it lies between 0 and 1")
    if in_domain.dim != out_of_domain.dim:
        raise WespkError(
            f"PLDA: {in_domain.dim} dimensions in the domain, {out_of_domain.dim} outside; both must be "
            "trained on embeddings of one model after the same steps"
        )
    pairs = zip(in_domain.covariances, out_of_domain.covariances, strict=True)
    between, within = (weight * inside + (1.0 - weight) * outside for inside, outside in pairs)
    return Plda.of_covariances(in_domain.mean, between, within)


def _moments(plda: Plda, embeddings: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean (D,) and the covariance (D, D), divided by N, of the embeddings."""
    rows = as_embeddings("embeddings", embeddings, dim=plda.dim)
    if len(rows) < 2:
        raise WespkError("PLDA adaptation needs 2 embeddings or more, there is 1; give many of the domain")
    return total_covariance("PLDA adaptation", rows)


def _excess(factor: FloatArray, aligned: FloatArray) -> FloatArray:
    """Return by how much `aligned` exceeds factor factor^T, in the directions where it does."""
    inverse = np.linalg.inv(factor)
    variances, vectors = np.linalg.eigh(inverse @ aligned @ inverse.T)
    directions = factor @ vectors
    return (directions * np.maximum(variances - 1.0, 0.0)) @ directions.T


def _check_scale(name: str, scale: float) -> None:
    if not 0.0 <= scale < np.inf:
        raise WespkError(f"{name} is {scale:g}; it is a number of at least 0")
