"""Score normalisation with a cohort of other speakers: Z-norm, T-norm, S-norm, adaptive S-norm (AS-norm).

Usage:   wespk normalise-scores [options] --cohort XVECTOR.SCP XVECTOR.SCP TRIALS SCORES
Example: wespk normalise-scores --cohort exp/ecapa/embeddings/train/xvector.scp \\
           --cohort-utt2spk data/train/utt2spk --top-k 50 --mean exp/ecapa/final/mean.vec \\
           exp/ecapa/embeddings/test/xvector.scp data/test/trials exp/ecapa/scores/trials.asnorm.score

Scores (cosines, or PLDA's ratios with --plda) are standardised by the mean and deviation of scores with the
cohort: of the model (z), of the test utterance (t), of both, and the mean of the two (s); or of each side's k
highest alone (as; Matejka et al. 2017). Deviations are those of the scores themselves: they divide by their
number. With --cohort-utt2spk the cohort is one mean embedding a speaker, averaged before all steps; by PLDA
it stands for so many utterances where it takes the model's place, for one where it takes the test's. How it
was done is noted beside SCORES, in a file ending in .json.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from wespk.backend.score_norm import METHODS, CohortStatistics, Side, s_norm, standardise
from wespk.cli.cohort import Cohort, add_cohort, cohort_statistics_of, load_cohort
from wespk.cli.options import positive
from wespk.cli.plda_options import add_plda, described_scorer, end_with_length, scorer_of
from wespk.cli.scoring import Sides, add_trial_inputs, load_sides
from wespk.core.errors import WespkError
from wespk.core.files import write_json
from wespk.core.progress import say
from wespk.data.pair_lines import read_pair_lines, shown
from wespk.data.scoring import iter_scored, score_trials
from wespk.data.trials import FORM

TOP_K = 300
TITLES = {"z": "Z-norm", "t": "T-norm", "s": "S-norm", "as": "AS-norm"}
LARGEST_DIFFERENCE = 1e-3  # of a raw score from what it should be, relative above 1: files hold 7 digits

ScoreBlock = Callable[[np.ndarray, np.ndarray], np.ndarray]

OUTPUTS = ("scores",)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_trial_inputs(parser)
    parser.add_argument("--method", choices=list(METHODS), default="as", help="z, t, s, or as (as)")
    add_cohort(parser, required=True)
    parser.add_argument(
        "--top-k", type=positive, metavar="K", help=f"highest cohort scores that count in AS-norm ({TOP_K})"
    )
    parser.add_argument(
        "--scores",
        dest="raw",
        type=Path,
        metavar="RAW",
        help="normalise these scores, line by line those of TRIALS, instead of computing them; the other "
        "options must be those that they were computed with",
    )
    add_plda(parser, required=False)


def run(args: Namespace) -> None:
    """Score, normalise and write; how it was done is recorded beside the scores."""
    if args.top_k is not None and args.method != "as":
        raise WespkError(f"--top-k is for --method as; {TITLES[args.method]} takes the whole cohort")
    if args.raw is not None and args.allow_missing:
        raise WespkError("--scores has a line for each trial; leave --allow-missing away")
    record_file = args.scores.with_suffix(".json")
    if record_file == args.scores:
        raise WespkError(f"{args.scores}: is where the record goes; name the scores LIST.SYSTEM.score")
    if args.plda is not None:
        end_with_length(args)
    sides = _in_trials(args, load_sides(args))
    cohort = load_cohort(args, _heard(sides), sides.test.shape[1])
    top_k = (args.top_k or TOP_K) if args.method == "as" else None
    statistics = _statistics(args, sides, cohort, top_k)
    raw = scorer_of(args, sides).pairs
    score = _normalised(raw if args.raw is None else _from_file(args, raw), statistics)
    places = sides.enrol_place, sides.test_place
    done = score_trials(args.trials, args.scores, score, *places, allow_missing=args.allow_missing)
    record = {
        "method": args.method,
        "scorer": described_scorer(args),
        "about": sides.about,
        "top_k": top_k,
        "deviation": "divided by the number of scores",
        **cohort.record,
    }
    write_json(record_file, record)
    which = "" if top_k is None else f"the {top_k} highest scores with "
    say(f"{args.scores}: {TITLES[args.method]} of {record['scorer']}, {which}{cohort}; {sides.about}; {done}")


def _in_trials(args: Namespace, sides: Sides) -> Sides:
    """Return the models and tests that are in the trial list."""
    enrol_ids: dict[bytes, None] = {}  # a set that keeps the order
    test_ids: dict[bytes, None] = {}
    for lines in read_pair_lines(args.trials, FORM, (2, 3)):
        enrol_ids.update(dict.fromkeys(lines.enrol))
        test_ids.update(dict.fromkeys(lines.test))
    models = [model for model in map(shown, enrol_ids) if model in sides.enrol_place]
    tests = [test for test in map(shown, test_ids) if test in sides.test_place]
    if not models or not tests:
        what = "test utterances" if models else "models"
        raise WespkError(f"{args.trials}: none of its {what} has an embedding in {args.embeddings}")
    return _restricted(sides, models, tests)


def _restricted(sides: Sides, models: list[str], tests: list[str]) -> Sides:
    """Return some of the models and of the tests."""
    rows = [sides.enrol_place[model] for model in models]
    return replace(
        sides,
        enrol_place={model: row for row, model in enumerate(models)},
        enrol=sides.enrol[rows],
        num_utts=sides.num_utts[rows],
        test_place={test: row for row, test in enumerate(tests)},
        test=sides.test[[sides.test_place[test] for test in tests]],
    )


def _heard(sides: Sides) -> set[str]:
    """Return the ids of all utterances in the trials; of models averaged before, those of the models."""
    of_models = sides.enrolment or {model: [model] for model in sides.enrol_place}
    return {utt for model in sides.enrol_place for utt in of_models[model]} | set(sides.test_place)


def _statistics(
    args: Namespace, sides: Sides, cohort: Cohort, top_k: int | None
) -> dict[Side, CohortStatistics]:
    """Return the statistics of the sides that the method uses, in the order of their rows."""

    def of_tests() -> CohortStatistics:
        against = replace(
            sides, enrol_place=cohort.place, enrol=cohort.matrix, num_utts=cohort.num_utts, enrolment=None
        )
        return cohort_statistics_of(args, scorer_of(args, against), "test", top_k, list(sides.test_place))

    def of_models(models: list[str]) -> CohortStatistics:
        against = replace(_restricted(sides, models, []), test_place=cohort.place, test=cohort.matrix)
        return cohort_statistics_of(args, scorer_of(args, against), "enrol", top_k, models)

    wanted = METHODS[args.method]
    if "enrol" not in wanted:
        return {"test": of_tests()}
    if "test" not in wanted:
        return {"enrol": of_models(list(sides.enrol_place))}
    found = of_tests()
    # An utterance that stands on both sides has the same scores on both, where the scorer is symmetric.
    symmetric = args.plda is None or (cohort.num_utts == 1).all()
    row_of_test = _test_rows(sides) if symmetric else np.full(len(sides.enrol), -1)
    mean, std = found.mean[row_of_test], found.std[row_of_test]
    others = row_of_test < 0
    if others.any():
        names = [model for model, alone in zip(sides.enrol_place, others, strict=True) if alone]
        mean[others], std[others] = of_models(names)
    return {"enrol": CohortStatistics(mean, std), "test": found}


def _test_rows(sides: Sides) -> np.ndarray:
    """Return the row of the test utterance that each model (M,) was enrolled with alone, else -1."""
    of_models = sides.enrolment or {}
    alone = [of_models[model][0] if len(of_models.get(model, ())) == 1 else "" for model in sides.enrol_place]
    rows = np.array([sides.test_place.get(utt, -1) for utt in alone])
    models = np.flatnonzero(rows >= 0)
    one, other = sides.enrol[models], sides.test[rows[models]]
    # An average can have another length (--average); and products of other sizes round in other ways.
    differs = np.abs(one - other).max(axis=1, initial=0) > 1e-5 * np.abs(other).max(axis=1, initial=0)
    rows[models[differs]] = -1
    return rows


def _normalised(raw: ScoreBlock, statistics: dict[Side, CohortStatistics]) -> ScoreBlock:
    """Return what scores a block of trials and normalises the scores."""

    def score(enrol_rows: np.ndarray, test_rows: np.ndarray) -> np.ndarray:
        scores = raw(enrol_rows, test_rows)
        if len(statistics) == 2:
            return s_norm(scores, enrol_rows, test_rows, statistics["enrol"], statistics["test"])
        ((side, of_side),) = statistics.items()
        return standardise(scores, enrol_rows if side == "enrol" else test_rows, of_side)

    return score


def _from_file(args: Namespace, scorer: ScoreBlock) -> ScoreBlock:
    """Return what takes the scores of a block from the file of raw scores.

    The first block is compared with the scorer's: a cohort scored in another way would normalise nothing.
    """
    blocks: Iterator[np.ndarray] = (scores for _, scores in iter_scored(args.trials, args.raw))
    waiting = np.zeros(0)
    compared = False

    def score(enrol_rows: np.ndarray, test_rows: np.ndarray) -> np.ndarray:
        nonlocal waiting, compared
        parts = [waiting]
        while sum(map(len, parts)) < len(enrol_rows):
            parts.append(next(blocks))
        waiting = np.concatenate(parts)
        scores, waiting = waiting[: len(enrol_rows)], waiting[len(enrol_rows) :]
        if not compared:
            compared = True
            wanted = scorer(enrol_rows, test_rows)
            wrong = np.abs(scores - wanted) > LARGEST_DIFFERENCE * np.maximum(1.0, np.abs(wanted))
            if wrong.any():
                line = int(wrong.argmax())
                raise WespkError(
                    f"{args.raw}:{line + 1}: the score is {scores[line]:g}, by {described_scorer(args)} and "
                    f"the steps given it would be {wanted[line]:g}; give the options that it was scored with"
                )
        return scores

    return score
