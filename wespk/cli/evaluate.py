"""Compute EER, minDCF, Cllr and other figures of score files, with 95 % intervals.

Usage:   wespk evaluate [options] TRIALS SCORES ...
Example: wespk evaluate data/test/trials my.scores
         wespk evaluate --by gender=data/test/spk2gender --by seconds=data/test/utt2dur \\
           --bins seconds=2,4,8 data/test/trials my.scores
         wespk evaluate --calibration exp/a/final/calibration.json --results exp/a/results/test.json \\
           data/test/trials exp/a/scores/test.*.llr

The intervals are those of a bootstrap over speakers, who are looked up in utt2spk (or spk2utt) in the folder
of TRIALS, and for models in its list enrol (for trials_3: enrol_3). Cllr and actDCF take scores for
natural-log likelihood ratios: they say something about calibrated scores. With --calibration the thresholds
found on development trials are applied: those on ratios to files LIST.SYSTEM.llr, those on scores to
LIST.SYSTEM.score.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from itertools import pairwise
from math import isfinite
from pathlib import Path

from wespk.cli.options import add_scored_trials
from wespk.core.errors import WespkError
from wespk.core.files import write_text
from wespk.core.progress import say
from wespk.metrics.error_rates import EER_RULES
from wespk.metrics.evaluation import Point
from wespk.metrics.points import OperatingPoint


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_scored_trials(parser)
    parser.add_argument("--calibration", type=Path, metavar="JSON", help="thresholds of `wespk calibrate`")
    parser.add_argument(
        "--point",
        action="append",
        type=_point,
        metavar="POINT",
        help="operating point: 0.01 (p_target), 1:99, 0.01,10,1 (p_target,c_miss,c_fa) or empirical; "
        "may be repeated (0.01 and 0.05)",
    )
    parser.add_argument("--rule", choices=EER_RULES, default=EER_RULES[0], help="of the EER (interpolated)")
    parser.add_argument(
        "--nontargets-per-target",
        type=_number,
        metavar="K",
        help="draw so many nontarget trials a target",
    )
    parser.add_argument(
        "--allow-missing", action="store_true", help="leave out trials without score; counted"
    )
    parser.add_argument(
        "--details", action="store_true", help="print all measures and the worst speaker pairs"
    )
    parser.add_argument(
        "--streamed", action="store_true", help="memory that does not grow with the trials; without intervals"
    )
    speakers = parser.add_argument_group("speakers and intervals")
    speakers.add_argument("--utt2spk", type=Path, metavar="FILE", help="utt2spk or spk2utt of the utterances")
    speakers.add_argument("--enrol", type=Path, metavar="LIST", help="lines `model-id utt utt ...`")
    speakers.add_argument(
        "--draws",
        type=draw_count,
        default=1000,
        metavar="N",
        help="of the bootstrap (1000); 0: no intervals, and speakers only by --utt2spk",
    )
    speakers.add_argument("--seed", type=draw_count, default=0, metavar="S", help="of all that is drawn (0)")
    parts = parser.add_argument_group("parts of the trials")
    parts.add_argument(
        "--by",
        action="append",
        default=[],
        type=_named,
        metavar="NAME=TABLE",
        help="measure also the trials of each value of a column: of the test utterance in a table of "
        "utterances, of both sides (`a / b` where they differ) in a table of speakers; may be repeated",
    )
    parts.add_argument(
        "--bins",
        action="append",
        default=[],
        type=_edges,
        metavar="NAME=E,E,...",
        help="edges of bins of a column of numbers (without: three bins of equally many utterances)",
    )


def run(args: Namespace) -> None:
    """Evaluate the score files; print the table and write the results."""
    from wespk.cli.evaluating import evaluate_system, load_trial_set, system_of
    from wespk.cli.evaluation_text import breakdown_lines, detail_lines, interval_lines, kind_lines
    from wespk.metrics.records import json_text
    from wespk.metrics.systems import ListResults, SpeakerSource
    from wespk.metrics.table import as_text, systems_table

    args.by, args.bins = dict(args.by), dict(args.bins)
    stray = [name for name in args.bins if name not in args.by]
    if stray:
        raise WespkError(f"--bins {stray[0]}: there is no --by {stray[0]}=TABLE")
    if args.streamed:
        _stream(args)
        return
    names = [system_of(path, args.calibration is not None) for path in args.scores]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise WespkError(f"two score files are of the system '{twice[0]}'; name them LIST.SYSTEM.llr")
    data = load_trial_set(args)
    results = tuple(evaluate_system(args, data, path) for path in args.scores)
    say(as_text(systems_table(results)))
    lines = [
        *interval_lines(data, args.draws, results),
        *kind_lines(results),
        *breakdown_lines(data, results),
    ]
    for line in [*lines, *(detail_lines(results) if args.details else ())]:
        say(line)
    if args.results:
        source = None
        if data.speakers:
            tables = data.speakers.tables
            source = SpeakerSource(str(tables.utt2spk), str(tables.enrol or ""), len(data.speakers.names))
        record = ListResults(str(args.trials), str(args.calibration or ""), source, results)
        write_text(args.results, json_text(record.to_json()))


def _stream(args: Namespace) -> None:
    from wespk.cli.streamed_evaluation import evaluate_streamed

    refused = {"--results": args.results, "--by": args.by, "--allow-missing": args.allow_missing}
    refused |= {"--nontargets-per-target": args.nontargets_per_target, "--utt2spk": args.utt2spk}
    for option, value in refused.items():
        if value:
            raise WespkError(f"{option} needs all trials in memory; leave out --streamed or {option}")
    for path in args.scores:
        evaluate_streamed(args, path)


def _point(text: str) -> Point:
    try:
        return OperatingPoint.parse(text)
    except WespkError as error:
        raise ArgumentTypeError(str(error)) from None


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (isfinite(value) and value > 0):
        raise ArgumentTypeError(f"'{text}' is not a number above 0")
    return value


def draw_count(text: str) -> int:
    """Read a whole number."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"'{text}' is not a whole number")
    return int(text)


def _named(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    if not name or not path:
        raise ArgumentTypeError(f"'{text}' is not NAME=TABLE, such as gender=data/test/spk2gender")
    return name, Path(path)


def _edges(text: str) -> tuple[str, list[float]]:
    name, _, words = text.partition("=")
    try:
        edges = [float(word) for word in words.split(",")]
    except ValueError:
        edges = []
    rising = all(low < high for low, high in pairwise(edges))
    if not name or not edges or not rising or not all(map(isfinite, edges)):
        raise ArgumentTypeError(f"'{text}' is not NAME=E,E,... with rising numbers, such as seconds=2,4,8")
    return name, edges
