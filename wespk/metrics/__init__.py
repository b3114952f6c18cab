"""How good a system is: error rates, costs and rankings of a `ScoreSet`, all of them in one `Evaluation`
(`evaluation`), their uncertainty (`bootstrap`, `comparison`), parts of a trial list (`breakdown`), and the
accuracy of closed-set identification (`identification`). Everything here is a pure function on arrays and
frozen records. Everywhere a trial is accepted if its score >= the threshold, rates are shares in [0, 1],
log-likelihood ratios are natural logarithms, and bad input raises `wespk.core.errors.WespkError` with one
line to read.

One sort serves them all: `step_curve(scores)` (`curves`) is taken by every measure in place of the scores.
`BinnedScores` (`binned`) builds such a curve from a stream of any length in bounded memory.

The ways to show results are modules of their own, not loaded with these: tables for the screen (`table`,
`identification_table`), figures (`plots`) and one self-contained HTML page (`report`).
"""

from wespk.metrics.binned import BinnedScores
from wespk.metrics.confusion import Confusion, confusion
from wespk.metrics.costs import actual_dcf, cllr, min_cllr, min_dcf
from wespk.metrics.curves import AtThreshold, StepCurve, step_curve
from wespk.metrics.decisions import Decisions, best_accuracy, best_f1, decisions_at
from wespk.metrics.error_rates import (
    EER_RULES,
    eer,
    eer_bounds,
    far_at_frr,
    frr_at_far,
    threshold_at_far,
    threshold_at_frr,
)
from wespk.metrics.evaluation import DEFAULT_POINTS, Evaluation, PointCost, evaluate
from wespk.metrics.identification import Identification, IdentificationResult, identify, wilson_interval
from wespk.metrics.pav import Pools, pav
from wespk.metrics.points import EmpiricalPoint, OperatingPoint
from wespk.metrics.ranking import auc, average_precision
from wespk.metrics.scores import ScoreSet, subsample_nontargets
from wespk.metrics.thresholds import Thresholds, find_thresholds

__all__ = [
    "DEFAULT_POINTS",
    "EER_RULES",
    "AtThreshold",
    "BinnedScores",
    "Confusion",
    "Decisions",
    "EmpiricalPoint",
    "Evaluation",
    "Identification",
    "IdentificationResult",
    "OperatingPoint",
    "PointCost",
    "Pools",
    "ScoreSet",
    "StepCurve",
    "Thresholds",
    "actual_dcf",
    "auc",
    "average_precision",
    "best_accuracy",
    "best_f1",
    "cllr",
    "confusion",
    "decisions_at",
    "eer",
    "eer_bounds",
    "evaluate",
    "far_at_frr",
    "find_thresholds",
    "frr_at_far",
    "identify",
    "min_cllr",
    "min_dcf",
    "pav",
    "step_curve",
    "subsample_nontargets",
    "threshold_at_far",
    "threshold_at_frr",
    "wilson_interval",
]
