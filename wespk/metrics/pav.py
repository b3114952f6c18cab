"""Pool adjacent violators: the best rising map of scores to log-likelihood ratios; the ROC's convex hull."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wespk.metrics.curves import Counts, StepCurve, step_curve
from wespk.metrics.scores import Scores, ScoreSet

SLOW = 0.9  # a round of pooling that leaves more than this share of the groups is not worth another


@dataclass(frozen=True, eq=False)
class Pools:
    """Isotonic calibration of a score set, an entry a pool, in ascending order; P pools.

    All scores from `score_low` to `score_high` (P,), both included, get the same natural-log likelihood ratio
    `llr` (P,), log of (targets / T) / (nontargets / U), where `targets` and `nontargets` (P,) count the
    trials in the pool. It rises strictly, and may be -infinity in the first pool and +infinity in the last.
    """

    score_low: Scores
    score_high: Scores
    targets: Counts
    nontargets: Counts
    llr: Scores


def pav(scores: ScoreSet | StepCurve) -> Pools:
    """Return the isotonic regression of the labels on the scores as log-likelihood ratios.

    Among all rising maps it has the least Cllr, and the least cost at every operating point at once. Brummer
    and du Preez 2006, "Application-independent evaluation of speaker detection", section on optimal
    calibration. Equal scores stay together; neighbouring pools of equal ratio are one.
    """
    curve = step_curve(scores)
    bounds = hull_points(curve)
    first, last = bounds[:-1], bounds[1:]
    targets = np.diff(curve.misses[bounds])
    nontargets = -np.diff(curve.false_alarms[bounds])
    with np.errstate(divide="ignore"):
        llr = np.log(targets / curve.num_target) - np.log(nontargets / curve.num_nontarget)
    highest = np.full((2, len(last)), -np.inf)
    rejected = (curve.misses[last], curve.num_nontarget - curve.false_alarms[last])
    for row, each, count in zip(highest, (curve.target, curve.nontarget), rejected, strict=True):
        row[count > 0] = each.score_at(count[count > 0] - 1)
    return Pools(curve.thresholds[first], highest.max(axis=0), targets, nontargets, llr)


def hull_points(curve: StepCurve) -> NDArray[np.intp]:
    """Return the points of `curve` that bound the pools: the corners of its lower convex hull."""
    starts = pool_starts(np.diff(curve.misses), -np.diff(curve.false_alarms))
    return np.append(starts, len(curve.thresholds) - 1)


def pool_starts(targets: Counts, nontargets: Counts, slow: float = SLOW) -> NDArray[np.intp]:
    """Return where the pools start, of groups of trials (G,) in ascending order of their scores.

    Neighbours whose odds, targets to nontargets, do not rise end in one pool in whatever order they are
    pooled. So each round joins all runs of them at once; when a round leaves more than the share `slow` of
    the groups, the rest is done group by group.
    """
    starts = np.arange(len(targets))
    while True:
        rises = targets[:-1] * nontargets[1:] < targets[1:] * nontargets[:-1]  # odds, in exact integers
        if rises.all():
            return starts
        kept = np.flatnonzero(np.concatenate([[True], rises]))
        if len(kept) > slow * len(starts):
            return starts[_single_pass(targets.tolist(), nontargets.tolist())]
        starts = starts[kept]
        targets, nontargets = np.add.reduceat(targets, kept), np.add.reduceat(nontargets, kept)


def _single_pass(targets: list[int], nontargets: list[int]) -> list[int]:
    """Pool from left to right; return where the pools start. Slower than a round, but once is enough."""
    starts: list[int] = []
    pools: list[tuple[int, int]] = []
    for start, pool in enumerate(zip(targets, nontargets, strict=True)):
        while pools and pools[-1][0] * pool[1] >= pool[0] * pools[-1][1]:
            earlier, start = pools.pop(), starts.pop()
            pool = (earlier[0] + pool[0], earlier[1] + pool[1])
        pools.append(pool)
        starts.append(start)
    return starts
