"""The one scorer: any embedding-pair score as dot products, for a list of trials or for whole blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.backend.arrays import FloatArray, IndexArray, as_embeddings, as_trials
from wespk.backend.embeddings import unit_rows
from wespk.backend.pairs import pair_dots, products
from wespk.backend.plda import Plda, as_counts, squares_by, weighted_squares


@dataclass(frozen=True, eq=False)
class PairScorer:
    """The score of each of M models with each of N tests, as one dot product and terms of either side:

        score(m, n) = left[m] . right[n] + of_left[m] + of_right[n, group[m]].

    left (M, E), right (N, E); of_left (M,) and of_right (N, G), float64, with group (M,) in [0, G), are None
    where the score is the dot product alone. Scores are cut to [-bound, bound]: the cosine of a vector with
    itself passes 1 by rounding. Build one with `cosine_scorer` or `plda_scorer`.
    """

    left: FloatArray
    right: FloatArray
    of_left: NDArray[np.float64] | None = None
    of_right: NDArray[np.float64] | None = None
    group: IndexArray | None = None
    bound: float = np.inf

    @property
    def num_enrol(self) -> int:
        """The number of models M."""
        return len(self.left)

    @property
    def num_test(self) -> int:
        """The number of tests N."""
        return len(self.right)

    def pairs(self, enrol_index: ArrayLike, test_index: ArrayLike) -> FloatArray:
        """Return the scores (K,) of the listed pairs, in the higher precision of `left` and `right`.

        Memory beyond input and result is bounded. Raises `WespkError` for a row number outside.
        """
        enrol, test = as_trials(enrol_index, test_index, self.num_enrol, self.num_test)
        scores = pair_dots(self.left, self.right, enrol, test)
        if self.of_left is not None and self.of_right is not None and self.group is not None:
            scores += self.of_left[enrol]
            scores += self.of_right[test, self.group[enrol]]
        return self._bounded(scores)

    def block(self, rows: slice, columns: slice = slice(None)) -> FloatArray:
        """Return the scores (m, n) of the models left[rows] with the tests right[columns], all by default.

        They have the precision of `pairs`.
        """
        scores = products(self.left[rows], self.right[columns])
        if self.of_left is not None and self.of_right is not None and self.group is not None:
            scores += self.of_left[rows, None]
            of_right = np.ascontiguousarray(self.of_right[columns].T)
            for row, level in zip(scores, self.group[rows], strict=True):
                row += of_right[level]
        return self._bounded(scores)

    def test_block(self, rows: slice) -> FloatArray:
        """Return the scores (n, M) of the tests right[rows] with all models, in the precision of `pairs`."""
        scores = products(self.right[rows], self.left)
        if self.of_left is not None and self.of_right is not None and self.group is not None:
            scores += self.of_left
            scores += self.of_right[rows][:, self.group]
        return self._bounded(scores)

    def _bounded(self, scores: FloatArray) -> FloatArray:
        return np.clip(scores, -self.bound, self.bound, out=scores) if np.isfinite(self.bound) else scores


def cosine_scorer(enrol: ArrayLike, test: ArrayLike) -> PairScorer:
    """Return the scorer of cosines between enrol (M, D), one row a model, and test (N, D).

    Scores lie in [-1, 1] and are float32 when both sides are, else float64. Rows need no normalisation
    before; subtract the training mean first if the recipe does. Raises `WespkError` for a zero vector, NaN,
    or different dimensions.
    """
    models = as_embeddings("enrol", enrol)
    tests = as_embeddings("test", test, dim=models.shape[1])
    dtype = np.result_type(models, tests)
    return PairScorer(
        unit_rows("enrol", models.astype(dtype, copy=False)),
        unit_rows("test", tests.astype(dtype, copy=False)),
        bound=1.0,
    )


def plda_scorer(
    plda: Plda,
    enrol: ArrayLike,
    num_utts: ArrayLike,
    test: ArrayLike,
    normalise_length: bool = True,
    simple: bool = False,
) -> PairScorer:
    """Return the scorer of log-likelihood ratios (natural log), same speaker against different ones.

    enrol (M, D) holds the average of num_utts (M,) (or one number for all) utterances of each model, test
    (N, D) single utterances. Both sides have gone through what the PLDA was trained on (mean, LDA, length).
    normalise_length and simple are those of `Plda.transform_vectors`. Scores are float64: they are what large
    terms leave of each other. Where both sides are float32 the transformed vectors are rounded to float32
    before the ratio, as Kaldi's are; otherwise nothing is rounded. Raises `WespkError` for NaN, other
    dimensions, or a count below 1.

    With u the transformed vectors, n the utterances, m = n psi / (n psi + 1) u_e and
    v = 1 + psi / (n psi + 1), all per dimension (Ioffe 2006, section 3):
        LLR = 1/2 sum[ log(1 + psi) + u_t^2 / (1 + psi) - log v - (u_t - m)^2 / v ].
    The square expands into a term of the model, one of the test for each n, and a dot product.
    """
    models = as_embeddings("enrol", enrol, dim=plda.dim)
    tests = as_embeddings("test", test, dim=plda.dim)
    dtype = np.result_type(models, tests)
    counts = as_counts(num_utts, len(models))
    enrol_u = plda.transform_vectors(models, counts, normalise_length, simple, dtype)
    test_u = plda.transform_vectors(tests, 1, normalise_length, simple, dtype)

    # What depends on the model's count alone is computed once a count: (G, D) for G different counts.
    levels, group = np.unique(counts, return_inverse=True)
    shrink = levels[:, None] * plda.psi / (levels[:, None] * plda.psi + 1.0)  # m = shrink u_e
    variance = 1.0 + plda.psi / (levels[:, None] * plda.psi + 1.0)
    of_model = 0.5 * np.log((1.0 + plda.psi) / variance).sum(axis=1)[group]
    of_model -= 0.5 * weighted_squares(enrol_u, shrink**2 / variance, group)
    of_test = squares_by(test_u, 0.5 / (1.0 + plda.psi) - 0.5 / variance)
    return PairScorer(enrol_u * (shrink / variance)[group], test_u, of_model, of_test, group)


def cosine_scores(
    enrol: ArrayLike, test: ArrayLike, enrol_index: ArrayLike, test_index: ArrayLike
) -> FloatArray:
    """Return the cosine (K,) of each trial; enrol_index and test_index (K,) are the rows of its sides.

    The rest is as in `cosine_scorer`, and a row number outside the arrays raises `WespkError` too.
    """
    return cosine_scorer(enrol, test).pairs(enrol_index, test_index)


def plda_scores(
    plda: Plda,
    enrol: ArrayLike,
    num_utts: ArrayLike,
    test: ArrayLike,
    enrol_index: ArrayLike,
    test_index: ArrayLike,
    normalise_length: bool = True,
    simple: bool = False,
) -> FloatArray:
    """Return the log-likelihood ratio (K,), float64, of each trial.

    enrol_index and test_index (K,) are the rows of its sides; the rest is as in `plda_scorer`, and a row
    number outside the arrays raises `WespkError` too.
    """
    scorer = plda_scorer(plda, enrol, num_utts, test, normalise_length, simple)
    return scorer.pairs(enrol_index, test_index)
