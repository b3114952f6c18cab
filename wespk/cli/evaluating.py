"""What `wespk evaluate` does with each score file: measures, intervals, breakdowns, worst pairs."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from wespk.cli.calibration_file import SystemCalibration, read_calibrations
from wespk.cli.score_files import LLR
from wespk.core.errors import WespkError
from wespk.core.files import write_text
from wespk.core.progress import say
from wespk.data.columns import read_columns
from wespk.data.scores import read_scores
from wespk.data.trial_groups import TrialGroups, group_trials
from wespk.data.trial_speakers import SpeakerTables, TrialSpeakers, audio_names, speakers_of_trials
from wespk.data.trials import LABELS, Trials, read_enrolment, read_trials
from wespk.metrics.bootstrap import speaker_bootstrap
from wespk.metrics.breakdown import Breakdown, break_down
from wespk.metrics.evaluation import DEFAULT_POINTS, Evaluation, kind_results
from wespk.metrics.resampling import SpeakerPairs
from wespk.metrics.scores import ScoreSet, subsample_nontargets
from wespk.metrics.systems import SystemResult
from wespk.metrics.thresholds import EER, Thresholds
from wespk.metrics.weighted_errors import Measures
from wespk.metrics.worst_pairs import TrialNames, WorstPairs, worst_pairs


@dataclass(frozen=True, eq=False)
class TrialSet:
    """A trial list with all that is known of its trials, for every system alike.

    `kept` (k,) are the trials that count, in ascending order: all, or all targets and the nontargets drawn.
    """

    trials: Trials
    speakers: TrialSpeakers | None
    groups: list[TrialGroups]
    kept: np.ndarray
    names: TrialNames


def load_trial_set(args: Namespace) -> TrialSet:
    """Read the trials, who speaks in them, and the tables that divide them."""
    trials = read_trials(args.trials)
    tables = (
        SpeakerTables.beside(args.trials, args.utt2spk, args.enrol) if args.draws or args.utt2spk else None
    )
    speakers = speakers_of_trials(trials, tables) if tables else None
    groups = [
        group_trials(by, read_columns(path), trials, speakers, args.bins.get(by))
        for by, path in args.by.items()
    ]
    kept = np.arange(len(trials))
    if args.nontargets_per_target:
        kept = _drawn(trials, args.nontargets_per_target, args.seed)
    return TrialSet(trials, speakers, groups, kept, _trial_names(trials, tables))


def evaluate_system(args: Namespace, data: TrialSet, system: str, path: Path) -> SystemResult:
    """Evaluate the score file of one system. Raises `WespkError` naming it."""
    learnt = read_calibrations(args.calibration) if args.calibration else None
    known = read_scores(path, data.trials, allow_missing=args.allow_missing)
    kept = data.kept[~np.isnan(known[data.kept])]
    if len(kept) < len(data.kept):
        _list_left_out(system, path, data, np.isnan(known))
    scores, labels = known[kept], data.trials.is_target[kept]
    try:
        result = SystemResult.from_scores(
            args.results.stem if args.results else str(args.trials),
            system,
            ScoreSet.from_labels(scores, labels),
            args.point or DEFAULT_POINTS,
            dev_thresholds(learnt, system, path) if learnt else None,
            args.rule,
            str(path),
        )
    except WespkError as error:
        raise WespkError(f"{path}: {error}") from None
    evaluation = replace(
        result.evaluation, kinds=kind_results(scores, data.trials.kind[kept], LABELS, args.rule)
    )
    breakdowns = tuple(_breakdown(args, data, group, kept, scores, evaluation) for group in data.groups)
    if data.speakers is None:
        return replace(result, evaluation=evaluation, breakdowns=breakdowns)
    return replace(
        result,
        evaluation=_with_intervals(args, data.speakers, kept, scores, labels, evaluation),
        breakdowns=breakdowns,
        worst=_worst(data, data.speakers, kept, scores, labels, evaluation),
    )


def dev_thresholds(learnt: dict[str, SystemCalibration], system: str, path: Path) -> Thresholds:
    """Return a system's thresholds: on log-likelihood ratios for a file that ends in .llr, else on scores."""
    if system not in learnt:
        raise WespkError(f"no development thresholds for '{system}'; there are: {', '.join(learnt)}")
    found = learnt[system].thresholds if path.suffix == LLR else learnt[system].score_thresholds
    if found is None:
        raise WespkError(f"'{system}' is a fusion and has thresholds on .llr files only")
    return found


