"""Check data directories by Kaldi's rules; with --audio also decode every utterance.

Usage:   wespk validate-data [options] DIR ...
Example: wespk validate-data --disjoint --audio --sample-rate 16000 data/train data/dev data/test

Utterances whose audio cannot be used are listed with the reason in DIR/rejected_audio.txt.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.cli.options import add_max_rejected, positive
from wespk.core.progress import say, track
from wespk.data.datadir import check_audio, check_disjoint, load_data_dir


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("dirs", nargs="+", type=Path, metavar="DIR", help="data directories")
    parser.add_argument("--disjoint", action="store_true", help="fail when two directories share a speaker")
    parser.add_argument("--audio", action="store_true", help="decode every utterance")
    parser.add_argument(
        "--sample-rate", type=positive, default=16000, metavar="HZ", help="rate of the audio (16000)"
    )
    add_max_rejected(parser, 0)


def run(args: Namespace) -> None:
    """Check each directory, then all of them against each other."""
    sets = [load_data_dir(path) for path in args.dirs]
    for data in sets:
        say(f"{data}")
    if args.disjoint:
        check_disjoint(sets)
    if args.audio:
        for data in sets:
            utterances = track(data.utterances, len(data.utterances), f"decoding {data.path}")
            rejections = check_audio(data, args.sample_rate, utterances)
            rejections.write(data.path / "rejected_audio.txt")
            say(rejections.summary(f"{data.path} audio", len(data.utterances)))
            rejections.enforce(str(data.path), len(data.utterances), args.max_rejected)
