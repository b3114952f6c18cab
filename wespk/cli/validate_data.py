"""Check data directories by Kaldi's rules; with --audio also decode every utterance.

Usage:   wespk validate-data [options] DIR ...
Example: wespk validate-data --disjoint --audio --nj 4 data/train data/dev data/test
         wespk validate-data --against data/train data/test

Utterances whose audio cannot be used are listed with the reason in DIR/rejected_audio.txt. With --against,
speakers, utterance ids, audio files and utterances of equal sound that are in another directory too are
listed in DIR/shared.txt, and the status is 1 if there are any.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from wespk.cli.data_options import add_audio_options, add_spk_sort, audio_options, given_audio_options
from wespk.cli.options import add_max_rejected, positive
from wespk.core.errors import WespkError
from wespk.core.files import write_text
from wespk.core.progress import say, track
from wespk.core.rejections import Rejections
from wespk.data.datadir import DataDir, check_disjoint, load_data_dir

if TYPE_CHECKING:
    from wespk.data.leakage import Sounds

SHARED = "shared.txt"
SHOWN = 5  # shared items of each kind on the screen


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("dirs", nargs="+", type=Path, metavar="DIR", help="data directories")
    add_spk_sort(parser)
    parser.add_argument("--disjoint", action="store_true", help="fail when two directories share a speaker")
    parser.add_argument(
        "--against",
        action="append",
        default=[],
        type=Path,
        metavar="OTHER",
        help="fail when a directory shares speakers, utterances or sound with this one; may be repeated",
    )
    parser.add_argument("--ids-only", action="store_true", help="compare with OTHER by ids, not by sound")
    parser.add_argument("--audio", action="store_true", help="decode every utterance")
    parser.add_argument(
        "--nj", type=positive, metavar="N", help="processes that decode (default: as many as cores)"
    )
    add_audio_options(parser)
    add_max_rejected(parser, 0)


def run(args: Namespace) -> None:
    """Check each directory, then all of them against each other."""
    if args.ids_only and not args.against:
        raise WespkError("--ids-only: goes with --against")
    idle = next(iter(given_audio_options(args)), "nj" if args.nj else "")
    if idle and not args.audio:
        raise WespkError(f"--{idle.replace('_', '-')}: goes with --audio, which decodes the utterances")
    sets = [load_data_dir(path, spk_sort=not args.no_spk_sort) for path in args.dirs]
    others = [load_data_dir(path, spk_sort=False) for path in args.against]
    for data in sets:
        say(f"{data}")
    if args.disjoint:
        check_disjoint(sets)
    if others:
        totals = _compare_all(sets, others, args.ids_only)
        if any(totals):
            lists = [str(data.path / SHARED) for data, total in zip(sets, totals, strict=True) if total]
            raise WespkError(
                f"{sum(totals)} things are shared between directories; they are in {', '.join(lists)}"
            )
    if args.audio:
        _check_audio(args, sets)


def _compare_all(sets: list[DataDir], others: list[DataDir], ids_only: bool) -> list[int]:
    """Compare each directory with each of the others; return how many things each shares."""
    from wespk.data.leakage import read_sounds

    for other in others:
        for data in sets:
            if data.path.resolve() == other.path.resolve():
                raise WespkError(f"--against {other.path}: a directory shares everything with itself")
    sounds = {} if ids_only else {data.path: read_sounds(data) for data in (*sets, *others)}
    return [_compare(data, others, sounds) for data in sets]


def _compare(data: DataDir, others: list[DataDir], sounds: dict[Path, Sounds]) -> int:
    """Print and list what a directory shares with others; return how many things."""
    from wespk.data.leakage import ID_KINDS, SOUND_KINDS, shared_audio, shared_ids

    lines, total = [], 0
    for other in others:
        pair = f"{data.path} and {other.path}"
        found, lost = shared_ids(data, other), Rejections()
        if sounds:
            heard, lost = shared_audio(sounds[data.path], sounds[other.path])
            found += heard
        for kind, name in (ID_KINDS | SOUND_KINDS if sounds else ID_KINDS).items():
            ids = [item.here for item in found if item.kind == kind]
            say(f"{pair}: {len(ids)} {name} shared" + (f", first {', '.join(ids[:SHOWN])}" if ids else ""))
        if lost:
            first, reason = next(iter(lost.reasons.items()))
            say(f"{pair}: {len(lost)} utterances could not be compared, first {first}: {reason}")
        lines += [f"{item.kind} {item.here} {other.path} {item.there}\n" for item in found]
        lines += [f"not-compared {utt} {other.path} {why}\n" for utt, why in lost.reasons.items()]
        total += len(found)
    write_text(data.path / SHARED, "".join(lines))
    return total


def _check_audio(args: Namespace, sets: list[DataDir]) -> None:
    from wespk.data.audio_check import check_audio
    from wespk.data.parallel import cores

    options = audio_options(args)
    faults = []
    for data in sets:
        rejections = check_audio(data, options, processes=args.nj or cores(), track=track)
        rejections.write(data.path / "rejected_audio.txt")
        say(rejections.summary(f"{data.path} audio", len(data.utterances)))
        try:
            rejections.enforce(str(data.path), len(data.utterances), args.max_rejected)
        except WespkError as error:
            faults.append(str(error))
    if faults:
        raise WespkError("; ".join(faults))
