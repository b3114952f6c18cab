"""A system's result on a trial list in the small: its numbers, a thinned DET curve and a histogram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wespk.metrics.breakdown import Breakdown
from wespk.metrics.curves import step_curve
from wespk.metrics.evaluation import DEFAULT_POINTS, Evaluation, Point, evaluate
from wespk.metrics.records import Record
from wespk.metrics.scores import Scores, ScoreSet
from wespk.metrics.thinned import (
    CalibrationCurve,
    Histogram,
    Sweep,
    calibration_curve,
    histogram,
    sweep,
    thin_det,
)
from wespk.metrics.thresholds import Thresholds
from wespk.metrics.worst_pairs import WorstPairs


@dataclass(frozen=True, eq=False)
class SystemResult(Record):
    """What a report shows of one system on one trial list: some 40 kB, however many trials there were.

    `trials` names the trial list, `system` the system, and `score_file` is where its scores were read.
    `det` (2, P) holds p_fa and p_miss along the step curve, P at most 1000. `worst` is None where the
    speakers are not known.
    """

    trials: str
    system: str
    score_file: str
    evaluation: Evaluation
    det: Scores
    histogram: Histogram
    sweep: Sweep
    calibration: CalibrationCurve
    breakdowns: tuple[Breakdown, ...] = ()
    worst: WorstPairs | None = None

    @staticmethod
    def from_scores(
        trials: str,
        system: str,
        scores: ScoreSet,
        points: Sequence[Point] = DEFAULT_POINTS,
        dev_thresholds: Thresholds | None = None,
        rule: str = "interpolated",
        score_file: str = "",
    ) -> SystemResult:
        """Evaluate the scores (see `evaluate`) and keep what the plots need.

        Intervals, breakdowns and worst pairs take knowing who speaks; `dataclasses.replace` adds them.
        """
        curve = step_curve(scores)
        evaluation = evaluate(scores, points, dev_thresholds, rule, curve)
        first = evaluation.costs[0]
        marks = (evaluation.eer_threshold, first.threshold, evaluation.best_f1.threshold)
        return SystemResult(
            trials=trials,
            system=system,
            score_file=score_file,
            evaluation=evaluation,
            det=thin_det(curve),
            histogram=histogram(scores),
            sweep=sweep(curve, first.point, marks),
            calibration=calibration_curve(curve),
        )


@dataclass(frozen=True)
class SpeakerSource(Record):
    """Where the speakers of the trials were looked up: the tables, "" for none, and how many there are."""

    utt2spk: str
    enrol: str
    num_speakers: int


@dataclass(frozen=True)
class ListResults(Record):
    """All systems on one trial list: what EXP/results/LIST.json holds. `calibration` is "" for none."""

    trials: str
    calibration: str
    speakers: SpeakerSource | None
    systems: tuple[SystemResult, ...]


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
