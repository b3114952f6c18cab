"""How well the scores rank targets above nontargets, without any threshold: AUC and average precision."""

from __future__ import annotations

import numpy as np

from wespk.metrics.curves import StepCurve, step_curve
from wespk.metrics.scores import ScoreSet


def auc(scores: ScoreSet | StepCurve) -> float:
    """Return the probability that a target scores above a nontarget, ties counting half.

    It is the area under the ROC curve, its points joined by straight lines, and the Mann-Whitney statistic
    over T U (Bamber 1975, "The area above the ordinal dominance graph and the area below the ROC graph").
    """
    curve = step_curve(scores)
    rejected = -np.diff(curve.false_alarms)
    accepted_twice = 2 * curve.num_target - curve.misses[:-1] - curve.misses[1:]  # twice the mean hits
    wins_twice = int((rejected * accepted_twice).sum())
    return wins_twice / (2 * curve.num_target * curve.num_nontarget)


def average_precision(scores: ScoreSet | StepCurve) -> float:
    """Return the mean over the targets of the precision at the threshold of their own score.

    Targets and nontargets tied with a target are accepted with it, so that sum over thresholds of (recall
    gained) x (precision there) without interpolation is the same number: scikit-learn's
    `average_precision_score`. For scores that rank at random it is about T / (T + U).
    """
    curve = step_curve(scores)
    values, before = curve.target.distinct()
    accepted = curve.num_target - before[:-1]
    wrongly = curve.num_nontarget - curve.nontarget.around(values)[0]
    return float((np.diff(before) * (accepted / (accepted + wrongly))).sum()) / curve.num_target
