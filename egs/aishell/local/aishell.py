"""What this recipe knows of AISHELL-1 (OpenSLR 33): its sizes, its split, its folders and its transcript.

data_aishell/transcript/aishell_transcript_v0.8.txt     `BAC009S0002W0122 words ...`: what is official
data_aishell/wav/S0002.tar.gz                           as it is distributed: train/S0002/*.wav inside
data_aishell/wav/train/S0002/BAC009S0002W0122.wav       unpacked
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from wespk.core.errors import WespkError
from wespk.core.files import read_text
from wespk.data.corpus import audio_files

SPEAKERS = {"train": 340, "dev": 40, "test": 20}
UTTERANCES = {"train": 120_098, "dev": 14_326, "test": 7176}  # those with a transcript
TRANSCRIPT = Path("transcript/aishell_transcript_v0.8.txt")
DEV = frozenset(f"S{number:04d}" for number in range(724, 764))
TEST = frozenset(f"S{number:04d}" for number in (*range(764, 771), *range(901, 909), *range(912, 917)))
SPEAKER = re.compile(r"S\d{4}")
RECORDING = re.compile(r"BAC009(S\d{4})W\d{4}")


@dataclass(frozen=True)
class Recording:
    """One recording: its name in the corpus, such as BAC009S0002W0122, its speaker and its set."""

    name: str
    spk: str
    part: str
    path: Path


def part_of(spk: str) -> str:
    """Return the official set of a speaker."""
    return "dev" if spk in DEV else "test" if spk in TEST else "train"


def home(corpus: Path) -> Path:
    """Return the folder that holds `wav` and `transcript`: `corpus` itself or its data_aishell."""
    if not corpus.is_dir():
        raise WespkError(f"{corpus.absolute()}: no such folder; give that of data_aishell with --corpus DIR")
    for folder in (corpus / "data_aishell", corpus):
        if (folder / "wav").is_dir():
            return folder
    archive = corpus / "data_aishell.tgz"
    unpack = f"unpack it: tar xzf {archive} -C {corpus}"
    advice = unpack if archive.exists() else "is this AISHELL-1 (OpenSLR 33)?"
    raise WespkError(f"{corpus}: no folder data_aishell/wav in it; {advice}")


def packed_speakers(folder: Path, unpacked: Collection[str]) -> dict[str, Path]:
    """Return the archives in `wav` of speakers who are not unpacked as well."""
    archives = {path.name.removesuffix(".tar.gz"): path for path in sorted((folder / "wav").glob("*.tar.gz"))}
    return {spk: path for spk, path in archives.items() if SPEAKER.fullmatch(spk) and spk not in unpacked}


def find_recordings(folders: Iterable[Path]) -> list[Recording]:
    """Return the recordings below the folders, sorted by name.

    Raises `WespkError` for a recording in the folder of another speaker or of another set, and for one that
    is there twice.
    """
    found: dict[str, Recording] = {}
    for path in (path for folder in folders for path in audio_files(folder, (".wav",))):
        match = RECORDING.fullmatch(path.stem)
        if not match:
            continue
        spk, part = match[1], part_of(match[1])
        holder, above = path.parent.name, path.parent.parent.name
        if SPEAKER.fullmatch(holder) and holder != spk:
            raise WespkError(f"{path}: a recording of speaker {spk} in the folder of {holder}")
        if above in SPEAKERS and above != part:
            raise WespkError(f"{path.parent}: speaker {spk} belongs to {part}, not to {above}")
        if path.stem in found:
            raise WespkError(f"{path}: {found[path.stem].path} is the same recording; remove one of them")
        found[path.stem] = Recording(path.stem, spk, part, path)
    return [found[name] for name in sorted(found)]


def read_transcript(folder: Path) -> dict[str, str]:
    """Return recording -> words. Raises `WespkError` for a line of another form."""
    text = {}
    for number, line in enumerate(read_text(folder / TRANSCRIPT).splitlines(), 1):
        name, _, words = line.partition(" ")
        if not RECORDING.fullmatch(name):
            raise WespkError(f"{folder / TRANSCRIPT}:{number}: expected `BAC009S0002W0122 words ...`")
        text[name] = " ".join(words.split())
    return text
