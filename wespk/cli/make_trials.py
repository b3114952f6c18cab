"""Write a trial list and its enrolment list into a data directory.

Usage:   wespk make-trials [options] DATA
Example: wespk make-trials data/test                            (all pairs: data/test/trials, data/test/enrol)
         wespk make-trials --num-enrol 3 --suffix _3 data/test  (data/test/trials_3, data/test/enrol_3)

Without --num-enrol every unordered pair of utterances is a trial, and each utterance a model of its own. With
it each speaker becomes a model of N utterances (seeded choice), tested by all utterances that enrol nobody.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.cli.options import positive
from wespk.core.errors import WespkError
from wespk.core.files import write_text
from wespk.core.progress import say
from wespk.data.datadir import load_data_dir
from wespk.data.tables import write_table
from wespk.data.trials import all_pairs, models_against_rest, read_trials


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("data", type=Path, metavar="DATA", help="data directory")
    parser.add_argument("--num-enrol", type=positive, metavar="N", help="enrolment utterances a speaker")
    parser.add_argument("--suffix", default="", help="ending of both files' names, for a second list")
    parser.add_argument("--seed", type=int, default=1, help="seed of the choice of enrolment utterances (1)")
    parser.add_argument(
        "--apart",
        action="append",
        default=[],
        metavar="SPK,SPK",
        help="make no trial between these two speakers, who may be one person; may be repeated",
    )


def run(args: Namespace) -> None:
    """Make the lists, write them, read the trials back and print their counts."""
    data = load_data_dir(args.data)
    apart = [_pair(text) for text in args.apart]
    if args.num_enrol is None:
        enrolment, lines = all_pairs(data.utt2spk, apart)
    else:
        enrolment, lines = models_against_rest(data.utt2spk, args.num_enrol, args.seed, apart)
    path = args.data / f"trials{args.suffix}"
    write_table(args.data / f"enrol{args.suffix}", enrolment)
    write_text(path, "".join(lines))
    say(f"{read_trials(path)}")


def _pair(text: str) -> tuple[str, str]:
    first, comma, second = text.partition(",")
    if not (first and comma and second):
        raise WespkError(f"--apart {text}: write it as two speaker ids with a comma")
    return first, second
