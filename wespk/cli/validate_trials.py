"""Check a trial list and its enrolment list against data directories or embeddings.

Usage:   wespk validate-trials [options] TRIALS
Example: wespk validate-trials --enrol data/test/enrol --data data/test data/test/trials
         wespk validate-trials --enrol data/test/enrol --embeddings exp/ecapa/embeddings/test/xvector.scp \\
           data/test/trials

Finds ids that are missing, duplicate trials, lists without target or without nontarget trials, trials of a
model with an utterance that enrols it, and labels that contradict utt2spk. Every kind of problem is counted
and its first case named; the status is 1 if there is any. Labels of text-dependent lists are target (or
target-correct), target-wrong, impostor-correct and impostor-wrong.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.core.errors import WespkError
from wespk.core.progress import say


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "trials", type=Path, metavar="TRIALS", help="lines `enrol-id test-id target|nontarget`"
    )
    parser.add_argument(
        "--enrol",
        type=Path,
        metavar="LIST",
        help="lines `model-id utt utt ...` (without it an enrol-id is itself an utterance)",
    )
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="data directory that has the utterances and their speakers; may be repeated",
    )
    parser.add_argument(
        "--embeddings",
        action="append",
        default=[],
        type=Path,
        metavar="SCP",
        help="index of embeddings, one an utterance; may be repeated",
    )


def run(args: Namespace) -> None:
    """Read the lists, check them against each source, print the counts and the problems."""
    from wespk.data.datadir import load_data_dir
    from wespk.data.tables import read_table
    from wespk.data.trial_checks import trial_problems
    from wespk.data.trials import read_enrolment, read_trials

    trials = read_trials(args.trials, allow_duplicates=True)
    enrolment = read_enrolment(args.enrol, allow_repeats=True) if args.enrol else None
    say(f"{trials}, {len(trials.enrol_ids)} models, {len(trials.test_ids)} test utterances")
    if enrolment is not None:
        idle = len(enrolment.keys() - set(trials.enrol_ids))
        say(f"{args.enrol}: {len(enrolment)} models" + (f", {idle} of them in no trial" if idle else ""))
    utt2spk: dict[str, str] | None = {} if args.data else None
    for path in args.data:
        utt2spk = {**(utt2spk or {}), **load_data_dir(path, spk_sort=False).utt2spk}
    embedded = {utt for path in args.embeddings for utt in read_table(path)} if args.embeddings else None
    problems = trial_problems(trials, enrolment, {"data": utt2spk, "embeddings": embedded}, utt2spk)
    for problem in problems:
        say(f"{problem}")
    if utt2spk is None and embedded is None:
        say("whether the utterances exist was not checked: give --data or --embeddings")
    if problems:
        raise WespkError(f"{args.trials}: {len(problems)} kinds of problems, listed above")
