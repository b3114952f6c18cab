"""Decisions at a threshold as a retrieval task sees them: accuracy, precision, recall, F1, and their best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wespk.metrics.curves import AtThreshold, StepCurve, step_curve
from wespk.metrics.scores import ScoreSet


@dataclass(frozen=True)
class Decisions:
    """Numbers of right and wrong decisions at `threshold`: target trials accepted are true positives.

    At least one trial of each class is needed, so that only the precision could be undefined.
    """

    threshold: float
    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def accuracy(self) -> float:
        """Share of all trials that are decided rightly; it depends on how many nontargets there are."""
        return (self.tp + self.tn) / (self.tp + self.fp + self.fn + self.tn)

    @property
    def precision(self) -> float:
        """Share of targets among the accepted; 1 if none is accepted, since none is accepted wrongly."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 1.0

    @property
    def recall(self) -> float:
        """Share of the targets that are accepted, 1 - FRR."""
        return self.tp / (self.tp + self.fn)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 when no target is accepted."""
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn)

    @property
    def far(self) -> float:
        """Share of the nontargets that are accepted (p_fa)."""
        return self.fp / (self.fp + self.tn)

    @property
    def frr(self) -> float:
        """Share of the targets that are rejected (p_miss)."""
        return self.fn / (self.tp + self.fn)


def decisions_at(scores: ScoreSet | StepCurve, threshold: float) -> Decisions:
    """Count the decisions at `threshold`: a trial is accepted if its score >= the threshold."""
    curve = step_curve(scores)
    misses, false_alarms = curve.errors_at(threshold)
    return Decisions(
        threshold=threshold,
        tp=curve.num_target - misses,
        fp=false_alarms,
        fn=misses,
        tn=curve.num_nontarget - false_alarms,
    )


def best_f1(scores: ScoreSet | StepCurve) -> AtThreshold:
    """Return the highest F1 over all thresholds, and the lowest threshold that reaches it.

    Rejecting a nontarget raises F1 and rejecting a target lowers it: the best is at a corner of the curve.
    """
    curve = step_curve(scores)
    accepted = curve.num_target - curve.misses
    f1 = 2 * accepted / (accepted + curve.false_alarms + curve.num_target)
    best = int(f1.argmax())
    return AtThreshold(float(f1[best]), float(curve.thresholds[best]))


def best_accuracy(scores: ScoreSet | StepCurve) -> AtThreshold:
    """Return the highest accuracy over all thresholds, and the lowest threshold that reaches it."""
    curve = step_curve(scores)
    best = int(np.argmin(curve.misses + curve.false_alarms))
    threshold = float(curve.thresholds[best])
    return AtThreshold(decisions_at(curve, threshold).accuracy, threshold)
