"""Probabilistic linear discriminant analysis: the model and its log-likelihood ratio.

The two-covariance model of Ioffe (2006, "Probabilistic linear discriminant analysis"): a speaker's centre is
y ~ N(mean, B), an embedding of the speaker x ~ N(y, W). One linear map A makes W the identity and B diagonal,
so that everything is computed dimension by dimension. This is the form that Kaldi's tools store and use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.backend.arrays import as_embeddings, as_trials, as_vector
from wespk.backend.embeddings import BLOCK_ROWS
from wespk.backend.pairs import pair_dots
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

    def __repr__(self) -> str:
        return f"Plda(dim={self.dim}, psi {self.psi.min():.3g} to {self.psi.max():.3g})"

    def transform_vectors(
        self,
        vectors: ArrayLike,
        num_utts: ArrayLike = 1,
        normalise_length: bool = True,
        simple: bool = False,
    ) -> NDArray[np.float64]:
        """Map embeddings (N, D) to the space where the model is diagonal, (N, D) float64.

        num_utts, a number or (N,), counts the utterances averaged in each row. With normalise_length each
        row is scaled to the length that the model expects of an average of n utterances,
        sum_i u_i^2 / (psi_i + 1/n) = D; with `simple` to sqrt(D) instead, whatever n.
        Raises `WespkError` for NaN, another dimension, a count below 1, or a row equal to the mean when it
        is to be scaled.
        """
        rows = as_embeddings("vectors", vectors, dim=self.dim).astype(np.float64, copy=False)
        counts = _as_counts(num_utts, len(rows))
        projected = (rows - self.mean) @ self.transform.T
        if not normalise_length:
            return projected
        levels, group = np.unique(counts, return_inverse=True)
        weights = np.ones((len(levels), self.dim)) if simple else 1.0 / (self.psi + 1.0 / levels[:, None])
        energy = _weighted_squares(projected, weights, group)
        if not (energy > 0).all():
            raise WespkError(
                f"vectors: row {int(np.argmin(energy))} equals the PLDA mean; it has no length to normalise"
            )
        projected *= np.sqrt(self.dim / energy)[:, None]
        return projected


def plda_scores(
    plda: Plda,
    enrol: ArrayLike,
    num_utts: ArrayLike,
    test: ArrayLike,
    enrol_index: ArrayLike,
    test_index: ArrayLike,
    normalise_length: bool = True,
    simple: bool = False,
) -> NDArray[np.float64]:
    """Return the log-likelihood ratio (natural log) of each trial, same speaker against different ones.

    enrol (M, D) holds the average of num_utts (M,) (or one number for all) utterances of each model, test
    (N, D) single utterances, enrol_index and test_index (K,) the rows of each trial. Both sides have gone
    through what the PLDA was trained on (mean, LDA, length). Returns (K,) float64; Kaldi rounds the
    transformed vectors to float32 and differs by about 1e-7 of the largest term. normalise_length and simple
    are those of `Plda.transform_vectors`. Raises `WespkError` for NaN, other dimensions, or a row number
    outside.

    With u the transformed vectors, n the utterances, m = n psi / (n psi + 1) u_e and
    v = 1 + psi / (n psi + 1), all per dimension (Ioffe 2006, section 3):
        LLR = 1/2 sum[ log(1 + psi) + u_t^2 / (1 + psi) - log v - (u_t - m)^2 / v ].
    """
    models = as_embeddings("enrol", enrol, dim=plda.dim)
    tests = as_embeddings("test", test, dim=plda.dim)
    enrol_rows, test_rows = as_trials(enrol_index, test_index, len(models), len(tests))
    counts = _as_counts(num_utts, len(models))
    enrol_u = plda.transform_vectors(models, counts, normalise_length, simple)
    test_u = plda.transform_vectors(tests, 1, normalise_length, simple)

    # What depends on the model's count alone is computed once a count: (G, D) for G different counts.
    levels, group = np.unique(counts, return_inverse=True)
    shrink = levels[:, None] * plda.psi / (levels[:, None] * plda.psi + 1.0)  # m = shrink u_e
    variance = 1.0 + plda.psi / (levels[:, None] * plda.psi + 1.0)
    # The square expands into a term of the model, ...
    of_model = 0.5 * np.log((1.0 + plda.psi) / variance).sum(axis=1)[group]
    of_model -= 0.5 * _weighted_squares(enrol_u, shrink**2 / variance, group)
    # ... a cross term, one dot product a trial, ...
    enrol_u *= (shrink / variance)[group]
    scores = pair_dots(enrol_u, test_u, enrol_rows, test_rows).astype(np.float64, copy=False)
    scores += of_model[enrol_rows]
    # ... and a term of the test utterance, one for each count that models have.
    np.square(test_u, out=test_u)
    of_test = test_u @ (0.5 / (1.0 + plda.psi) - 0.5 / variance).T  # (N, G)
    scores += of_test[test_rows, group[enrol_rows]]
    return scores


def _weighted_squares(
    rows: NDArray[np.float64], weights: NDArray[np.float64], group: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return sum_d weights[group[n], d] rows[n, d]^2 for each n, in bounded memory."""
    sums = np.empty(len(rows))
    for start in range(0, len(rows), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        sums[part] = np.einsum("nd,nd->n", rows[part] ** 2, weights[group[part]])
    return sums


def _as_counts(num_utts: ArrayLike, size: int) -> NDArray[np.float64]:
    """Return the utterance counts as (size,), each at least 1."""
    value = np.asarray(num_utts)
    counts = as_vector("num_utts", np.full(size, value) if value.ndim == 0 else value, size)
    if counts.min() < 1:
        raise WespkError(f"num_utts: item {int(counts.argmin())} is {counts.min():g}; a model has 1 or more")
    return counts
