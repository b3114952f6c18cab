"""What a data directory holds, in figures: speakers, hours, durations, rates, genders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from wespk.data.datadir import DataDir
from wespk.data.durations import Durations
from wespk.data.tables import read_table

EDGES = (0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0)  # seconds; the last class has no end


@dataclass(frozen=True)
class Spread:
    """The least, the middle, the mean and the greatest of some numbers."""

    min: float
    median: float
    mean: float
    max: float


@dataclass(frozen=True)
class DataStats:
    """The figures of one directory.

    `histogram` counts utterances by duration, from each of `EDGES` to below the next. `sample_rates`,
    `channels` and `formats` count recordings and are empty unless headers were read. `genders` counts
    speakers as m, f or unknown. `unknown` maps utterances without a duration to the reason.
    """

    path: str
    speakers: int
    utterances: int
    recordings: int
    hours: float
    durations_from: str
    seconds: Spread | None
    histogram: dict[str, int]
    utterances_per_speaker: Spread | None
    minutes_per_speaker: Spread | None
    genders: dict[str, int]
    sample_rates: dict[str, int]
    channels: dict[str, int]
    formats: dict[str, int]
    unknown: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return asdict(self)


def data_stats(data: DataDir, durations: Durations) -> DataStats:
    """Count what is in the directory."""
    speakers = data.speakers
    number = {spk: n for n, spk in enumerate(speakers)}
    owner = np.array([number[spk] for spk in data.utt2spk.values()])
    timed = np.array([utt in durations.seconds for utt in data.utt2spk])
    seconds = np.array([durations.seconds[utt] for utt in data.utt2spk if utt in durations.seconds])
    per_speaker = np.bincount(owner[timed], weights=seconds, minlength=len(speakers)) / 60
    headers = durations.headers.values()
    return DataStats(
        path=str(data.path),
        speakers=len(speakers),
        utterances=len(owner),
        recordings=len(data.recordings),
        hours=float(seconds.sum()) / 3600,
        durations_from=durations.source,
        seconds=_spread(seconds),
        histogram=_histogram(seconds),
        utterances_per_speaker=_spread(np.bincount(owner)),
        minutes_per_speaker=_spread(per_speaker) if len(seconds) else None,
        genders=_genders(data),
        sample_rates=_counts(Counter(info.sample_rate for info in headers)),
        channels=_counts(Counter(info.channels for info in headers)),
        formats=_counts(Counter(info.format for info in headers)),
        unknown=dict(durations.unknown.reasons),
    )


def _spread(values: np.ndarray) -> Spread | None:
    if not len(values):
        return None
    return Spread(float(values.min()), float(np.median(values)), float(values.mean()), float(values.max()))


def _histogram(seconds: np.ndarray) -> dict[str, int]:
    counts = np.bincount(np.searchsorted(EDGES, seconds, side="right") - 1, minlength=len(EDGES))
    names = [f"{low:g}-{high:g}" for low, high in pairwise(EDGES)] + [f"{EDGES[-1]:g}+"]
    return dict(zip(names, counts.tolist(), strict=True))


def _genders(data: DataDir) -> dict[str, int]:
    path = data.path / "spk2gender"
    genders: Mapping[str, str] = read_table(path) if path.exists() else {}
    return _counts(Counter(genders.get(spk, "unknown") for spk in data.speakers))


def _counts(counter: Counter[Any]) -> dict[str, int]:
    return {str(key): counter[key] for key in sorted(counter)}
