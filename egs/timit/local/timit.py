"""What this recipe knows of TIMIT (LDC93S1): its speakers, its sentences, and the shapes it circulates in.

    TRAIN/DR1/FCJF0/SX37.WAV      as published: upper case, NIST SPHERE in spite of the suffix
    train/dr1/fcjf0/sx37.wav      lower case, often converted to RIFF
    dr1-fcjf0/sx37.wav            flattened
    TRAIN/DR1/FCJF0/SX37.WAV.wav  a RIFF copy beside the SPHERE file

A recording is told by the end of its path: speaker and sentence with / - or _ between. Each speaker reads
SA1 and SA2 (the same for all), five SX (each read by seven speakers) and three SI (read by nobody else).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wespk.core.errors import WespkError
from wespk.core.files import read_text
from wespk.core.progress import say
from wespk.data.corpus import audio_files

SENTENCES = {"SA": 2, "SX": 5, "SI": 3}
PARTS = ("train", "dev", "test")
END_OF_PATH = re.compile(
    r"(?:^|[/_-])(?P<spk>[FM][A-Z]{3}\d)[/_-](?P<sentence>S[AXI]\d{1,4})(\.WAV|\.SPH|\.FLAC)+$"
)
OFFICIAL_PART = re.compile(r"(?:^|[/_-])(TRAIN|TEST)(?=[/_-])")
SUFFIXES = (".wav", ".sph", ".flac")


@dataclass(frozen=True)
class Speaker:
    """A speaker of local/speakers.tsv: its set, and in which order its SX sentences enrol it.

    `enrol_order` counts the five SX sentences from 1 in the order of their numbers; it is empty in training.
    """

    part: str
    enrol_order: tuple[int, ...]


@dataclass(frozen=True)
class Recording:
    """One recording; names in upper case, whatever the copy's are."""

    spk: str
    sentence: str  # such as SX37
    path: Path

    @property
    def utt(self) -> str:
        """The utterance id."""
        return f"{self.spk}-{self.sentence}"

    @property
    def kind(self) -> str:
        """SA, SX or SI."""
        return self.sentence[:2]

    @property
    def number(self) -> int:
        """The sentence's number among those of its kind."""
        return int(self.sentence[2:])


def read_speakers() -> dict[str, Speaker]:
    """Return the 630 speakers of local/speakers.tsv.

    The official training and test speakers; dev is one in ten, rounded, of the training speakers of each
    dialect region and sex, the first by the SHA-256 of ``1 SPEAKER``. The order is that of the SHA-256 of
    ``1 SPEAKER PLACE``. Both were drawn once and are fixed there.
    """
    rows = (line.split("\t") for line in read_text(Path(__file__).parent / "speakers.tsv").splitlines()[1:])
    return {spk: Speaker(part, tuple(map(int, order.strip("-")))) for spk, part, order in rows}


def find_recordings(corpus: Path) -> list[Recording]:
    """Return the recordings below `corpus`, sorted by utterance.

    Of a sentence that is there several times, the first path counts and the others are told of. Raises
    `WespkError` for a folder without recordings, for a speaker TIMIT does not have, and for one in the wrong
    official part.
    """
    speakers = read_speakers()
    found: dict[str, Recording] = {}
    again: list[Path] = []
    for path in audio_files(corpus, SUFFIXES):
        name = str(path.relative_to(corpus)).upper()
        match = END_OF_PATH.search(name)
        if not match:
            continue
        recording = Recording(match["spk"], match["sentence"], path)
        if recording.spk not in speakers:
            raise WespkError(f"{path}: TIMIT has no speaker {recording.spk}; is this TIMIT (LDC93S1)?")
        official = OFFICIAL_PART.findall(name[: match.start() + 1])
        is_test = speakers[recording.spk].part == "test"
        if official and (official[-1] == "TEST") != is_test:
            right = "TEST" if is_test else "TRAIN"
            raise WespkError(f"{path}: speaker {recording.spk} belongs to {right}; the copy is not in order")
        if found.setdefault(recording.utt, recording) is not recording:
            again.append(path)
    if not found:
        raise WespkError(f"{corpus}: no recordings such as TRAIN/DR1/FCJF0/SX37.WAV below it; is this TIMIT?")
    if again:
        say(f"{corpus}: {len(again)} recordings are there a second time and not used, first {again[0]}")
    return [found[utt] for utt in sorted(found)]


def first_difference(recordings: Iterable[Recording]) -> tuple[str, int]:
    """Return the first thing that is not as in the 6300 recordings, in words or "", and how many are not."""
    have: dict[str, list[str]] = {spk: [] for spk in sorted(read_speakers())}
    for each in recordings:
        have[each.spk].append(each.kind)
    first, count = "", 0
    for spk, kinds in have.items():
        for kind, right in SENTENCES.items():
            if (there := kinds.count(kind)) != right:
                what = f"{there} {kind} sentences where {right} are right" if kinds else "no recording"
                first = first or f"speaker {spk} has {what}"
                count += abs(right - there)
    return first, count
