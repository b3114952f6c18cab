"""Copy a data directory, with a prefix or a suffix on its ids.

Usage:   wespk copy-data [options] IN OUT
Example: wespk copy-data --utt-suffix=-noise data/train data/train_noise
         wespk copy-data --utt-prefix sp0.9- --spk-prefix sp0.9- data/train data/train_slow
         wespk copy-data --prefix-speakers data/raw data/train

All tables follow, features included, and are sorted again. Recordings keep their ids where there are
segments. Write a value that begins with a dash as --utt-suffix=-noise.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from wespk.cli.data_options import add_overwrite, add_spk_sort
from wespk.core.errors import WespkError
from wespk.core.progress import say
from wespk.data.tables import unfit_character


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("source", type=Path, metavar="IN", help="data directory")
    parser.add_argument("out", type=Path, metavar="OUT", help="data directory to write")
    for what, name in (("utt", "utterance"), ("spk", "speaker")):
        for where in ("prefix", "suffix"):
            parser.add_argument(
                f"--{what}-{where}", type=_part, default="", metavar="TEXT", help=f"{where} of {name} ids"
            )
    parser.add_argument(
        "--prefix-speakers",
        action="store_true",
        help="begin utterance ids with the speaker id and a dash where they do not begin with it",
    )
    add_overwrite(parser)
    add_spk_sort(parser)


def run(args: Namespace) -> None:
    """Read, rename, write."""
    from wespk.data.data_tables import not_copied, publish_data, read_tables, refuse_same
    from wespk.data.datadir_ops import prefix_speakers, rename

    refuse_same(args.out, [args.source])
    affixes = (args.utt_prefix, args.utt_suffix, args.spk_prefix, args.spk_suffix)
    if args.prefix_speakers and any(affixes):
        raise WespkError("--prefix-speakers: does not go with prefixes and suffixes; copy twice")
    data = read_tables(args.source, spk_sort=not (args.no_spk_sort or args.prefix_speakers))
    if args.prefix_speakers:
        data = prefix_speakers(data)
    else:
        data = rename(
            data,
            lambda utt: args.utt_prefix + utt + args.utt_suffix,
            lambda spk: args.spk_prefix + spk + args.spk_suffix,
        )
    say(f"{publish_data(args.out, data, overwrite=args.overwrite, spk_sort=not args.no_spk_sort)}")
    if note := not_copied(args.source):
        say(note)


def _part(text: str) -> str:
    unfit = unfit_character(text)
    if unfit:
        raise ArgumentTypeError(f"an id may not hold the character {unfit!r}")
    return text
