"""A system's result on a trial list in the small: its numbers, a thinned DET curve and a histogram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from wespk.metrics.costs import OperatingPoint
from wespk.metrics.error_rates import StepCurve, step_curve
from wespk.metrics.evaluation import DEFAULT_POINTS, Evaluation, Thresholds, evaluate
from wespk.metrics.scores import Scores, ScoreSet

DET_POINTS = 1000
HISTOGRAM_BINS = 80


@dataclass(frozen=True, eq=False)
class Histogram:
    """Shares of a system's trials per bin of scores: `edges` (B + 1,), `target` and `nontarget` (B,).

    Each class sums to 1, so that a hundred nontargets to a target do not hide the targets.
    """

    edges: Scores
    target: Scores
    nontarget: Scores


@dataclass(frozen=True, eq=False)
class SystemResult:
    """What a report shows of one system on one trial list; a few kilobytes, however many trials there were.

    `trials` names the trial list and `system` the system. `det` (2, P) holds p_fa and p_miss along the step
    curve, P at most 1000.
    """

    trials: str
    system: str
    evaluation: Evaluation
    det: Scores
    histogram: Histogram

    @staticmethod
    def from_scores(
        trials: str,
        system: str,
        scores: ScoreSet,
        points: Sequence[OperatingPoint] = DEFAULT_POINTS,
        dev_thresholds: Thresholds | None = None,
    ) -> SystemResult:
        """Evaluate the scores (see `evaluate`) and keep what the plots need."""
        curve = step_curve(scores)
        evaluation = evaluate(scores, points, dev_thresholds, curve)
        return SystemResult(trials, system, evaluation, _thin(curve), _histogram(scores))

    def to_json(self) -> dict[str, Any]:
        """Return the names and the numbers, without the curves, for a JSON file."""
        return {"trials": self.trials, "system": self.system, **self.evaluation.to_json()}


def by_trial_list(results: Sequence[SystemResult]) -> list[list[SystemResult]]:
    """Group results by trial list, the lists in order of appearance, the systems in the order given.

    Results of one list with other numbers of trials are not comparable: they make a group of their own.
    """
    groups: dict[tuple[str, int, int], list[SystemResult]] = {}
    for result in results:
        numbers = result.evaluation
        groups.setdefault((result.trials, numbers.num_target, numbers.num_nontarget), []).append(result)
    return list(groups.values())


def trials_title(group: Sequence[SystemResult]) -> str:
    """Return a line such as ``test: 7,116 target and 135,204 nontarget trials`` for a group."""
    numbers = group[0].evaluation
    return f"{group[0].trials}: {numbers.num_target:,} target and {numbers.num_nontarget:,} nontarget trials"


def _thin(curve: StepCurve) -> Scores:
    """Keep at most `DET_POINTS` points of the staircase, evenly along its length as a DET plot draws it.

    Both ends of each long step are kept, so that a curve of few trials keeps its corners.
    """
    rates = np.stack([curve.p_fa, curve.p_miss])
    if rates.shape[1] <= DET_POINTS:
        return rates
    finest = 0.5 / max(curve.num_target, curve.num_nontarget)
    drawn = ndtri(rates.clip(finest, 1 - finest))
    length = np.concatenate([[0.0], np.abs(np.diff(drawn)).sum(axis=0).cumsum()])
    ends = np.searchsorted(length, np.linspace(0, length[-1], DET_POINTS // 2 - 1))
    last = rates.shape[1] - 1
    keep = np.unique(np.concatenate([[0], (ends - 1).clip(0), ends.clip(max=last), [last]]))
    return rates[:, keep]


def _histogram(scores: ScoreSet) -> Histogram:
    classes = (scores.target, scores.nontarget)
    low, high = min(each.min() for each in classes), max(each.max() for each in classes)
    if not high - low > 1e-9 * max(abs(low), abs(high)):  # all scores are equal, or nearly so
        margin = max(1.0, abs(low)) / 2
        low, high = low - margin, high + margin
    few = min(len(each) for each in classes)
    bins = int(np.clip(4 * np.sqrt(few), 12, HISTOGRAM_BINS))  # fewer where the bars would only show chance
    target, nontarget = (np.histogram(each, bins, (low, high))[0] / len(each) for each in classes)
    return Histogram(np.linspace(low, high, bins + 1), target, nontarget)
