"""What the errors cost: detection costs at an operating point, and the cost over all of them (Cllr)."""

from __future__ import annotations

from math import log

import numpy as np

from wespk.metrics.curves import AtThreshold, StepCurve, step_curve
from wespk.metrics.pav import pav
from wespk.metrics.points import EmpiricalPoint, OperatingPoint
from wespk.metrics.scores import Scores, ScoreSet

BLOCK = 1 << 15  # scores, few enough to stay in the processor's cache
EQUAL = 1e-12  # costs that differ by a smaller share of themselves are equal but for rounding


def min_dcf(
    scores: ScoreSet | StepCurve, point: OperatingPoint | EmpiricalPoint, normalised: bool = True
) -> AtThreshold:
    """Return the least detection cost over all thresholds, in [0, 1], and its threshold.

    DCF = c_miss p_target p_miss + c_fa (1 - p_target) p_fa, the expected cost of a trial; normalised it is
    divided by min(c_miss p_target, c_fa (1 - p_target)), NIST SRE 2016 evaluation plan, section 3: the cost
    relative to deciding without listening. Accepting all and rejecting all are among the thresholds, so that
    the normalised one is never above 1. Of equal minima the one with the lowest threshold is taken.
    """
    curve = step_curve(scores)
    point = point.of(curve.num_target, curve.num_nontarget)
    miss, false_alarm = point.weights
    cost = (miss / curve.num_target) * curve.misses
    cost += (false_alarm / curve.num_nontarget) * curve.false_alarms
    threshold = float(curve.thresholds[int((cost <= cost.min() * (1 + EQUAL)).argmax())])
    value = min(1.0, actual_dcf(curve, point, threshold))  # rounding may have made it 1 + 2e-16
    return AtThreshold(value if normalised else value * min(point.expected_costs), threshold)


def actual_dcf(
    scores: ScoreSet | StepCurve,
    point: OperatingPoint | EmpiricalPoint,
    threshold: float | None = None,
    normalised: bool = True,
) -> float:
    """Return the detection cost at `threshold`: at least `min_dcf`, and above 1 (normalised) if it does harm.

    Without a threshold the Bayes threshold of the point is taken, which is right for scores that are
    calibrated natural-log likelihood ratios (NIST's "actual" cost).
    """
    curve = step_curve(scores)
    point = point.of(curve.num_target, curve.num_nontarget)
    miss, false_alarm = point.weights if normalised else point.expected_costs
    p_miss, p_fa = curve.rates_at(point.bayes_threshold if threshold is None else threshold)
    return miss * p_miss + false_alarm * p_fa


def cllr(scores: ScoreSet) -> float:
    """Return the cost of log-likelihood ratios in bits, taking the scores for natural-log ones.

    1/2 (mean_target log2(1 + exp(-s)) + mean_nontarget log2(1 + exp(s))): the detection cost averaged over
    all operating points (Brummer and du Preez 2006, "Application-independent evaluation of speaker
    detection"). 0 is perfect, 1 is what a system that always says 0 gets, and there is no upper bound.
    """
    return (_surprise(scores.target, -1.0) + _surprise(scores.nontarget, 1.0)) / (2 * log(2))


def min_cllr(scores: ScoreSet | StepCurve) -> float:
    """Return the least Cllr, in [0, 1], that any rising map of the scores to log-likelihood ratios reaches.

    The map is `pav`. What `cllr` has above it is lost by bad calibration, the rest by bad discrimination.
    """
    curve = step_curve(scores)
    pools = pav(curve)
    both = (pools.targets > 0) & (pools.nontargets > 0)  # a pool of one class costs nothing
    p_target = pools.targets[both] / curve.num_target
    p_nontarget = pools.nontargets[both] / curve.num_nontarget
    bits = p_target * np.log2(1 + p_nontarget / p_target) + p_nontarget * np.log2(1 + p_target / p_nontarget)
    return float(bits.sum()) / 2


def softplus(values: Scores) -> Scores:
    """Return log(1 + exp(v)) of each value, without overflow and exact where it is near 0."""
    costs = np.log1p(np.exp(-np.abs(values)))
    costs += np.maximum(values, 0.0)
    return costs


def _surprise(scores: Scores, sign: float) -> float:
    """Return the mean of log(1 + exp(sign x score)) in nats, computed in float64 block by block."""
    starts = range(0, len(scores), BLOCK)
    return sum(
        float(softplus(sign * scores[start : start + BLOCK].astype(np.float64)).sum()) for start in starts
    ) / len(scores)
