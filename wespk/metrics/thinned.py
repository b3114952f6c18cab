"""The curves of a system in a few hundred points: what its plots need, however many trials there were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from wespk.metrics.curves import StepCurve
from wespk.metrics.pav import pav
from wespk.metrics.points import OperatingPoint
from wespk.metrics.records import Record, rounded, rounded_axis
from wespk.metrics.scores import Scores, ScoreSet

DET_POINTS = 1000
HISTOGRAM_BINS = 80
SWEEP_POINTS = 400
CALIBRATION_POINTS = 400


@dataclass(frozen=True, eq=False)
class Histogram(Record):
    """Shares of a system's trials per bin of scores: `edges` (B + 1,), `target` and `nontarget` (B,).

    Each class sums to 1, so that a hundred nontargets to a target do not hide the targets.
    """

    edges: Scores
    target: Scores
    nontarget: Scores


@dataclass(frozen=True, eq=False)
class Sweep(Record):
    """What each of P <= 400 rising thresholds would do, all (P,) and but for the cost shares in [0, 1].

    `dcf` is the normalised detection cost at the first operating point.
    """

    threshold: Scores
    far: Scores
    frr: Scores
    dcf: Scores
    precision: Scores
    recall: Scores
    f1: Scores


@dataclass(frozen=True, eq=False)
class CalibrationCurve(Record):
    """The log-likelihood ratio `llr` (P,) that these trials say a `score` (P,) to be worth, P <= 400.

    Isotonic regression of these very trials, thinned, without the ends where the ratio is infinite. Empty
    where the classes do not overlap.
    """

    score: Scores
    llr: Scores


def thin_det(curve: StepCurve) -> Scores:
    """Return p_fa and p_miss (2, P) at P <= 1000 corners of the curve, evenly along its length in a DET plot.

    Both ends of each long step are kept, so that a curve of few trials keeps its corners.
    """
    rates = np.stack([curve.p_fa, curve.p_miss])
    if rates.shape[1] > DET_POINTS:
        rates = rates[:, _evenly_drawn(curve, DET_POINTS)]
    return rounded(rates)


def histogram(scores: ScoreSet) -> Histogram:
    """Return both classes' shares in the same bins: at most 80, fewer where they would only show chance."""
    classes = (scores.target, scores.nontarget)
    low, high = min(float(each.min()) for each in classes), max(float(each.max()) for each in classes)
    if not high - low > 1e-9 * max(abs(low), abs(high), 1e-290):  # all scores are equal, or nearly so
        margin = max(1.0, abs(low)) / 2
        low, high = low - margin, high + margin
    few = min(len(each) for each in classes)
    bins = int(np.clip(4 * np.sqrt(few), 12, HISTOGRAM_BINS))
    target, nontarget = (np.histogram(each, bins, (low, high))[0] / len(each) for each in classes)
    return Histogram(rounded_axis(np.linspace(low, high, bins + 1)), rounded(target), rounded(nontarget))


def sweep(curve: StepCurve, point: OperatingPoint, also: tuple[float, ...] = ()) -> Sweep:
    """Return the errors at thresholds of the whole range: half of them evenly spaced, half so in a DET plot.

    Thresholds of `also` within the range are among them.
    """
    lowest = float(curve.thresholds[0])
    highest = float(max(curve.target.values[-1], curve.nontarget.values[-1]))
    kept = _evenly_drawn(curve, SWEEP_POINTS // 2 - len(also))
    even = np.linspace(lowest, highest, SWEEP_POINTS // 2)
    some = np.concatenate([even, curve.thresholds[kept], also])
    thresholds = np.unique(rounded_axis(some[(lowest <= some) & (some <= highest)]))
    misses = curve.target.below(thresholds)
    false_alarms = curve.num_nontarget - curve.nontarget.below(thresholds)
    hits = curve.num_target - misses
    frr, far = misses / curve.num_target, false_alarms / curve.num_nontarget
    miss, false_alarm = point.weights
    # Rounding may have put the last threshold above all scores: there no acceptance is wrong.
    precision = np.where(hits + false_alarms, hits / np.maximum(1, hits + false_alarms), 1.0)
    f1 = 2 * hits / (hits + false_alarms + curve.num_target)
    dcf = miss * frr + false_alarm * far
    return Sweep(thresholds, *map(rounded, (far, frr, dcf, precision, 1 - frr, f1)))


def calibration_curve(curve: StepCurve) -> CalibrationCurve:
    """Return the map of `pav` as a line through both ends of each pool, or of some of very many."""
    pools = pav(curve)
    finite = np.flatnonzero((pools.targets > 0) & (pools.nontargets > 0))
    most = CALIBRATION_POINTS // 2
    if len(finite) > most:
        finite = finite[np.linspace(0, len(finite) - 1, most).round().astype(int)]
    score = np.stack([pools.score_low[finite], pools.score_high[finite]], axis=1).ravel()
    return CalibrationCurve(rounded_axis(score), rounded(np.repeat(pools.llr[finite], 2)))


def _evenly_drawn(curve: StepCurve, points: int) -> np.ndarray:
    """Return at most `points` places of the curve, evenly along its length as a DET plot draws it."""
    last = len(curve.thresholds) - 1
    if last < points:
        return np.arange(last + 1)
    finest = 0.5 / max(curve.num_target, curve.num_nontarget)
    drawn = ndtri(np.stack([curve.p_fa, curve.p_miss]).clip(finest, 1 - finest))
    length = np.concatenate([[0.0], np.abs(np.diff(drawn)).sum(axis=0).cumsum()])
    ends = np.searchsorted(length, np.linspace(0, length[-1], points // 2 - 1))
    return np.unique(np.concatenate([[0], (ends - 1).clip(0), ends.clip(max=last), [last]]))
