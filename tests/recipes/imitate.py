#!/usr/bin/env python3
"""Lay recordings out as AISHELL-1 or TIMIT are: folders, names, list files and quirks.

Usage:   imitate.py aishell [--packed] [--speakers N,N,N] [--utts N] SOURCE OUT
         imitate.py timit [--shape original|lower|flat|doubled] [--speakers N,N,N] SOURCE OUT
Example: imitate.py timit --shape flat --speakers 8,4,4 egs/mini/corpus/wav imitation/timit

SOURCE holds a folder a voice with its recordings: egs/mini's corpus, or a sample of a real one. Speakers get
names of the real corpus, --speakers of them from each of train, dev and test. No recording is used twice. A
source with fewer voices than speakers lends a voice to several sets (not to two speakers of one set while
there is another): such a run tests the recipe, and its error rates mean nothing.
"""

from __future__ import annotations

import argparse
import re
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import soundfile

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("train", "dev", "test")
RATE = 16000
SUFFIXES = (".wav", ".flac")
# AISHELL-1: the first speakers of each set, in the official numbering.
AISHELL_IDS = {
    "train": range(2, 724),
    "dev": range(724, 764),
    "test": [*range(764, 771), *range(901, 909), *range(912, 917)],
}
SENTENCE = re.compile(r"s[axi]\d+", re.IGNORECASE)
WORDS = "而 对 楼市 成交 抑制 作用 最 大 的 限 购"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", choices=("aishell", "timit"))
    parser.add_argument("source", type=Path, metavar="SOURCE")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--speakers", default="4,2,2", metavar="N,N,N", help="of train, dev, test (4,2,2)")
    parser.add_argument("--utts", type=int, default=8, metavar="N", help="recordings a speaker (aishell; 8)")
    parser.add_argument("--packed", action="store_true", help="an archive a speaker (aishell)")
    parser.add_argument("--shape", choices=tuple(SHAPES), default="original", help="(timit)")
    args = parser.parse_args()
    speakers = [int(number) for number in args.speakers.split(",")]
    if args.corpus == "aishell":
        imitate_aishell(args.source, args.out, speakers, args.utts, args.packed)
    else:
        imitate_timit(args.source, args.out, speakers, args.shape)


def imitate_aishell(
    source: Path, out: Path, speakers: Sequence[int] = (4, 2, 2), utts: int = 8, packed: bool = False
) -> Path:
    """Write OUT/data_aishell; one training recording has no transcript, as 325 of the real ones have none."""
    wav = out / "data_aishell/wav"
    names = []
    for part, spk, recordings in roles(
        source, speakers, lambda part, n: f"S{AISHELL_IDS[part][n]:04d}", utts
    ):
        for number, recording in enumerate(recordings, 121):  # the corpus begins about there
            name = f"BAC009{spk}W{number:04d}"
            write(recording, wav / part / spk / f"{name}.wav", "WAV")
            names.append(name)
        if packed:
            with tarfile.open(wav / f"{spk}.tar.gz", "w:gz", compresslevel=1) as archive:
                archive.add(wav / part / spk, f"{part}/{spk}")
            for path in (wav / part / spk).iterdir():
                path.unlink()
            (wav / part / spk).rmdir()
    for part in PARTS if packed else ():
        (wav / part).rmdir()
    transcript = out / "data_aishell/transcript/aishell_transcript_v0.8.txt"
    transcript.parent.mkdir()
    transcript.write_text("".join(f"{name} {WORDS}\n" for name in sorted(names) if name != names[0]), "utf-8")
    return out


def imitate_timit(
    source: Path,
    out: Path,
    speakers: Sequence[int] = (4, 2, 2),
    shape: str = "original",
    linked: bool = False,
) -> Path:
    """Write the tree of a copy of TIMIT with ten sentences a speaker, SX texts shared by up to seven.

    With `linked` recordings serve again and again, as links: for a corpus of full size.
    """
    table = (ROOT / "egs/timit/local/speakers.tsv").read_text().splitlines()[1:]
    ids: dict[str, list[str]] = {part: [] for part in PARTS}
    for line in table:
        spk, part, _ = line.split("\t")
        ids[part].append(spk)
    folder, formats = SHAPES[shape]
    written: dict[tuple[Path, str], Path] = {}
    spelled = str.lower if shape in ("lower", "flat") else str
    for count, (part, spk, recordings) in enumerate(
        roles(source, speakers, lambda part, n: ids[part][n], 10, again=linked)
    ):
        official = "TEST" if part == "test" else "TRAIN"
        place = spelled(folder.format(part=official, dialect=count % 8 + 1, spk=spk))
        for recording, sentence in zip(recordings, sentences(recordings, count), strict=True):
            for suffix, form in formats.items():
                path = out / place / (spelled(sentence) + suffix)
                if linked and (recording, form) in written:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.symlink_to(written[recording, form])
                else:
                    written[recording, form] = write(recording, path, form)
            for suffix in (".TXT", ".WRD", ".PHN"):
                (out / place / spelled(sentence + suffix)).write_text("0 16000 imitation\n")
    document = out / spelled("DOC/README.DOC")
    document.parent.mkdir()
    document.write_text("An imitation of TIMIT's folders; no speech of it is here.\n")
    return out


# The folder of a speaker, and what is written of a recording: suffix -> format.
SHAPES = {
    "original": ("{part}/DR{dialect}/{spk}", {".WAV": "NIST"}),
    "lower": ("{part}/dr{dialect}/{spk}", {".wav": "WAV"}),
    "flat": ("dr{dialect}-{spk}", {".wav": "WAV"}),
    "doubled": ("data/{part}/DR{dialect}/{spk}", {".WAV": "NIST", ".WAV.wav": "WAV"}),
}


def roles(
    source: Path, speakers: Sequence[int], name, utts: int, again: bool = False
) -> Iterator[tuple[str, str, list[Path]]]:
    """Yield set, speaker and recordings; the voices of the source serve in turn."""
    voices = [
        sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
        for folder in sorted(path for path in source.iterdir() if path.is_dir())
    ]
    voices = [voice for voice in voices if voice]
    turn = 0
    for part, count in zip(PARTS, speakers, strict=True):
        for number in range(count):
            voice = voices[turn % len(voices)]
            turn += 1
            if len(voice) < utts:
                raise SystemExit(f"imitate.py: {source} has too few recordings for these speakers")
            yield part, name(part, number), voice[:utts]
            if not again:
                del voice[:utts]


def sentences(recordings: Sequence[Path], count: int) -> list[str]:
    """Return the names of ten recordings: their own, if they are TIMIT's."""
    if all(SENTENCE.fullmatch(path.stem) for path in recordings):
        return [path.stem.upper() for path in recordings]
    shared = [f"SX{count // 7 + 1 + 90 * i}" for i in range(5)]
    return ["SA1", "SA2", *shared, *(f"SI{450 + 3 * count + i}" for i in range(3))]


def write(recording: Path, path: Path, form: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples, rate = soundfile.read(recording, dtype="int16")
    if rate != RATE:
        raise SystemExit(f"imitate.py: {recording}: {rate} Hz where {RATE} Hz is needed")
    soundfile.write(path, samples, RATE, format=form, subtype="PCM_16")
    return path


if __name__ == "__main__":
    main()
