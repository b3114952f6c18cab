"""Find AISHELL-1, or download it from OpenSLR; unpack its speakers, check that all is there, note where.

Usage:   local/get_corpus.py [options] DATA
Example: local/get_corpus.py data                            (downloads 15.6 GB; needs 31 GB while it unpacks)
         local/get_corpus.py --corpus /corpora/aishell data

The corpus may be packed by speaker, as it is distributed, or unpacked. Packed speakers are unpacked into
DATA/wav; the folder of the corpus is only read. An interrupted download or unpacking goes on in the next
call. DATA/corpus.json tells what was found.
"""

from __future__ import annotations

import shutil
from argparse import Namespace
from collections import Counter
from pathlib import Path

from aishell import (
    SPEAKERS,
    TRANSCRIPT,
    UTTERANCES,
    find_recordings,
    home,
    packed_speakers,
    part_of,
    read_transcript,
)

from wespk.core.errors import WespkError
from wespk.core.files import digest, write_json
from wespk.core.progress import say, track
from wespk.core.script import doc_parser, errors_for_people
from wespk.data.corpus import describe
from wespk.data.download import download_and_unpack, unpack

MIRRORS = ("www.openslr.org", "us.openslr.org", "openslr.elda.org")
URLS = [f"https://{mirror}/resources/33/data_aishell.tgz" for mirror in MIRRORS]
MD5 = "2f494334227864a8a8fec932999db9d8"


def main() -> None:
    parser = doc_parser(__doc__)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="folder of the corpus (default: download)")
    parser.add_argument(
        "--allow-partial", choices=("true", "false"), default="false", help="use what there is of the corpus"
    )
    parser.add_argument("--url", action="append", help="download from here instead; may be repeated")
    parser.add_argument("--md5", default=MD5, help="checksum of the download")
    args = parser.parse_args()
    with errors_for_people():
        get_corpus(args)


def get_corpus(args: Namespace) -> None:
    corpus = args.corpus or args.data / "download"
    if args.corpus is None:
        download_and_unpack(args.url or URLS, corpus, args.md5)
    folder = home(corpus)
    folders = [folder / "wav"]
    recordings = find_recordings(folders)
    packed = packed_speakers(folder, {each.spk for each in recordings})
    for spk, archive in track(packed.items(), len(packed), "unpacking speakers"):
        if args.corpus is None:  # our own download becomes an unpacked corpus
            unpack(archive, folder / "wav" / spk)
            archive.unlink()
        else:
            folders.append(unpacked(archive, args.data / "wav"))
    if packed:
        recordings = find_recordings(folders)
    check(folder, {each.name for each in recordings}, args.allow_partial == "true")
    counts = Counter(part_of(spk) for spk in {each.spk for each in recordings})
    say(f"{folder}: {len(recordings)} recordings; speakers: {sizes(counts)}")
    record = describe(folder, args.corpus, [each.path for each in recordings])
    write_json(args.data / "corpus.json", {**record, "folders": list(map(str, folders))})


def unpacked(archive: Path, wav: Path) -> Path:
    """Return the folder of an unpacked speaker, named after its archive's stamp: another is unpacked anew."""
    state = archive.stat()
    spk = archive.name.removesuffix(".tar.gz")
    folder = wav / f"{spk}.{digest(str(archive.resolve()), f'{state.st_size} {state.st_mtime_ns}')[:12]}"
    if not folder.exists():
        for old in wav.glob(f"{spk}.*"):
            shutil.rmtree(old)
        unpack(archive, folder)
    return folder


def check(folder: Path, found: set[str], partial: bool) -> None:
    """Compare with the official list: the transcript. Raises `WespkError` naming the first thing missing."""
    if not found:
        raise WespkError(
            f"{folder / 'wav'}: no recordings such as BAC009S0002W0122.wav below it, packed or not"
        )
    advice = "unpack or download the corpus again, or use what there is: --allow_partial true"
    if not (folder / TRANSCRIPT).exists():
        if partial:
            return say(f"{folder / TRANSCRIPT}: missing; all recordings are used")
        raise WespkError(f"{folder / TRANSCRIPT}: missing; it lists the official utterances; {advice}")
    official = read_transcript(folder)
    missing = sorted(official.keys() - found)
    if missing:
        what = f"{missing[0]}.wav is missing below {folder / 'wav'} ({len(missing)} of {len(official)} are)"
        if not partial:
            raise WespkError(f"{what}; {advice}")
        say(what)
    counts = Counter(part_of(name[6:11]) for name in official)
    if counts != Counter(UTTERANCES) and not partial:
        raise WespkError(
            f"{folder / TRANSCRIPT}: lists {sizes(counts)} utterances where {sizes(UTTERANCES)} are right; "
            f"{advice}"
        )


def sizes(counts: dict[str, int]) -> str:
    return ", ".join(f"{part} {counts[part]}" for part in SPEAKERS)


if __name__ == "__main__":
    main()
