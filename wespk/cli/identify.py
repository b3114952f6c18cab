"""Compute the accuracy of closed-set identification: each test utterance goes to the model that scores best.

Usage:   wespk identify [options] TRIALS SCORES ...
Example: wespk identify --results exp/ecapa/identification/si.json data/test/trials_si \\
           exp/ecapa/scores/si.*.score

TRIALS compares each test utterance with every model, one of them its speaker's. A tie counts as an error.
The 95 % interval (Wilson's) is of the top-1 accuracy.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.cli.calibrate import system_name
from wespk.cli.options import add_scored_trials
from wespk.core.errors import WespkError
from wespk.core.files import write_json
from wespk.core.progress import say
from wespk.data.trials import read_scores, read_trials
from wespk.metrics import identify


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_scored_trials(parser)


def run(args: Namespace) -> None:
    """Identify by each score file and print a line."""
    trials = read_trials(args.trials)
    results = []
    for path in args.scores:
        scores = read_scores(path, trials)
        try:
            found = identify(scores, trials.enrol_index, trials.test_index, trials.is_target, trials.test_ids)
        except WespkError as error:
            raise WespkError(f"{args.trials}: {error}") from None
        system = _system(path)
        say(f"{system}: {found}")
        results.append({"system": system, "scores": str(path), **found.to_json()})
    if args.results:
        write_json(args.results, {"trials": str(args.trials), "systems": results})


def _system(path: Path) -> str:
    """Return SYSTEM of a file named LIST.SYSTEM.score or .llr, and the whole name of another."""
    try:
        return system_name(path)
    except WespkError:
        return path.name
