"""Miss and false-alarm rates at every threshold, and the equal error rate.

One decision rule holds in all of `wespk`: a trial is accepted if its score >= the threshold.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wespk.metrics.scores import Scores, ScoreSet


class AtThreshold(NamedTuple):
    """A measure and the finite threshold at which it was found."""

    value: float
    threshold: float


@dataclass(frozen=True, eq=False)
class StepCurve:
    """Errors at each threshold that makes a difference: the exact DET staircase (Martin et al. 1997).

    `thresholds` (M + 1,) ascend: the M distinct scores, then the next number above the highest. At the first
    every trial is accepted, at the last every trial is rejected. `misses` and `false_alarms` (M + 1,) count
    the errors there. Tied scores share one point: no threshold can tell them apart.
    """

    thresholds: Scores
    misses: NDArray[np.int64]
    false_alarms: NDArray[np.int64]
    num_target: int
    num_nontarget: int

    @property
    def p_miss(self) -> Scores:
        """Share of target trials rejected (FRR), rising from 0 to 1, shape (M + 1,)."""
        return self.misses / self.num_target

    @property
    def p_fa(self) -> Scores:
        """Share of nontarget trials accepted (FAR), falling from 1 to 0, shape (M + 1,)."""
        return self.false_alarms / self.num_nontarget

    def errors_at(self, threshold: float) -> tuple[int, int]:
        """Return the numbers of misses and of false alarms at any threshold."""
        point = min(int(np.searchsorted(self.thresholds, threshold)), len(self.thresholds) - 1)
        return int(self.misses[point]), int(self.false_alarms[point])

    def rates_at(self, threshold: float) -> tuple[float, float]:
        """Return (p_miss, p_fa) at any threshold."""
        misses, false_alarms = self.errors_at(threshold)
        return misses / self.num_target, false_alarms / self.num_nontarget


def step_curve(scores: ScoreSet | StepCurve) -> StepCurve:
    """Return the error counts at every distinct threshold; a curve that is one already is returned as is.

    All measures take scores or a curve: give them one curve, and the scores are sorted only once.
    """
    if isinstance(scores, StepCurve):
        return scores
    merged, is_target = _merge(np.sort(scores.target), np.sort(scores.nontarget))
    lowest_of_each = np.flatnonzero(np.concatenate([[True], merged[1:] != merged[:-1]]))
    rejected = np.append(lowest_of_each, len(merged))
    misses = np.concatenate([[0], np.cumsum(is_target, dtype=np.int64)])[rejected]
    return StepCurve(
        thresholds=np.append(merged[lowest_of_each], np.nextafter(merged[-1], np.inf)),
        misses=misses,
        false_alarms=len(scores.nontarget) - (rejected - misses),
        num_target=len(scores.target),
        num_nontarget=len(scores.nontarget),
    )


def eer(scores: ScoreSet | StepCurve) -> AtThreshold:
    """Return the equal error rate in [0, 1] and the threshold nearest to it.

    The points (p_fa, p_miss) of the step curve are joined by straight lines; the value is where they cross
    p_miss = p_fa. They do so exactly once, since each step lowers p_fa or raises p_miss. Where a step moves
    only one of the two (no ties) that is the staircase itself; where a target and a nontarget score are tied
    it is what deciding these by the toss of a suitable coin would give. So it is defined for every input:
    0 when the classes are separated, 1 when they are separated the wrong way round, and 0.5 when all scores
    are equal. The threshold is the end of the crossing line where p_miss and p_fa differ less, and the
    higher (stricter) end when they differ equally.
    """
    curve = step_curve(scores)

    def excess(point: int) -> int:  # (p_miss - p_fa) in exact integers; it rises strictly along the curve
        misses, false_alarms = int(curve.misses[point]), int(curve.false_alarms[point])
        return misses * curve.num_nontarget - false_alarms * curve.num_target

    after = bisect_left(range(len(curve.thresholds)), 0, key=excess)
    above, below = excess(after), -excess(after - 1)
    weighted = int(curve.misses[after - 1]) * above + int(curve.misses[after]) * below
    nearest = after - 1 if below < above else after
    return AtThreshold(weighted / (curve.num_target * (above + below)), float(curve.thresholds[nearest]))


def eer_kaldi(scores: ScoreSet) -> AtThreshold:
    """Return the equal error rate as Kaldi's `compute-eer` defines it, for comparison with its logs.

    With i ascending over the sorted targets, the first i whose score is above the nontarget that leaves the
    same share of errors, nontarget[U - 1 - floor(U i / T)]; the rate is i / T, without interpolation. It is
    at most (T - 1) / T.
    """
    targets, nontargets = np.sort(scores.target), np.sort(scores.nontarget)
    index = np.arange(len(targets))
    above = nontargets[len(nontargets) - 1 - len(nontargets) * index // len(targets)] < targets
    above[-1] = True  # the search ends at the last target
    first = int(above.argmax())
    return AtThreshold(first / len(targets), float(targets[first]))


def _merge(targets: Scores, nontargets: Scores) -> tuple[Scores, NDArray[np.bool_]]:
    """Merge two sorted vectors; return the merged one and which of its entries are targets.

    Only the smaller class (the targets, nearly always) is searched for: faster than sorting it all again.
    """
    few, many = (targets, nontargets) if len(targets) < len(nontargets) else (nontargets, targets)
    is_few = np.zeros(len(few) + len(many), dtype=bool)
    is_few[np.searchsorted(many, few) + np.arange(len(few))] = True
    merged = np.empty(len(is_few))
    merged[is_few], merged[~is_few] = few, many
    return merged, is_few if few is targets else ~is_few
