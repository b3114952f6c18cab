"""Split a data directory into N parts, DIR/splitN/1 to DIR/splitN/N, for jobs that work side by side.

Usage:   wespk split-data [options] DIR N
Example: wespk split-data data/train 8                   (by speaker: data/train/split8/1 ... 8)
         wespk split-data --per-utt data/test 40         (by utterance: data/test/split40utt/1 ... 40)

By speaker, all utterances of a speaker are in one part and the parts have about as many utterances, as in
Kaldi. Every table is split along.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.cli.data_options import add_spk_sort
from wespk.cli.options import positive
from wespk.core.progress import say


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("dir", type=Path, metavar="DIR", help="data directory")
    parser.add_argument("parts", type=positive, metavar="N", help="number of parts")
    parser.add_argument("--per-utt", action="store_true", help="split by utterance, speakers too")
    add_spk_sort(parser)


def run(args: Namespace) -> None:
    """Deal out the utterances, and write each part."""
    from wespk.data.data_tables import read_tables, write_data
    from wespk.data.datadir_ops import restrict
    from wespk.data.selection import split_by_speaker, split_by_utterance

    data = read_tables(args.dir, spk_sort=not args.no_spk_sort)
    if args.per_utt:
        parts = split_by_utterance(list(data.utt2spk), args.parts)
    else:
        parts = split_by_speaker(data.utt2spk, args.parts)
    folder = args.dir / f"split{args.parts}{'utt' if args.per_utt else ''}"
    for number, utts in enumerate(parts, 1):
        write_data(folder / str(number), restrict(data, utts), spk_sort=not args.no_spk_sort)
    sizes = sorted(map(len, parts))
    say(f"{folder}: {args.parts} parts of {sizes[0]} to {sizes[-1]} utterances, {sum(sizes)} in all")
