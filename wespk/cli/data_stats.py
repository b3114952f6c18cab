"""Print how many speakers, utterances and hours data directories have, and how long the utterances are.

Usage:   wespk data-stats [options] DIR ...
Example: wespk data-stats data/train data/dev data/test
         wespk data-stats --write data/train             (also writes data/train/utt2dur and reco2dur)

Durations come from utt2dur, else from segments, else from utt2num_frames and feats.json, else from the
headers of the audio; the table says from where. Rates, channels and formats are known when headers are read.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.cli.data_options import add_spk_sort
from wespk.core.progress import say

FILE_WIDTH = 1000
SHOWN = 3  # utterances without duration on the screen


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("dirs", nargs="+", type=Path, metavar="DIR", help="data directories")
    parser.add_argument("--headers", action="store_true", help="read the headers of all recordings anyway")
    parser.add_argument("--write", action="store_true", help="write utt2dur and reco2dur into each directory")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    add_spk_sort(parser)


def run(args: Namespace) -> None:
    """Count each directory, print one table."""
    from rich.console import Console

    from wespk.cli.stats_table import stats_tables
    from wespk.core.files import write_json
    from wespk.data.datadir import load_data_dir
    from wespk.data.durations import read_durations, write_durations
    from wespk.data.stats import data_stats

    found = []
    for path in args.dirs:
        data = load_data_dir(path, spk_sort=not args.no_spk_sort)
        durations = read_durations(data, frames=not args.write, headers=args.headers)
        found.append(data_stats(data, durations))
        for utt, reason in list(durations.unknown.reasons.items())[:SHOWN]:
            say(f"{path}: no duration of {utt}: {reason}")
        if args.write:
            say(f"{path}: wrote {' and '.join(write_durations(data, durations))}")
    if args.json:
        write_json(args.json, {stats.path: stats.as_json() for stats in found})
    console = Console()
    if not console.is_terminal:
        console = Console(width=FILE_WIDTH)  # a program or a file has no margin to keep
    for number, table in enumerate(stats_tables(found)):
        console.print(*([""] if number else []), table, sep="\n")
