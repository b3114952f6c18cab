"""A Kaldi data directory as an immutable value that keeps Kaldi's rules."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wespk.core.errors import WespkError
from wespk.core.files import PathLike
from wespk.core.rejections import Rejections
from wespk.data.audio import AudioOptions, audio_stamp, read_audio
from wespk.data.layout import EXACT, LEDGER, refuse_irregular, remove_tables, spk2utt_lines, write_tables
from wespk.data.rules import (
    Segment,
    check_same_keys,
    check_spk2utt,
    check_table,
    read_segments,
    read_utt2spk,
)
from wespk.data.tables import byte_sorted, read_table, table_text

__all__ = [
    "DataDir",
    "Segment",
    "check_disjoint",
    "load_data_dir",
    "load_features",
    "spk2utt_lines",
    "write_data_dir",
]

IDENTITY = ("wav.scp", "segments", "utt2spk")  # the tables that say what the utterances are


@dataclass(frozen=True)
class DataDir:
    """The tables of a data directory, consistent with each other.

    `recordings` maps a recording id to its wav.scp value; without `segments` recordings are the utterances.
    """

    path: Path
    recordings: Mapping[str, str]
    utt2spk: Mapping[str, str]
    segments: Mapping[str, Segment] | None = None

    @property
    def utterances(self) -> list[str]:
        """Utterance ids in byte order."""
        return list(self.utt2spk)

    @property
    def speakers(self) -> list[str]:
        """Speaker ids in byte order."""
        return byte_sorted(set(self.utt2spk.values()))

    def __str__(self) -> str:
        return f"{self.path}: {len(self.utt2spk)} utterances of {len(self.speakers)} speakers"

    def audio(self, utt: str, options: AudioOptions | int) -> np.ndarray:
        """Return the samples of one utterance (see `read_audio`)."""
        if self.segments is None:
            return read_audio(self.recordings[utt], options, allow_pipes=True)
        segment = self.segments[utt]
        entry = self.recordings[segment.recording]
        return read_audio(entry, options, start=segment.start, end=segment.end, allow_pipes=True)

    def audio_stamp(self, utt: str) -> str:
        """Return a text that changes when the utterance's audio may have changed."""
        if self.segments is None:
            return f"{utt} {audio_stamp(self.recordings[utt])}"
        segment = self.segments[utt]
        return f"{utt} {segment} {audio_stamp(self.recordings[segment.recording])}"

    def restricted(self, utts: Iterable[str]) -> DataDir:
        """Return the directory with these utterances only, in the order given, and their recordings."""
        utt2spk = {utt: self.utt2spk[utt] for utt in utts}
        if self.segments is None:
            return DataDir(self.path, {utt: self.recordings[utt] for utt in utt2spk}, utt2spk)
        segments = {utt: self.segments[utt] for utt in utt2spk}
        used = dict.fromkeys(segment.recording for segment in segments.values())
        return DataDir(self.path, {name: self.recordings[name] for name in used}, utt2spk, segments)


def load_data_dir(path: PathLike, *, spk_sort: bool = True, unchecked: Collection[str] = ()) -> DataDir:
    """Read and check a data directory: Kaldi's rules of validate_data_dir.sh, on all the tables there are.

    The tables that the value does not hold are read once, some ten thousand lines at a time. `spk_sort` False
    lets the speakers of utt2spk stand in any order; `unchecked` names tables that are being made anew,
    perhaps by other jobs at this moment. Raises `WespkError` with file and line or id at the first broken
    rule.
    """
    path = Path(path)
    if not path.is_dir():
        raise WespkError(f"{path}: no such data directory; run the stage that prepares it")
    refuse_irregular(path)
    with _no_garbage_collection():
        utt2spk = read_utt2spk(path / "utt2spk", spk_sort=spk_sort)
        utts = list(utt2spk)
        recordings = read_table(path / "wav.scp", expected=utts)
        tilde = next((name for name, entry in recordings.items() if entry.startswith("~")), None)
        if tilde:
            raise WespkError(f"{path / 'wav.scp'}: '{tilde}' has a ~, which no program expands; write it out")
        segments = None
        if (path / "segments").exists():
            segments = read_segments(path / "segments", recordings)
            check_same_keys(path / "utt2spk", utt2spk, path / "segments", segments)
        else:
            check_same_keys(path / "utt2spk", utt2spk, path / "wav.scp", recordings)
        check_spk2utt(path / "spk2utt", utt2spk)
        rejected = _rejected(path)
        ids = {
            "utterance": (path / "utt2spk", utts, rejected.reasons),
            "speaker": (path / "utt2spk", byte_sorted(set(utt2spk.values())), ()),
            "recording": (path / "wav.scp", list(recordings), ()),
        }
        for name, kind in EXACT.items():
            if name not in unchecked and (path / name).exists():
                check_table(path / name, *ids[kind])
    return DataDir(path, recordings, utt2spk, segments)


def load_features(data: DataDir) -> dict[str, str]:
    """Return utterance id -> archive location from feats.scp.

    Utterances that feature extraction rejected (listed in rejected.txt) are left out; any other utterance
    without features, and any feature without utterance, is an error.
    """
    scp = data.path / "feats.scp"
    if not scp.exists():
        raise WespkError(f"{scp}: no such file; run the feature stage first")
    locations = read_table(scp)
    check_same_keys(scp, locations, data.path / "utt2spk", data.utt2spk, allowed=_rejected(data.path).reasons)
    return locations


def check_disjoint(sets: Sequence[DataDir]) -> None:
    """Raise when two of the sets share a speaker: that would make every result too good."""
    home: dict[str, Path] = {}
    for data in sets:
        for spk in data.speakers:
            if spk in home:
                raise WespkError(
                    f"speaker '{spk}' is in both {home[spk]} and {data.path}; keep it in one of them"
                )
        home.update(dict.fromkeys(data.speakers, data.path))


def write_data_dir(
    path: PathLike, wav: Mapping[str, str], utt2spk: Mapping[str, str], **more: Mapping[str, str]
) -> DataDir:
    """Write wav.scp, utt2spk, spk2utt and `more` tables (spk2gender=..., text=...); check and return them.

    Where they describe other utterances than what stood there, all tables about those are removed.
    """
    path = Path(path)
    tables = {"wav.scp": wav, "utt2spk": utt2spk, **more}
    if any(_differs(path / name, tables.get(name)) for name in IDENTITY):
        remove_tables(path, tables)
    write_tables(path, tables)
    return load_data_dir(path)


def _differs(path: Path, table: Mapping[str, str] | None) -> bool:
    if table is None or not path.exists():
        return path.exists()
    return path.read_bytes() != table_text(table).encode("utf-8")


def _rejected(path: Path) -> Rejections:
    ledger = path / LEDGER
    return Rejections.read(ledger) if ledger.exists() else Rejections()


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Reading makes millions of strings and no cycles: collections would take a third of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
