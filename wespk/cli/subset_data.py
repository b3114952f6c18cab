"""Take some utterances of a data directory; all its tables follow, features included.

Usage:   wespk subset-data --HOW WHAT [--seed S] IN OUT
Example: wespk subset-data --per-speaker 10 data/train data/train_10each
         wespk subset-data --spk-list dev_speakers.txt data/all data/dev

Choices depend on the seed and the utterance ids alone, so a subset is the same everywhere. The lists hold an
id at the start of each line. Trial lists are not taken along.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path

from wespk.cli.data_options import add_overwrite, add_spk_sort
from wespk.cli.options import positive
from wespk.core.errors import WespkError
from wespk.core.files import read_text
from wespk.core.progress import say


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("source", type=Path, metavar="IN", help="data directory")
    parser.add_argument("out", type=Path, metavar="OUT", help="data directory to write")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--first", type=positive, metavar="N", help="the first N utterances")
    how.add_argument("--random", type=positive, metavar="N", help="N utterances by chance")
    how.add_argument("--per-speaker", type=positive, metavar="N", help="at most N of each speaker, by chance")
    how.add_argument("--shortest", type=positive, metavar="N", help="the N shortest")
    how.add_argument("--spk-list", type=Path, metavar="FILE", help="all utterances of the speakers listed")
    how.add_argument("--utt-list", type=Path, metavar="FILE", help="the utterances listed")
    parser.add_argument("--seed", type=int, default=1, help="seed of --random and --per-speaker (1)")
    add_overwrite(parser)
    add_spk_sort(parser)


def run(args: Namespace) -> None:
    """Choose, restrict every table, write."""
    from wespk.data.data_tables import not_copied, publish_data, read_tables, refuse_same
    from wespk.data.datadir_ops import restrict

    refuse_same(args.out, [args.source])
    whole = read_tables(args.source, spk_sort=not args.no_spk_sort)
    part = restrict(whole, _chosen(args, whole.utt2spk))
    data = publish_data(args.out, part, overwrite=args.overwrite, spk_sort=not args.no_spk_sort)
    say(f"{data}, of {len(whole.utt2spk)} utterances in {args.source}")
    if note := not_copied(args.source):
        say(note)


def _chosen(args: Namespace, utt2spk: Mapping[str, str]) -> list[str]:
    from wespk.data import selection
    from wespk.data.datadir import load_data_dir
    from wespk.data.durations import read_durations

    if args.first:
        return selection.first(utt2spk, args.first)
    if args.random:
        return selection.random(utt2spk, args.random, args.seed)
    if args.per_speaker:
        return selection.per_speaker(utt2spk, args.per_speaker, args.seed)
    if args.shortest:
        durations = read_durations(load_data_dir(args.source, spk_sort=False))
        say(f"durations from {durations.source}")
        return selection.shortest(utt2spk, args.shortest, durations.seconds)
    if args.spk_list:
        return selection.of_speakers(utt2spk, _ids(args.spk_list), str(args.spk_list))
    return selection.listed(utt2spk, _ids(args.utt_list), str(args.utt_list))


def _ids(path: Path) -> set[str]:
    """Return the first word of each line."""
    lines = read_text(path).removeprefix("\ufeff").removesuffix("\n").split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            raise WespkError(f"{path}:{number}: an id is expected on each line")
    return {line.strip(" \t\r").split(" ")[0].split("\t")[0] for line in lines}
