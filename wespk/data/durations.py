"""How long the utterances of a data directory are, from the cheapest table that knows it exactly enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wespk.core.errors import WespkError
from wespk.core.files import read_json
from wespk.core.progress import track
from wespk.core.rejections import Rejections
from wespk.data.audio import AudioError, AudioInfo, audio_info
from wespk.data.datadir import DataDir
from wespk.data.parallel import cores, map_threads
from wespk.data.tables import read_table, write_table


@dataclass(frozen=True)
class Durations:
    """Seconds of each utterance, and where they came from.

    `unknown` lists the utterances without a duration and why; `headers` what was read of the recordings, and
    is empty where a table knew enough.
    """

    seconds: Mapping[str, float]
    source: str
    unknown: Rejections
    headers: Mapping[str, AudioInfo] = field(default_factory=dict)


def read_durations(data: DataDir, *, frames: bool = True, headers: bool = False) -> Durations:
    """Return the durations from utt2dur; else segments; else utt2num_frames and feats.json; else the audio.

    `frames` False leaves utt2num_frames out, which knows a duration to a window only. `headers` reads the
    headers of all recordings even where a table knows the durations.
    """
    known = None if headers else _from_tables(data, frames)
    return known or _from_audio(data)


def write_durations(data: DataDir, durations: Durations) -> list[str]:
    """Write utt2dur, and reco2dur where the durations of the recordings are known; return their names.

    Raises `WespkError` when an utterance's duration is not known: the tables have to cover all.
    """
    if durations.unknown:
        utt, reason = next(iter(durations.unknown.reasons.items()))
        raise WespkError(
            f"{data.path}: no duration of {len(durations.unknown)} utterances, first '{utt}' ({reason}); "
            "remove them (`wespk subset-data`, `wespk fix-data`), then write the durations"
        )
    tables = {"utt2dur": durations.seconds}
    if data.segments is None:
        tables["reco2dur"] = durations.seconds
    elif durations.headers.keys() >= data.recordings.keys():
        tables["reco2dur"] = {name: info.seconds for name, info in durations.headers.items()}
    for name, table in tables.items():
        write_table(data.path / name, {key: f"{seconds:.6f}" for key, seconds in table.items()})
    return list(tables)


def _from_tables(data: DataDir, frames: bool) -> Durations | None:
    if (data.path / "utt2dur").exists():
        table = read_table(data.path / "utt2dur")
        return _known(data, {utt: float(value) for utt, value in table.items()}, "utt2dur")
    if data.segments is not None and all(segment.end is not None for segment in data.segments.values()):
        seconds = {
            utt: segment.end - segment.start
            for utt, segment in data.segments.items()
            if segment.end is not None
        }
        return _known(data, seconds, "segments")
    shift = _frame_shift(data) if frames and (data.path / "utt2num_frames").exists() else None
    if shift is None:
        return None
    table = read_table(data.path / "utt2num_frames")
    return _known(data, {utt: shift * int(rows) for utt, rows in table.items()}, "utt2num_frames")


def _known(data: DataDir, seconds: Mapping[str, float], source: str) -> Durations:
    unknown = Rejections({utt: f"not in {source}" for utt in data.utt2spk if utt not in seconds})
    return Durations(seconds, source, unknown)


def _frame_shift(data: DataDir) -> float | None:
    """Return the seconds from frame to frame by feats.json; None where frames are no measure of time."""
    path = data.path / "feats.json"
    record: Any = read_json(path) if path.exists() else None
    spec = record.get("spec") if isinstance(record, dict) else None
    if not isinstance(spec, dict) or not isinstance(options := spec.get("options"), dict) or spec.get("vad"):
        return None
    if isinstance(options.get("frame_shift"), (int, float)):
        return float(options["frame_shift"]) / 1000
    hop, rate = options.get("hop_length"), options.get("sample_frequency")
    return hop / rate if isinstance(hop, int) and isinstance(rate, int) and rate > 0 else None


def _from_audio(data: DataDir) -> Durations:
    """Read the header of every recording, in threads: most of the time is spent in waiting for the disk."""
    names = list(data.recordings)
    found = map_threads(lambda name: _header(data.recordings[name]), names, 4 * cores())
    headers: dict[str, AudioInfo] = {}
    faults: dict[str, str] = {}
    for name, header in zip(names, track(found, len(names), f"headers of {data.path}"), strict=True):
        if isinstance(header, AudioInfo):
            headers[name] = header
        else:
            faults[name] = header
    seconds: dict[str, float] = {}
    unknown = Rejections()
    for utt in data.utt2spk:
        segment = data.segments[utt] if data.segments else None
        recording = segment.recording if segment else utt
        if recording not in headers:
            unknown.add(utt, faults[recording])
            continue
        whole = headers[recording].seconds
        length = whole if segment is None else min(whole, segment.end or whole) - segment.start
        if length > 0:
            seconds[utt] = length
        else:
            unknown.add(utt, f"outside: the recording has {whole:.2f} s")
    return Durations(seconds, "audio headers", unknown, headers)


def _header(entry: str) -> AudioInfo | str:
    try:
        return audio_info(entry, allow_pipes=True)
    except AudioError as error:
        return str(error)
