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

from wespk.cli.options import add_points, add_scored_trials, count
from wespk.cli.score_files import by_system, system_name, system_or_name
from wespk.core.errors import WespkError
from wespk.core.files import write_text
from wespk.core.progress import say
from wespk.metrics.error_rates import EER_RULES

OUTPUTS = ("results",)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_scored_trials(parser)
    parser.add_argument("--calibration", type=Path, metavar="JSON", help="thresholds of `wespk calibrate`")
    add_points(parser, "operating point", "0.01 and 0.05")
    parser.add_argument("--rule", choices=EER_RULES, default=EER_RULES[0], help="of the EER (interpolated)")
    parser.add_argument(
        "--nontargets-per-target",
        type=_number,
        metavar="K",
        help="draw so many nontarget trials a target",
    )
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="leave out trials without score, count them, and list them in SCORES.missing",
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
        type=count,
        default=1000,
        metavar="N",
        help="of the bootstrap (1000); 0: no intervals, and speakers only by --utt2spk",
    )
    speakers.add_argument("--seed", type=count, default=0, metavar="S", help="of all that is drawn (0)")
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
    from wespk.cli.evaluating import evaluate_system, load_trial_set
    from wespk.cli.evaluation_text import breakdown_lines, detail_lines, interval_lines, kind_lines
    from wespk.metrics.records import json_text
    from wespk.metrics.systems import ListResults, SpeakerSource
    from wespk.metrics.table import as_text, systems_table

    args.by, args.bins = dict(args.by), dict(args.bins)
    stray = [name for name in args.bins if name not in args.by]
    if stray:
        raise WespkError(f"--bins {stray[0]}: there is no --by {stray[0]}=TABLE")
    files = by_system(args.scores, system_name if args.calibration else system_or_name)
    if args.streamed:
        _stream(args, files)
        return
    data = load_trial_set(args)
    results = tuple(evaluate_system(args, data, system, path) for system, path in files.items())
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


def _stream(args: Namespace, files: dict[str, Path]) -> None:
    from wespk.cli.streamed_evaluation import evaluate_streamed

    refused = {"--results": args.results, "--by": args.by, "--allow-missing": args.allow_missing}
    refused |= {"--nontargets-per-target": args.nontargets_per_target, "--utt2spk": args.utt2spk}
    refused |= {"--enrol": args.enrol, "--details": args.details}
    for option, value in refused.items():
        if value:
            raise WespkError(f"{option} needs all trials in memory; leave out --streamed or {option}")
    for system, path in files.items():
        evaluate_streamed(args, system, path)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (isfinite(value) and value > 0):
        raise ArgumentTypeError(f"'{text}' is not a number above 0")
    return value


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
