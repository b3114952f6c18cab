"""Compute EER, minDCF, Cllr and, with development thresholds, what happens at them.

Usage:   wespk evaluate [options] TRIALS SCORES ...
Example: wespk evaluate data/test/trials my.scores
         wespk evaluate --calibration exp/a/final/calibration.json --results exp/a/results/test.json \\
           data/test/trials exp/a/scores/test.*.llr

Cllr and actDCF take scores for natural-log likelihood ratios: they say something about calibrated scores.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.cli.calibrate import system_name
from wespk.cli.options import add_scored_trials
from wespk.core.errors import WespkError
from wespk.core.files import read_json, write_json
from wespk.core.progress import say
from wespk.data.trials import read_scores, read_trials
from wespk.metrics import ScoreSet, Thresholds, evaluate


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_scored_trials(parser)
    parser.add_argument("--calibration", type=Path, metavar="JSON", help="thresholds of `wespk calibrate`")


def run(args: Namespace) -> None:
    """Evaluate each score file and print a line."""
    trials = read_trials(args.trials)
    learnt = read_json(args.calibration) if args.calibration else None
    results = []
    for path in args.scores:
        scores = ScoreSet.from_labels(read_scores(path, trials), trials.is_target)
        system = system_name(path) if learnt else path.name
        evaluation = evaluate(scores, dev_thresholds=dev_thresholds(learnt, system) if learnt else None)
        say(f"{system}: {evaluation}")
        results.append({"system": system, "scores": str(path), **evaluation.to_json()})
    if args.results:
        record = {"trials": str(args.trials), "calibration": str(args.calibration or ""), "systems": results}
        write_json(args.results, record)


def dev_thresholds(learnt: dict, system: str) -> Thresholds:
    """Return a system's thresholds in log-likelihood ratios, from the content of calibration.json."""
    if system not in learnt:
        raise WespkError(f"no development thresholds for '{system}'; there are: {', '.join(learnt)}")
    return Thresholds.from_json(learnt[system]["thresholds"])
