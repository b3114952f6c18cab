"""Probabilistic linear discriminant analysis: the model and its log-likelihood ratio.

The two-covariance model of Ioffe (2006, "Probabilistic linear discriminant analysis"): a speaker's centre is
y ~ N(mean, B), an embedding of the speaker x ~ N(y, W). One linear map A makes W the identity and B diagonal,
so that everything is computed dimension by dimension. This is the form that Kaldi's tools store and use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from wespk.backend.arrays import FloatArray, as_embeddings, as_vector
from wespk.backend.embeddings import BLOCK_ROWS
from wespk.core.errors import WespkError


@dataclass(frozen=True, eq=False)
class Plda:
    """A trained PLDA: u = transform @ (x - mean) has within-class covariance I and between-class diag(psi).

    mean (D,), transform (D, D), psi (D,) at least 0, kept as read-only float64. The signs of the transform's
    rows are arbitrary, and so are rows of equal psi: compare two models by their scores.
    Raises `WespkError` on construction when the shapes disagree, for NaN, or for a negative psi.
    """

    mean: NDArray[np.float64]
    transform: NDArray[np.float64]
    psi: NDArray[np.float64]

    def __post_init__(self) -> None:
        mean = as_vector("PLDA mean", self.mean)
        transform = as_embeddings("PLDA transform", self.transform, dim=len(mean))
        psi = as_vector("PLDA psi", self.psi, len(mean))
        if transform.shape[0] != len(mean):
            raise WespkError(f"PLDA transform: it must be square, it is {transform.shape}")
        if psi.min() < 0:
            raise WespkError(f"PLDA psi: item {int(psi.argmin())} is {psi.min():g}; a variance is at least 0")
        for name, value in (("mean", mean), ("transform", transform), ("psi", psi)):
            own = np.array(value, dtype=np.float64)
            own.setflags(write=False)
            object.__setattr__(self, name, own)

    @property
    def dim(self) -> int:
        """The number of dimensions D."""
        return len(self.mean)

    @staticmethod
    def of_covariances(mean: ArrayLike, between: ArrayLike, within: ArrayLike) -> Plda:
        """Return the model of a mean (D,), between- and within-speaker covariance (D, D), symmetric.

        psi is descending, and a rounding below 0 becomes 0. Raises `WespkError` when the within-speaker
        covariance is not positive definite.
        """
        transform, psi = diagonalise(np.asarray(between, np.float64), np.asarray(within, np.float64))
        return Plda(np.asarray(mean), transform, psi)

    @property
    def covariances(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The between- and the within-speaker covariance, (D, D) each."""
        inverse = np.linalg.inv(self.transform)
        return (inverse * self.psi) @ inverse.T, inverse @ inverse.T

    def smoothed(self, factor: float) -> Plda:
        """Return the model whose within-speaker covariance is W + factor B, with B as it is.

        For a W estimated from too few utterances a speaker. Here W = I and B = diag(psi): the new transform
        is A_i / sqrt(1 + factor psi_i), and the new psi_i is psi_i / (1 + factor psi_i), as in Kaldi's
        Plda::SmoothWithinClassCovariance. Raises `WespkError` for a factor outside [0, 1].
        """
        if not 0.0 <= factor <= 1.0:
            raise WespkError(f"smoothing is {factor:g}; it lies between 0 and 1")
        within = 1.0 + factor * self.psi
        return Plda(self.mean, self.transform / np.sqrt(within)[:, None], self.psi / within)

    def __repr__(self) -> str:
        return f"Plda(dim={self.dim}, psi {self.psi.min():.3g} to {self.psi.max():.3g})"

    def transform_vectors(
        self,
        vectors: ArrayLike,
        num_utts: ArrayLike = 1,
        normalise_length: bool = True,
        simple: bool = False,
        dtype: DTypeLike = np.float64,
    ) -> FloatArray:
        """Map embeddings (N, D) to the space where the model is diagonal, (N, D) of the type `dtype`.

        It is computed in float64, in blocks. num_utts, a number or (N,), counts the utterances averaged in
        each row. With normalise_length each row is scaled to the length that the model expects of an average
        of n utterances, sum_i u_i^2 / (psi_i + 1/n) = D; with `simple` to sqrt(D) instead, whatever n.
        Raises `WespkError` for NaN, another dimension, a count below 1, or a row equal to the mean when it
        is to be scaled.
        """
        rows = as_embeddings("vectors", vectors, dim=self.dim)
        levels, group = np.unique(as_counts(num_utts, len(rows)), return_inverse=True)
        weights = np.ones((len(levels), self.dim)) if simple else 1.0 / (self.psi + 1.0 / levels[:, None])
        mapped = np.empty(rows.shape, dtype)
        for start in range(0, len(rows), BLOCK_ROWS):
            part = slice(start, start + BLOCK_ROWS)
            projected = (rows[part] - self.mean) @ self.transform.T
            if normalise_length:
                energy = weighted_squares(projected, weights, group[part])
                if not (energy > 0).all():
                    row = start + int(np.argmin(energy))
                    raise WespkError(
                        f"vectors: row {row} equals the PLDA mean; it has no length to normalise"
                    )
                projected *= np.sqrt(self.dim / energy)[:, None]
            mapped[part] = projected
        return mapped


def diagonalise(
    between: NDArray[np.float64], within: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return A (D, D) and psi (D,), descending, with A within A^T = I and A between A^T = diag(psi).

    With W = C C^T and C^-1 B C^-T = U diag(psi) U^T it is A = U^T C^-1. Raises `WespkError` when `within` is
    not positive definite.
    """
    try:
        inverse = np.linalg.inv(np.linalg.cholesky(within))
    except np.linalg.LinAlgError:
        raise WespkError(
            "PLDA: the within-speaker covariance is singular; give more utterances a speaker, or reduce the "
            "dimension first (LDA)"
        ) from None
    psi, vectors = np.linalg.eigh(inverse @ between @ inverse.T)
    return vectors.T[::-1] @ inverse, np.maximum(psi[::-1], 0.0)


def weighted_squares(
    rows: FloatArray, weights: NDArray[np.float64], group: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return sum_d weights[group[n], d] rows[n, d]^2 (N,) for each n, float64, in bounded memory."""
    sums = np.empty(len(rows))
    for start in range(0, len(rows), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        sums[part] = np.einsum("nd,nd->n", rows[part].astype(np.float64) ** 2, weights[group[part]])
    return sums


def squares_by(rows: FloatArray, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sum_d weights[g, d] rows[n, d]^2 (N, G) for each n and g, float64, in bounded memory."""
    sums = np.empty((len(rows), len(weights)))
    for start in range(0, len(rows), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        sums[part] = rows[part].astype(np.float64) ** 2 @ weights.T
    return sums


def as_counts(num_utts: ArrayLike, size: int) -> NDArray[np.float64]:
    """Return the utterance counts as (size,), each at least 1."""
    value = np.asarray(num_utts)
    counts = as_vector("num_utts", np.full(size, value) if value.ndim == 0 else value, size)
    if counts.min() < 1:
        raise WespkError(f"num_utts: item {int(counts.argmin())} is {counts.min():g}; a model has 1 or more")
    return counts
