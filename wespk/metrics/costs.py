"""What the errors cost: detection costs at an operating point, and the cost over all of them (Cllr)."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log

import numpy as np
from numpy.typing import NDArray

from wespk.core.errors import WespkError
from wespk.metrics.error_rates import AtThreshold, StepCurve, step_curve
from wespk.metrics.scores import ScoreSet


@dataclass(frozen=True)
class OperatingPoint:
    """An application: how often targets occur and what each error costs (NIST SRE evaluation plans).

    Raises `WespkError` for a prior outside (0, 1) and for costs that are not positive.
    """

    p_target: float
    c_miss: float = 1.0
    c_fa: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.p_target < 1:
            raise WespkError(f"p_target is {self.p_target}; it must lie between 0 and 1, both excluded")
        for name, cost in (("c_miss", self.c_miss), ("c_fa", self.c_fa)):
            if not (isfinite(cost) and cost > 0):
                raise WespkError(f"{name} is {cost}; a cost must be positive")

    @property
    def name(self) -> str:
        """The prior, as in ``0.01``; with the costs, as in ``0.01,10,1``, unless both are 1."""
        unit = self.c_miss == self.c_fa == 1
        return f"{self.p_target:g}" if unit else f"{self.p_target:g},{self.c_miss:g},{self.c_fa:g}"

    @property
    def weights(self) -> tuple[float, float]:
        """Weight of p_miss and of p_fa in the normalised cost; the smaller of the two is 1."""
        miss, false_alarm = self.c_miss * self.p_target, self.c_fa * (1 - self.p_target)
        return miss / min(miss, false_alarm), false_alarm / min(miss, false_alarm)

    @property
    def bayes_threshold(self) -> float:
        """The threshold of least expected cost for scores that are natural-log likelihood ratios."""
        miss, false_alarm = self.weights
        return log(false_alarm / miss)


def min_dcf(scores: ScoreSet | StepCurve, point: OperatingPoint) -> AtThreshold:
    """Return the least normalised detection cost over all thresholds, in [0, 1], and its threshold.

    DCF = (c_miss p_target p_miss + c_fa (1 - p_target) p_fa) / min(c_miss p_target, c_fa (1 - p_target)),
    NIST SRE 2016 evaluation plan, section 3: the cost relative to deciding without listening. Accepting all
    and rejecting all are among the thresholds, so that it is never above 1. Of equal minima the one with the
    lowest threshold is taken.
    """
    curve = step_curve(scores)
    miss, false_alarm = point.weights
    cost = (miss / curve.num_target) * curve.misses
    cost += (false_alarm / curve.num_nontarget) * curve.false_alarms
    best = int(cost.argmin())
    threshold = float(curve.thresholds[best])
    value = actual_dcf(curve, point, threshold)
    return AtThreshold(min(1.0, value), threshold)  # rounding may have made it 1 + 2e-16


def actual_dcf(scores: ScoreSet | StepCurve, point: OperatingPoint, threshold: float | None = None) -> float:
    """Return the normalised detection cost at `threshold`: at least `min_dcf`, and above 1 if it does harm.

    Without a threshold the Bayes threshold of the point is taken, which is right for scores that are
    calibrated natural-log likelihood ratios (NIST's "actual" cost).
    """
    curve = step_curve(scores)
    miss, false_alarm = point.weights
    p_miss, p_fa = curve.rates_at(point.bayes_threshold if threshold is None else threshold)
    return miss * p_miss + false_alarm * p_fa


def cllr(scores: ScoreSet) -> float:
    """Return the cost of log-likelihood ratios in bits, taking the scores for natural-log ones.

    1/2 (mean_target log2(1 + exp(-s)) + mean_nontarget log2(1 + exp(s))): the detection cost averaged over
    all operating points (Brummer and du Preez 2006, "Application-independent evaluation of speaker
    detection"). 0 is perfect, 1 is what a system that always says 0 gets, and there is no upper bound.
    """
    of_targets = np.logaddexp(0.0, -scores.target).mean()
    of_nontargets = np.logaddexp(0.0, scores.nontarget).mean()
    return float(of_targets + of_nontargets) / (2 * log(2))


def min_cllr(scores: ScoreSet | StepCurve) -> float:
    """Return the least Cllr, in [0, 1], that any rising map of the scores to log-likelihood ratios reaches.

    The map is isotonic regression, by pooling adjacent violators: within a pool of t targets and u
    nontargets the ratio is (t / T) / (u / U). Brummer and du Preez 2006, section on optimal calibration. What
    `cllr` has above it is lost by bad calibration, the rest by bad discrimination.
    """
    curve = step_curve(scores)
    targets, nontargets = _pools(np.diff(curve.misses), -np.diff(curve.false_alarms))
    p_target, p_nontarget = targets / curve.num_target, nontargets / curve.num_nontarget
    both = (targets > 0) & (nontargets > 0)  # a pool of one class costs nothing
    p_target, p_nontarget = p_target[both], p_nontarget[both]
    bits = p_target * np.log2(1 + p_nontarget / p_target) + p_nontarget * np.log2(1 + p_target / p_nontarget)
    return float(bits.sum()) / 2


def _pools(
    targets: NDArray[np.int64], nontargets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pool neighbours until the odds targets : nontargets rise strictly from pool to pool.

    Neighbours that do not rise belong to one pool of the solution in whatever order they are pooled, so each
    round joins all runs of them at once. Odds are compared by cross-multiplication, in exact integers.
    """
    while True:
        rises = targets[:-1] * nontargets[1:] < targets[1:] * nontargets[:-1]
        if rises.all():
            return targets, nontargets
        starts = np.concatenate([[0], np.flatnonzero(rises) + 1])
        targets, nontargets = np.add.reduceat(targets, starts), np.add.reduceat(nontargets, starts)
