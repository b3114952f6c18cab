"""A Kaldi data directory as an immutable value, and the rules that one must keep."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, read_text, write_text
from wespk.core.rejections import Rejections
from wespk.data.audio import AudioError, audio_stamp, check_samples, read_audio
from wespk.data.tables import byte_sorted, read_table, table_text

DERIVED = ("feats.scp", "feats.json", "utt2num_frames", "utt2dur", "vad.scp", "rejected.txt")
OPTIONAL = ("segments", "reco2dur", "spk2gender", "text")
PER_UTTERANCE = ("utt2dur", "utt2num_frames", "text", "vad.scp")


@dataclass(frozen=True)
class Segment:
    """A part of a recording, in seconds from its start."""

    recording: str
    start: float
    end: float


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

    def audio(self, utt: str, sample_rate: int) -> np.ndarray:
        """Return the samples of one utterance (see `read_audio`)."""
        if self.segments is None:
            return read_audio(self.recordings[utt], sample_rate, allow_pipes=True)
        segment = self.segments[utt]
        whole = read_audio(self.recordings[segment.recording], sample_rate, allow_pipes=True)
        start, end = round(segment.start * sample_rate), round(segment.end * sample_rate)
        if end > len(whole) + sample_rate // 2:  # Kaldi tolerates half a second
            raise AudioError(f"segment outside: ends at {segment.end} s of {len(whole) / sample_rate:.2f} s")
        return check_samples(whole[start:end])

    def audio_stamp(self, utt: str) -> str:
        """Return a text that changes when the utterance's audio may have changed."""
        if self.segments is None:
            return f"{utt} {audio_stamp(self.recordings[utt])}"
        segment = self.segments[utt]
        return f"{utt} {segment} {audio_stamp(self.recordings[segment.recording])}"


def load_data_dir(path: PathLike) -> DataDir:
    """Read and check a data directory: Kaldi's rules of validate_data_dir.sh, on all the tables there are.

    Raises `WespkError` with file and line or id at the first broken rule.
    """
    path = Path(path)
    if not path.is_dir():
        raise WespkError(f"{path}: no such data directory; run the stage that prepares it")
    recordings = read_table(path / "wav.scp")
    utt2spk = read_table(path / "utt2spk")
    if not utt2spk:
        raise WespkError(f"{path / 'utt2spk'}: holds no utterances")
    segments = _read_segments(path / "segments", recordings) if (path / "segments").exists() else None
    _check_same_keys(
        path / "utt2spk", utt2spk, path / ("segments" if segments else "wav.scp"), segments or recordings
    )
    _check_speakers(path, utt2spk)
    rejected = _rejected(path)
    for name in PER_UTTERANCE:
        if (path / name).exists():
            table = read_table(path / name, value_required=name != "text")
            _check_same_keys(path / name, table, path / "utt2spk", utt2spk, allowed=rejected)
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
    _check_same_keys(scp, locations, data.path / "utt2spk", data.utt2spk, allowed=_rejected(data.path))
    return locations


def check_audio(data: DataDir, sample_rate: int, utterances: Iterable[str]) -> Rejections:
    """Decode the utterances; return those that cannot be used, with reasons."""
    rejections = Rejections()
    for utt in utterances:
        try:
            data.audio(utt, sample_rate)
        except AudioError as error:
            rejections.add(utt, str(error))
    return rejections


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


def spk2utt_lines(utt2spk: Mapping[str, str]) -> str:
    """Return the content of spk2utt for a byte-sorted utt2spk."""
    groups: dict[str, list[str]] = {}
    for utt, spk in utt2spk.items():
        groups.setdefault(spk, []).append(utt)
    return "".join(f"{spk} {' '.join(groups[spk])}\n" for spk in byte_sorted(groups))


def write_data_dir(
    path: PathLike, wav: Mapping[str, str], utt2spk: Mapping[str, str], **more: Mapping[str, str]
) -> DataDir:
    """Write wav.scp, utt2spk, spk2utt and `more` tables (spk2gender=..., text=...); check and return them."""
    path = Path(path)
    tables = {"wav.scp": wav, "utt2spk": utt2spk, **more}
    for name, table in tables.items():
        text = table_text(table)
        if name in ("wav.scp", "utt2spk") and (path / name).exists() and read_text(path / name) != text:
            for stale in (*DERIVED, *(name for name in OPTIONAL if name not in more)):
                (path / stale).unlink(missing_ok=True)  # they describe other utterances
        write_text(path / name, text)
    write_text(path / "spk2utt", spk2utt_lines({utt: utt2spk[utt] for utt in byte_sorted(utt2spk)}))
    return load_data_dir(path)


def _rejected(path: Path) -> Rejections:
    ledger = path / "rejected.txt"
    return Rejections.read(ledger) if ledger.exists() else Rejections()


def _check_same_keys(
    file: Path,
    keys: Mapping[str, object],
    against: Path,
    wanted: Mapping[str, object],
    allowed: Rejections | None = None,
) -> None:
    for key in wanted:
        if key not in keys and not (allowed and key in allowed):
            raise WespkError(f"{file}: '{key}' of {against.name} is missing; add it there or remove it here")
    for key in keys:
        if key not in wanted:
            raise WespkError(f"{against}: '{key}' of {file.name} is missing; add it there or remove it here")


def _check_speakers(path: Path, utt2spk: Mapping[str, str]) -> None:
    last = b""
    for number, (utt, spk) in enumerate(utt2spk.items(), 1):
        where = f"{path / 'utt2spk'}:{number}"
        if " " in spk:
            raise WespkError(f"{where}: '{utt}' has more than one speaker: '{spk}'")
        if spk.encode("utf-8") < last:
            raise WespkError(
                f"{where}: speaker '{spk}' is out of order; begin utterance ids with the speaker id"
            )
        last = spk.encode("utf-8")
    speakers = dict.fromkeys(utt2spk.values())
    if (path / "spk2utt").exists():
        wanted = dict(line.split(" ", 1) for line in spk2utt_lines(utt2spk).splitlines())
        found = read_table(path / "spk2utt")
        _check_same_keys(path / "spk2utt", found, path / "utt2spk", wanted)
        for spk, utts in wanted.items():
            if found[spk].split() != utts.split():
                raise WespkError(
                    f"{path / 'spk2utt'}: '{spk}' disagrees with utt2spk; make it again from utt2spk"
                )
    else:
        raise WespkError(f"{path / 'spk2utt'}: no such file; it is required beside utt2spk")
    if (path / "spk2gender").exists():
        genders = read_table(path / "spk2gender")
        _check_same_keys(path / "spk2gender", genders, path / "utt2spk", speakers)
        for spk, gender in genders.items():
            if gender not in ("m", "f"):
                raise WespkError(f"{path / 'spk2gender'}: '{spk}' is '{gender}'; m or f is allowed")


def _read_segments(path: Path, recordings: Mapping[str, str]) -> dict[str, Segment]:
    segments = {}
    for number, (utt, value) in enumerate(read_table(path).items(), 1):
        fields = value.split()
        try:
            recording, start, end = fields[0], float(fields[1]), float(fields[2])
        except (IndexError, ValueError):
            raise WespkError(f"{path}:{number}: expected `utt recording start end` in seconds") from None
        if len(fields) != 3 or not 0 <= start < end < math.inf:
            raise WespkError(f"{path}:{number}: '{utt}' needs 0 <= start < end and four fields")
        if recording not in recordings:
            raise WespkError(f"{path}:{number}: recording '{recording}' is not in wav.scp")
        segments[utt] = Segment(recording, start, end)
    return segments
