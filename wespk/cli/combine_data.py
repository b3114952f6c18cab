"""Join data directories into one.

Usage:   wespk combine-data OUT IN ...
Example: wespk combine-data data/train_all data/train data/train_noise

An id that is in several inputs has to say the same in each; then it is taken once. A table that an input
lacks is left out, and a line says so; features have to be computed with equal options.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.cli.data_options import add_overwrite, add_spk_sort
from wespk.core.progress import say


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("out", type=Path, metavar="OUT", help="data directory to write")
    parser.add_argument("inputs", nargs="+", type=Path, metavar="IN", help="data directories")
    add_overwrite(parser)
    add_spk_sort(parser)


def run(args: Namespace) -> None:
    """Read all, join, write."""
    from wespk.data.data_tables import not_copied, publish_data, read_tables, refuse_same
    from wespk.data.datadir_ops import combine

    refuse_same(args.out, args.inputs)
    parts = [read_tables(path, spk_sort=not args.no_spk_sort) for path in args.inputs]
    joined, left_out = combine(parts)
    data = publish_data(args.out, joined, overwrite=args.overwrite, spk_sort=not args.no_spk_sort)
    for name, lacking in left_out.items():
        say(f"{name}: left out, {', '.join(lacking)} has none")
    for path in args.inputs:
        if note := not_copied(path):
            say(note)
    say(f"{data}, from {sum(len(part.utt2spk) for part in parts)} utterances in {len(parts)} directories")
