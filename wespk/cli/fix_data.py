"""Repair a data directory in place; utt2spk says what there is, and what all tables have is kept.

Usage:   wespk fix-data [options] DIR
Example: wespk fix-data data/train

Line ends, byte order marks, spaces, repeated lines and the order are put right; spk2utt is made from utt2spk.
An utterance that lacks a line in another table, or whose lines contradict each other, is dropped; vad.scp and
reco2dur drop none, and are set aside where they lack one. DIR/fixed.txt lists every id dropped with the
reason, DIR/.backup keeps the files that were changed. A valid directory is left as it is.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.cli.data_options import add_spk_sort
from wespk.core.progress import say

SHOWN = 5  # dropped ids on the screen


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("dir", type=Path, metavar="DIR", help="data directory")
    add_spk_sort(parser)


def run(args: Namespace) -> None:
    """Repair, and print what was done."""
    from wespk.data.fix import BACKUP, REPORT, fix_data_dir

    fix = fix_data_dir(args.dir, spk_sort=not args.no_spk_sort)
    if not fix.changed and not fix.set_aside:
        say(f"{fix.data}: nothing to repair")
        return
    for name, repairs in fix.repairs.items():
        say(f"{args.dir / name}: " + ", ".join(f"{what} ({count})" for what, count in repairs.items()))
    for name, reason in fix.set_aside.items():
        say(f"{args.dir / name}: set aside in {BACKUP}: {reason}; make it again")
    for item, reason in list(fix.dropped.reasons.items())[:SHOWN]:
        say(f"dropped {item}: {reason}")
    if fix.dropped:
        say(f"{len(fix.dropped)} ids dropped in all, listed in {args.dir / REPORT}")
    kept = len(fix.data.utt2spk)
    say(f"{fix.data}, of {fix.before}: {fix.before - kept} dropped; the old files are in {args.dir / BACKUP}")
