"""Measures of a trial list whose trials have weights, for many sets of weights at once."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from wespk.metrics.curves import Ascending, Counts, curve_of
from wespk.metrics.error_rates import eer
from wespk.metrics.points import OperatingPoint
from wespk.metrics.resampling import SpeakerPairs
from wespk.metrics.scores import Scores

BLOCK = 1 << 21  # error counts in memory at once
MANY = 1 << 24  # trials whose weights could exceed 32 bits in all


@dataclass(frozen=True)
class Measures:
    """Which measures are wanted: the EER by `rule`, minDCF at each point, and Cllr.

    With `thresholds`, one for each point, also the actual cost of each point at its threshold.
    """

    points: tuple[OperatingPoint, ...] = ()
    thresholds: tuple[float, ...] = ()
    rule: str = "interpolated"

    @property
    def names(self) -> list[str]:
        """``eer``, then ``min_dcf(POINT)``, then ``actual_dcf(POINT)``, then ``cllr``."""
        points = [point.name for point in self.points]
        actual = [f"actual_dcf({name})" for name, _ in zip(points, self.thresholds, strict=False)]
        return ["eer", *(f"min_dcf({name})" for name in points), *actual, "cllr"]


@dataclass(frozen=True, eq=False)
class WeightedErrors:
    """The error counts of a trial list for any weights of its pairs of speakers, exact also under ties.

    The thresholds that matter are the distinct target scores t_0 < t_1 < ... A score s has the place
    2 i + 1 if it equals t_i, and 2 i if it lies between t_(i-1) and t_i. All thresholds of one place make the
    same errors: misses are the targets at lower places, false alarms the nontargets at this one and higher.
    The EER by the rule ``nearest`` may lie at a nontarget: t_i are all distinct scores then, at more cost.
    `targets` and `nontargets` (places, U) count the trials of each pair there. `of_pairs` (rows, U) holds
    what needs no curve: number and logarithmic cost of the targets, the same of the nontargets, then the
    misses and the false alarms at each fixed threshold.
    """

    measures: Measures
    targets: csr_matrix
    nontargets: csr_matrix
    of_pairs: Scores

    @staticmethod
    def of(
        scores: Scores, is_target: NDArray[np.bool_], pairs: SpeakerPairs, measures: Measures
    ) -> WeightedErrors:
        """Count the trials (K,) once; a set of weights then costs a product with sparse matrices."""
        steps = np.unique(scores if measures.rule == "nearest" else scores[is_target])
        place = np.searchsorted(steps, scores) + np.searchsorted(steps, scores, side="right")
        shape = (2 * len(steps) + 1, len(pairs))
        whole = np.int32 if len(scores) < MANY else np.int64
        counts, rows = [], []
        for chosen, sign in ((is_target, -1.0), (~is_target, 1.0)):
            pair = pairs.of_trial[chosen]
            counts.append(csr_matrix((np.ones(len(pair), whole), (place[chosen], pair)), shape=shape))
            rows.append(np.bincount(pair, minlength=len(pairs)))
            rows.append(np.bincount(pair, np.logaddexp(0.0, sign * scores[chosen]), len(pairs)))
        for threshold in measures.thresholds:
            accepted = scores >= threshold
            for wrong in (is_target & ~accepted, ~is_target & accepted):
                rows.append(np.bincount(pairs.of_trial[wrong], minlength=len(pairs)))
        return WeightedErrors(measures, counts[0], counts[1], np.stack(rows).astype(np.float64))

    def measure(self, weights: NDArray[np.int32]) -> Scores:
        """Return the measures (measures, B) for B sets of weights of the pairs (U, B)."""
        at_once = max(1, BLOCK // self.targets.shape[0])
        starts = range(0, max(1, weights.shape[1]), at_once)
        return np.concatenate([self._block(weights[:, start : start + at_once]) for start in starts], axis=1)

    def _block(self, weights: NDArray[np.int32]) -> Scores:
        misses, false_alarms = self._errors(weights)
        num_target, cost_target, num_nontarget, cost_nontarget, *at = self.of_pairs @ weights
        p_miss, p_fa = misses / num_target, false_alarms / num_nontarget
        found = [_equal_error_rates(misses, false_alarms, self.measures.rule)]
        for point in self.measures.points:
            miss, false_alarm = point.weights
            found.append(np.minimum(1.0, (miss * p_miss + false_alarm * p_fa).min(axis=0)))
        for point, missed, accepted in zip(self.measures.points, at[::2], at[1::2], strict=False):
            miss, false_alarm = point.weights
            found.append(miss * missed / num_target + false_alarm * accepted / num_nontarget)
        found.append((cost_target / num_target + cost_nontarget / num_nontarget) / (2 * log(2)))
        return np.stack(found)

    def _errors(self, weights: NDArray[np.int32]) -> tuple[Counts, Counts]:
        """Return the misses and false alarms (places + 1, B): at first all are accepted, at last none."""
        shape = (self.targets.shape[0] + 1, weights.shape[1])
        misses, accepted = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        np.cumsum(self.targets @ weights, axis=0, out=misses[1:])
        np.cumsum((self.nontargets @ weights)[::-1], axis=0, out=accepted[-2::-1])
        return misses, accepted


def _equal_error_rates(misses: Counts, false_alarms: Counts, rule: str) -> Scores:
    """Return the equal error rate of each column as `eer` defines it by the rule."""
    if rule in ("interpolated", "nearest"):
        return _at_crossing(misses, false_alarms, rule == "nearest")
    above, rejected = float(len(misses)), false_alarms[0] - false_alarms
    curves = [
        curve_of(_ascending(missed), _ascending(other), above)
        for missed, other in zip(misses.T, rejected.T, strict=True)
    ]
    return np.array([eer(curve, rule).value for curve in curves])


def _ascending(before: Counts) -> Ascending:
    """Return scores, which are the places, from the numbers below each place (places + 1,)."""
    present = np.flatnonzero(np.diff(before))
    return Ascending(present.astype(np.float64), np.append(before[present], before[-1]))


def _at_crossing(misses: Counts, false_alarms: Counts, nearest: bool) -> Scores:
    num_target, num_nontarget = misses[-1], false_alarms[0]
    excess = misses * num_nontarget - false_alarms * num_target  # exact; it rises along the curve
    after = (excess >= 0).argmax(axis=0)
    column = np.arange(len(after))
    above, below = excess[after, column], -excess[after - 1, column]
    if nearest:
        end = np.where(below < above, after - 1, after)
        return np.asarray((misses[end, column] / num_target + false_alarms[end, column] / num_nontarget) / 2)
    # In floating point: these products may exceed 64 bits.
    weighted = misses[after - 1, column] * above.astype(float) + misses[after, column] * below.astype(float)
    return np.asarray(weighted / (num_target * (above + below).astype(float)))