def _list_left_out(system: str, path: Path, data: TrialSet, is_missing: np.ndarray) -> None:
    """Say how many trials have no score, and list them in SCORES.missing, in the lines of the trial list."""
    trials, missing = data.trials, data.kept[is_missing[data.kept]]
    enrol = map(trials.enrol_ids.__getitem__, trials.enrol_index[missing].tolist())
    test = map(trials.test_ids.__getitem__, trials.test_index[missing].tolist())
    labels = map(LABELS.__getitem__, trials.kind[missing].tolist())
    listed = f"{path}.missing"
    write_text(listed, "".join(f"{' '.join(line)}\n" for line in zip(enrol, test, labels, strict=True)))
    count = f"{len(missing)} of {len(data.kept)} trials have no score"
    say(f"{system}: {count} and are left out, listed in {listed}")


def _with_intervals(
    args: Namespace,
    speakers: TrialSpeakers,
    kept: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    evaluation: Evaluation,
) -> Evaluation:
    pairs = SpeakerPairs.of(speakers.enrol[kept], speakers.test[kept])
    if not args.draws:
        return replace(evaluation, num_speakers=pairs.num_speakers)
    points = tuple(cost.point for cost in evaluation.costs)
    thresholds = tuple(
        cost.point.bayes_threshold if cost.dev_threshold is None else cost.dev_threshold
        for cost in evaluation.costs
    )
    measures = Measures(points, thresholds, args.rule)
    found = speaker_bootstrap(scores, labels, pairs, measures, draws=args.draws, seed=args.seed)
    return replace(evaluation, intervals=found.intervals, num_speakers=found.num_speakers, draws=found.draws)


def _breakdown(
    args: Namespace,
    data: TrialSet,
    groups: TrialGroups,
    kept: np.ndarray,
    scores: np.ndarray,
    evaluation: Evaluation,
) -> Breakdown:
    known = data.speakers
    return break_down(
        groups.by,
        groups.names,
        groups.index[kept],
        scores,
        data.trials.is_target[kept],
        evaluation.costs[0].point,
        (known.enrol[kept], known.test[kept]) if known else None,
        rule=args.rule,
        draws=args.draws,
        seed=args.seed,
    )


def _worst(
    data: TrialSet,
    speakers: TrialSpeakers,
    kept: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    evaluation: Evaluation,
) -> WorstPairs:
    of_dev = [each.threshold for each in evaluation.at_dev if each.name == EER]
    return worst_pairs(
        scores,
        labels,
        speakers.enrol[kept],
        speakers.test[kept],
        speakers.names,
        of_dev[0] if of_dev else evaluation.eer_threshold,
        bool(of_dev),
        lambda position: data.names(int(kept[position])),
    )


def _drawn(trials: Trials, per_target: float, seed: int) -> np.ndarray:
    """Return all targets and some nontargets, the same for every system."""
    targets, nontargets = np.flatnonzero(trials.is_target), np.flatnonzero(~trials.is_target)
    # Their positions take the place of the scores among which is drawn.
    places = ScoreSet(targets.astype(np.float64), nontargets.astype(np.float64))
    drawn = subsample_nontargets(places, per_target, seed).nontarget
    return np.sort(np.concatenate([targets, drawn.astype(np.intp)]))


def _trial_names(trials: Trials, tables: SpeakerTables | None) -> TrialNames:
    """Return what names a trial's ids and the recordings behind them."""
    enrolment = read_enrolment(tables.enrol) if tables and tables.enrol else {}
    first = {model: enrolment.get(model, [model])[0] for model in trials.enrol_ids}
    utts: Sequence[str] = [*dict.fromkeys([*first.values(), *trials.test_ids])]
    audio = audio_names(tables.utt2spk.parent if tables else Path(trials.source).parent, utts)

    def names(position: int) -> tuple[str, str, str, str]:
        enrol = trials.enrol_ids[trials.enrol_index[position]]
        test = trials.test_ids[trials.test_index[position]]
        return enrol, test, audio[first[enrol]], audio[test]

    return names
