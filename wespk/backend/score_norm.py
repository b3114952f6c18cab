"""Score normalisation against a cohort of other speakers: Z-norm, T-norm, S-norm and adaptive S-norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.backend.arrays import as_embeddings, as_index, as_trials, as_vector
from wespk.backend.embeddings import unit_rows
from wespk.backend.scorer import PairScorer, cosine_scorer
from wespk.core.errors import WespkError

BLOCK_BYTES = 16 << 20  # of embedding x cohort scores held at once
ROUNDING = 1e-6  # deviations below this share of the scores are float32 rounding: the scores are equal

Side = Literal["enrol", "test"]

# The sides whose cohort scores a method uses; "as" uses the highest scores of each, the others all of them.
METHODS: dict[str, tuple[Side, ...]] = {
    "z": ("enrol",),
    "t": ("test",),
    "s": ("enrol", "test"),
    "as": ("enrol", "test"),
}


class CohortStatistics(NamedTuple):
    """Mean (N,) and standard deviation (N,), float64, of each embedding's cohort scores."""

    mean: NDArray[np.float64]
    std: NDArray[np.float64]


def cohort_statistics(
    scorer: PairScorer, side: Side, top_k: int | None = None, names: Sequence[str] | None = None
) -> CohortStatistics:
    """Return mean and standard deviation of the cohort scores of each embedding of one side of `scorer`.

    side "enrol": of each of the M models, the scorer's tests being the cohort (Z-norm: other speakers'
    utterances against the model). side "test": of each of the N tests, the scorer's models being the cohort
    (T-norm: the utterance against other speakers' models). With `top_k` only the k highest scores of each
    count (2 <= k <= cohort). The deviation is that of the scores themselves: it divides by their number, not
    by one less. Scores are computed in blocks: memory does not grow with embeddings x cohort.
    `names` of the embeddings, if given, stand in errors.

    Raises `WespkError` for k outside its range, a cohort of one, and an embedding whose scores are all equal.
    """
    counts = {"enrol": scorer.num_enrol, "test": scorer.num_test}
    size = counts.pop(side)
    (cohort,) = counts.values()
    k = _checked_k(top_k, cohort)
    scores_of = scorer.block if side == "enrol" else scorer.test_block
    itemsize = np.result_type(scorer.left, scorer.right).itemsize
    rows = max(1, BLOCK_BYTES // (cohort * itemsize))
    mean, std = np.empty(size), np.empty(size)
    for start in range(0, size, rows):
        part = slice(start, start + rows)
        scores = scores_of(part)
        if k < cohort:
            # A quarter of a second for 5 k x 6 k scores on one core, as much as their matrix product. To sift
            # them by a threshold before saves half of it: not enough to be worth a second way.
            scores.partition(cohort - k, axis=1)  # the k highest come last, in any order
        best = scores[:, cohort - k :].astype(np.float64, copy=False)
        mean[part], std[part] = best.mean(axis=1), best.std(axis=1)
    _refuse_equal(names or [f"{side}: row {row}" for row in range(size)], mean, std, k)
    return CohortStatistics(mean, std)


def standardise(scores: ArrayLike, index: ArrayLike, statistics: CohortStatistics) -> NDArray[np.float64]:
    """Return (s - mean) / std for each trial (K,), float64, with the statistics of row `index` (K,).

    This is Z-norm with the statistics and rows of the models (Li and Porter 1988), T-norm with those of the
    test utterances (Auckenthaler et al. 2000, "Score normalization for text-independent speaker
    verification systems"). The statistics come from scores of the same kind as `scores`: one increasing
    affine map of all of them leaves the result as it was. Raises `WespkError` for a standard deviation that
    is not positive, NaN, or arrays that do not pair up.
    """
    mean, std = _checked("the", statistics)
    rows = as_index("index", index, len(mean))
    return (as_vector("scores", scores, len(rows)) - mean[rows]) / std[rows]


def s_norm(
    scores: ArrayLike,
    enrol_index: ArrayLike,
    test_index: ArrayLike,
    enrol_statistics: CohortStatistics,
    test_statistics: CohortStatistics,
) -> NDArray[np.float64]:
    """Return ((s - mean_e) / std_e + (s - mean_t) / std_t) / 2 for each trial (K,).

    The mean of Z-norm and T-norm, which is symmetric: Kenny 2010, "Bayesian speaker verification with
    heavy-tailed priors". The statistics are of (M,) models and (N,) test utterances; the rest is as in
    `standardise`.
    """
    of_enrol, of_test = _checked("enrol", enrol_statistics), _checked("test", test_statistics)
    enrol_rows, test_rows = as_trials(enrol_index, test_index, len(of_enrol.mean), len(of_test.mean))
    normalised = standardise(scores, enrol_rows, of_enrol)
    normalised += standardise(scores, test_rows, of_test)
    normalised *= 0.5
    return normalised


def adaptive_s_norm(
    scores: ArrayLike,
    enrol: ArrayLike,
    test: ArrayLike,
    enrol_index: ArrayLike,
    test_index: ArrayLike,
    cohort: ArrayLike,
    top_k: int = 300,
) -> NDArray[np.float64]:
    """Normalise cosine scores (K,) by AS-norm, and return them as float64 (K,).

    enrol (M, D), test (N, D) and the index pairs (K,) are those that `cosine_scores` took; cohort (C, D)
    is of speakers that are in no trial (the training set; one average a speaker is usual), its mean
    subtracted as that of the others. Each side is normalised by its own top_k most similar cohort members
    (2 <= top_k <= C): "adaptive S-norm 1" of Matejka et al. 2017, "Analysis of score normalization in
    multilingual speaker recognition", section 2. Raises `WespkError` as `top_k_statistics` and `s_norm` do.
    """
    enrol_statistics = top_k_statistics(enrol, cohort, top_k)
    test_statistics = top_k_statistics(test, cohort, top_k)
    return s_norm(scores, enrol_index, test_index, enrol_statistics, test_statistics)


def top_k_statistics(embeddings: ArrayLike, cohort: ArrayLike, k: int) -> CohortStatistics:
    """Return mean and standard deviation of each embedding's k highest cosines with the cohort.

    embeddings (N, D), cohort (C, D). The rest is as in `cohort_statistics`. Raises `WespkError` for
    an empty cohort, zero vectors, NaN and different dimensions too.
    """
    if np.ndim(cohort) >= 1 and len(np.asarray(cohort)) == 0:
        raise WespkError("cohort: it is empty; score normalisation needs embeddings of other speakers")
    others = as_embeddings("cohort", cohort)
    rows = as_embeddings("embeddings", embeddings, dim=others.shape[1])
    return cohort_statistics(cosine_scorer(rows, unit_rows("cohort", others)), "enrol", k)


def _checked_k(top_k: int | None, cohort: int) -> int:
    """Return how many scores of each embedding count, of those with a cohort of the given size."""
    k = cohort if top_k is None else top_k
    if k > cohort:
        raise WespkError(
            f"top_k is {k}, but the cohort has {cohort} embeddings; lower top_k or give a larger cohort"
        )
    if cohort < 2:
        raise WespkError(f"the cohort has {cohort} embedding; a deviation needs 2 or more")
    if k < 2:
        raise WespkError(f"top_k is {k}; a deviation needs 2 or more of the {cohort} in the cohort")
    return k


def _refuse_equal(names: Sequence[str], mean: NDArray[np.float64], std: NDArray[np.float64], k: int) -> None:
    equal = ~(std >= ROUNDING * np.maximum(1.0, np.abs(mean)))  # NaN, of infinite scores, is caught too
    if equal.any():
        row = int(equal.argmax())
        raise WespkError(
            f"{names[row]}: the {k} cohort scores that count are all equal or not finite: their deviation is "
            f"{std[row]:.3g}; are cohort embeddings repeated? Raise top_k or give another cohort"
        )


def _checked(side: str, statistics: CohortStatistics) -> CohortStatistics:
    """Return the statistics of one side as float64, after checking them."""
    mean = as_vector(f"{side} cohort mean", statistics[0])
    std = as_vector(f"{side} cohort std", statistics[1], len(mean))
    if len(std) and std.min() <= 0:
        raise WespkError(f"{side} cohort std: item {int(std.argmin())} is {std.min():g}; it must be positive")
    return CohortStatistics(mean, std)
