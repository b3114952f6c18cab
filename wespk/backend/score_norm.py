"""Adaptive symmetric score normalisation against a cohort of other speakers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.backend.arrays import as_embeddings, as_trials, as_vector
from wespk.backend.embeddings import unit_rows
from wespk.core.errors import WespkError

BLOCK_BYTES = 16 << 20  # of embedding x cohort scores held at once
ROUNDING = 1e-6  # cosines of float32 embeddings that differ by less are equal


class CohortStatistics(NamedTuple):
    """Mean (N,) and standard deviation (N,), float64, of each embedding's best cohort scores."""

    mean: NDArray[np.float64]
    std: NDArray[np.float64]


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


def s_norm(
    scores: ArrayLike,
    enrol_index: ArrayLike,
    test_index: ArrayLike,
    enrol_statistics: CohortStatistics,
    test_statistics: CohortStatistics,
) -> NDArray[np.float64]:
    """Return ((s - mean_e) / std_e + (s - mean_t) / std_t) / 2 for each trial (K,).

    The statistics, of (M,) models and (N,) test utterances, come from scores of the same kind as `scores`:
    one increasing affine map of all of them leaves the result as it was. Raises `WespkError` for a standard
    deviation that is not positive, NaN, or arrays that do not pair up.
    """
    enrol_mean, enrol_std = _checked("enrol", enrol_statistics)
    test_mean, test_std = _checked("test", test_statistics)
    enrol_rows, test_rows = as_trials(enrol_index, test_index, len(enrol_mean), len(test_mean))
    raw = as_vector("scores", scores, len(enrol_rows))
    of_enrol = (raw - enrol_mean[enrol_rows]) / enrol_std[enrol_rows]
    of_test = (raw - test_mean[test_rows]) / test_std[test_rows]
    return 0.5 * (of_enrol + of_test)


def top_k_statistics(embeddings: ArrayLike, cohort: ArrayLike, k: int) -> CohortStatistics:
    """Return mean and standard deviation of each embedding's k highest cosines with the cohort.

    embeddings (N, D), cohort (C, D). The deviation divides by k, not k - 1. Scores are computed in blocks:
    memory does not grow with N x C. Raises `WespkError` for an empty cohort, k outside 2..C, zero vectors,
    NaN, different dimensions, or an embedding whose k scores are all equal.
    """
    if np.ndim(cohort) >= 1 and len(np.asarray(cohort)) == 0:
        raise WespkError("cohort: it is empty; score normalisation needs embeddings of other speakers")
    others = as_embeddings("cohort", cohort)
    rows = as_embeddings("embeddings", embeddings, dim=others.shape[1])
    if k > len(others):
        raise WespkError(
            f"top_k is {k}, but the cohort has {len(others)} embeddings; lower top_k or give a larger cohort"
        )
    if k < 2:
        raise WespkError(f"top_k is {k}; a deviation needs 2 or more of the {len(others)} in the cohort")
    dtype = np.result_type(rows, others)
    others = unit_rows("cohort", others.astype(dtype, copy=False))
    rows = unit_rows("embeddings", rows.astype(dtype, copy=False))
    mean, std = np.empty(len(rows)), np.empty(len(rows))
    block = max(1, BLOCK_BYTES // (len(others) * rows.itemsize))
    for start in range(0, len(rows), block):
        part = slice(start, start + block)
        scores = rows[part] @ others.T
        scores.partition(len(others) - k, axis=1)  # the k highest come last, in any order
        best = scores[:, len(others) - k :].astype(np.float64)
        mean[part], std[part] = best.mean(axis=1), best.std(axis=1)
    if std.min() < ROUNDING:
        raise WespkError(
            f"embeddings: the {k} best cohort scores of row {int(std.argmin())} are all equal: their "
            "standard deviation is zero; are cohort embeddings repeated? Raise top_k or give another cohort"
        )
    return CohortStatistics(mean, std)


def _checked(side: str, statistics: CohortStatistics) -> CohortStatistics:
    """Return the statistics of one side as float64, after checking them."""
    mean = as_vector(f"{side} cohort mean", statistics[0])
    std = as_vector(f"{side} cohort std", statistics[1], len(mean))
    if len(std) and std.min() <= 0:
        raise WespkError(f"{side} cohort std: item {int(std.argmin())} is {std.min():g}; it must be positive")
    return CohortStatistics(mean, std)
