"""The equal error rate, by name of the rule, and the error rates at named thresholds.

One decision rule holds in all of `wespk`: a trial is accepted if its score >= the threshold.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from wespk.core.errors import WespkError
from wespk.metrics.curves import Ascending, AtThreshold, StepCurve, step_curve
from wespk.metrics.pav import hull_points
from wespk.metrics.scores import ScoreSet


def eer(scores: ScoreSet | StepCurve, rule: str = "interpolated") -> AtThreshold:
    """Return the equal error rate in [0, 1] and its threshold, by one of `EER_RULES`.

    interpolated: the points (p_fa, p_miss) of the staircase are joined by straight lines; the value is where
    they cross p_miss = p_fa. They do so exactly once, since each step lowers p_fa or raises p_miss. Where a
    step moves only one of the two (no ties) that is the staircase itself; where a target and a nontarget
    score are tied it is what deciding these by the toss of a suitable coin would give. So it is defined for
    every input: 0 when the classes are separated, 1 when they are separated the wrong way round, and 0.5 when
    all scores are equal. The threshold is the end of the crossing line where p_miss and p_fa differ less, and
    the higher (stricter) end when they differ equally.

    convex_hull: the same on the lower convex hull of the points (ROCCH-EER; Brummer and de Villiers 2011,
    "The BOSARIS toolkit user guide"). It is the least share of errors at the prior where that is greatest, at
    most 0.5 and at most the interpolated rate.

    kaldi: as Kaldi's `compute-eer`, for comparison with its logs. With i ascending over the sorted targets,
    the first i whose score is above the nontarget that leaves the same share of errors,
    nontarget[U - 1 - floor(U i / T)]; the rate is i / T, at most (T - 1) / T, the threshold target i.

    nearest: (p_fa + p_miss) / 2 at the threshold where the two differ least, which is that of the
    interpolated rule: the higher one of two that are equally near.

    Raises `WespkError` for another rule.
    """
    if rule not in _RULES:
        raise WespkError(f"no EER rule '{rule}'; there are: {', '.join(EER_RULES)}")
    return _RULES[rule](step_curve(scores))


def eer_bounds(curve: StepCurve) -> tuple[float, float]:
    """Return two rates between which the interpolated EER lies for any joining of the curve's points.

    For the curve of `BinnedScores` they enclose the EER of the scores themselves, whatever their order is
    within the bin where the two error rates cross.
    """
    before, after = _crossing(curve)
    low = max(before.misses / curve.num_target, after.false_alarms / curve.num_nontarget)
    return low, min(after.misses / curve.num_target, before.false_alarms / curve.num_nontarget)


def threshold_at_far(scores: ScoreSet | StepCurve, far: float) -> AtThreshold:
    """Return the lowest threshold whose false-alarm rate is at most `far`, and p_miss there.

    The threshold is a score, or above all of them when none will do. Raises `WespkError` for a rate outside
    [0, 1].
    """
    curve = step_curve(scores)
    allowed = _most_errors("false-alarm", far, curve.num_nontarget)
    if allowed == curve.num_nontarget:
        return AtThreshold(0.0, float(curve.thresholds[0]))
    highest_rejected = curve.nontarget.tie_at(curve.num_nontarget - allowed - 1).score
    threshold = curve.next_threshold(highest_rejected)
    return AtThreshold(curve.rates_at(threshold)[0], threshold)


def threshold_at_frr(scores: ScoreSet | StepCurve, frr: float) -> AtThreshold:
    """Return the highest threshold whose miss rate is at most `frr`, and p_fa there.

    The threshold is a target score, or above all scores when every target may be missed. Raises `WespkError`
    for a rate outside [0, 1].
    """
    curve = step_curve(scores)
    allowed = _most_errors("miss", frr, curve.num_target)
    if allowed == curve.num_target:
        return AtThreshold(0.0, float(curve.thresholds[-1]))
    threshold = curve.target.tie_at(allowed).score
    return AtThreshold(curve.rates_at(threshold)[1], threshold)


def frr_at_far(scores: ScoreSet | StepCurve, fars: Iterable[float]) -> list[float]:
    """Return the least miss rate with at most each false-alarm rate of `fars`."""
    curve = step_curve(scores)
    return [threshold_at_far(curve, far).value for far in fars]


def far_at_frr(scores: ScoreSet | StepCurve, frrs: Iterable[float]) -> list[float]:
    """Return the least false-alarm rate with at most each miss rate of `frrs`."""
    curve = step_curve(scores)
    return [threshold_at_frr(curve, frr).value for frr in frrs]


def _most_errors(kind: str, rate: float, trials: int) -> int:
    """Return how many errors of so many trials keep the share of errors at or below `rate`."""
    if not 0 <= rate <= 1:
        raise WespkError(f"a {kind} rate of {rate} is no share; it must lie between 0 and 1")
    near = int(rate * trials)  # rounding may have made it one too many or too few
    return max(errors for errors in range(near - 1, near + 2) if errors >= 0 and errors / trials <= rate)


class _Point(NamedTuple):
    misses: int
    false_alarms: int
    threshold: float


def _interpolated(curve: StepCurve) -> AtThreshold:
    ends = _crossing(curve)
    return AtThreshold(_where_equal(curve, *ends), _nearer(curve, *ends).threshold)


def _nearest(curve: StepCurve) -> AtThreshold:
    point = _nearer(curve, *_crossing(curve))
    mean = (point.misses / curve.num_target + point.false_alarms / curve.num_nontarget) / 2
    return AtThreshold(mean, point.threshold)


def _convex_hull(curve: StepCurve) -> AtThreshold:
    ends = _corners_at_crossing(curve, hull_points(curve).tolist())
    return AtThreshold(_where_equal(curve, *ends), _nearer(curve, *ends).threshold)


def _kaldi(curve: StepCurve) -> AtThreshold:
    # nontarget[U - 1 - floor(U i / T)] < target[i] says: at most U i / T nontargets are at or above target i.
    # Within a step of the curve the nontargets at or above a target are those at its start.
    needed = -(-curve.num_target * curve.false_alarms[:-1] // curve.num_nontarget)
    found = np.flatnonzero(needed < curve.misses[1:])
    found = found[curve.misses[1:][found] > curve.misses[found]]  # steps that have targets
    last = curve.num_target - 1  # the search ends at the last target
    index = max(int(needed[found[0]]), int(curve.misses[found[0]])) if len(found) else last
    return AtThreshold(index / curve.num_target, curve.target.tie_at(index).score)


_RULES: dict[str, Callable[[StepCurve], AtThreshold]] = {
    "interpolated": _interpolated,
    "convex_hull": _convex_hull,
    "kaldi": _kaldi,
    "nearest": _nearest,
}
EER_RULES = tuple(_RULES)


def _crossing(curve: StepCurve) -> tuple[_Point, _Point]:
    """Return the neighbouring points of the whole staircase between which p_miss - p_fa turns positive."""
    before, after = _corners_at_crossing(curve, range(len(curve.thresholds)))
    if before.false_alarms == after.false_alarms:  # only targets between the two
        needed = -(-before.false_alarms * curve.num_target // curve.num_nontarget)
        below, up_to = _step_to(curve.target, needed, after.misses, after.threshold)
        return (
            _Point(below[0], before.false_alarms, below[1]),
            _Point(up_to[0], after.false_alarms, up_to[1]),
        )
    if before.misses == after.misses:  # only nontargets
        total = curve.num_nontarget
        needed = total - before.misses * total // curve.num_target
        below, up_to = _step_to(curve.nontarget, needed, total - after.false_alarms, after.threshold)
        return (
            _Point(before.misses, total - below[0], below[1]),
            _Point(after.misses, total - up_to[0], up_to[1]),
        )
    return before, after


def _corners_at_crossing(curve: StepCurve, points: range | list[int]) -> tuple[_Point, _Point]:
    """Return the neighbours among some points of the curve between which p_miss - p_fa turns positive."""

    def corner(point: int) -> _Point:
        misses, false_alarms = int(curve.misses[point]), int(curve.false_alarms[point])
        return _Point(misses, false_alarms, float(curve.thresholds[point]))

    after = bisect_left(points, 0, key=lambda point: _excess(curve, corner(point)))
    return corner(points[after - 1]), corner(points[after])


def _step_to(
    scores: Ascending, needed: int, last: int, last_threshold: float
) -> tuple[tuple[int, float], tuple[int, float]]:
    """Within a run of one class, return the step that brings the number rejected to `needed` or more.

    The step is (rejected, threshold) before and after it; `last` and `last_threshold` end the run.
    """
    tie = scores.tie_at(needed - 1)
    threshold = last_threshold if tie.up_to == last else scores.tie_at(tie.up_to).score
    return (tie.below, tie.score), (tie.up_to, threshold)


def _excess(curve: StepCurve, point: _Point) -> int:
    """Return p_miss - p_fa in exact integers (times T U); it rises strictly along the curve."""
    return point.misses * curve.num_nontarget - point.false_alarms * curve.num_target


def _where_equal(curve: StepCurve, before: _Point, after: _Point) -> float:
    """Return the rate at which the line between two points meets p_miss = p_fa."""
    below, above = -_excess(curve, before), _excess(curve, after)
    return (before.misses * above + after.misses * below) / (curve.num_target * (above + below))


def _nearer(curve: StepCurve, before: _Point, after: _Point) -> _Point:
    return before if -_excess(curve, before) < _excess(curve, after) else after
