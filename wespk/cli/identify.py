"""Compute the accuracy of closed-set identification: each test utterance goes to the model that scores best.

Usage:   wespk identify [options] TRIALS SCORES ...
Example: wespk identify --results exp/ecapa/identification/si.json data/test/trials_si \\
           exp/ecapa/scores/si.*.score

TRIALS compares each test utterance with every model, one of them its speaker's. A tie counts as an error.
The 95 % interval (Wilson's) is of the top-1 accuracy. The table of --confusion has a line for each pair of
models that occurs, `system true-model chosen-model tests`; the tests of a system add up to all of them.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

import numpy as np

from wespk.cli.options import add_scored_trials
from wespk.cli.score_files import by_system
from wespk.core.errors import WespkError
from wespk.core.files import write_json, write_text
from wespk.core.progress import say
from wespk.data.scores import read_scores
from wespk.data.trials import Trials, read_trials
from wespk.metrics import Confusion, confusion, identify

SHOWN = 5  # confusions that are printed
HEADER = "system true-model chosen-model tests"
OUTPUTS = ("results", "confusion")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_scored_trials(parser)
    parser.add_argument(
        "--ranks",
        type=_ranks,
        default=(1, 5),
        metavar="K,K",
        help="count how often the true model is among the best K (1,5); 1 is always counted",
    )
    parser.add_argument(
        "--confusion",
        type=Path,
        metavar="TABLE",
        help="write which model each speaker's tests went to here, and print the most frequent confusions",
    )


def run(args: Namespace) -> None:
    """Identify by each score file and print a line."""
    systems = by_system(args.scores)
    trials = read_trials(args.trials)
    closed_set = (trials.enrol_index, trials.test_index, trials.is_target, trials.test_ids)
    results, table = [], [HEADER]
    for system, path in systems.items():
        scores = read_scores(path, trials)
        try:
            found = identify(scores, *closed_set, ranks=args.ranks)
        except WespkError as error:
            raise WespkError(f"{args.trials}: {error}") from None
        say(f"{system}: {found}")
        if args.confusion:
            confused = confusion(scores, *closed_set)
            table += _lines(system, confused, trials)
            _say_worst(confused, trials, args.confusion)
        results.append({"system": system, "scores": str(path), **found.to_json()})
    if args.confusion:
        write_text(args.confusion, "".join(f"{line}\n" for line in table))
    if args.results:
        write_json(args.results, {"trials": str(args.trials), "systems": results})


def _ranks(text: str) -> tuple[int, ...]:
    try:
        ranks = tuple(map(int, text.split(",")))
    except ValueError:
        ranks = ()
    if not ranks or min(ranks) < 1:
        raise ArgumentTypeError(f"'{text}' is not a list of whole numbers above 0, such as 1,5,10")
    return ranks


def _lines(system: str, confused: Confusion, trials: Trials) -> list[str]:
    rows = zip(confused.true.tolist(), confused.chosen.tolist(), confused.tests.tolist(), strict=True)
    names = trials.enrol_ids
    return [f"{system} {names[true]} {names[chosen]} {tests}" for true, chosen, tests in rows]


def _say_worst(confused: Confusion, trials: Trials, table: Path) -> None:
    tests_of = np.bincount(confused.true, confused.tests)
    names = trials.enrol_ids
    for true, chosen, tests in confused.worst(SHOWN):
        say(f"  {names[true]} taken for {names[chosen]}: {tests} of {int(tests_of[true])} tests")
    more = np.count_nonzero(confused.true != confused.chosen) - SHOWN
    if more > 0:
        say(f"  and {more} more {'pair' if more == 1 else 'pairs'} of speakers: {table}")
