"""Damaged recordings of every format: the reader answers by samples that fit the header or by a fault."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from fuzz_bytes import Random, repair_ogg
from fuzz_case import Answer, Case, attempt, is_untouched, law, pick
from fuzz_mutate import mutate_bytes

from wespk.data.audio import (
    AudioError,
    AudioInfo,
    AudioOptions,
    audio_info,
    audio_stamp,
    read_audio,
    sample_at,
)

KINDS = {
    *("missing", "empty", "unreadable", "truncated", "wrong rate", "not mono", "no such channel"),
    *("segment outside", "too short", "too long", "not finite", "beyond full scale", "silent", "clipped"),
}
NOT_READ = ("paf", "svx", "ircam", "avr")  # libsndfile would take them; the reader refuses them by name
EXACT = ("WAV PCM", "RF64 PCM", "BW64 PCM", "WAV U", "WAV A", "FLAC", "AIFF PCM", "AU", "NIST", "W64")
NO_FLOATS = ("PCM", "LAW", "FLAC")  # samples of these codings lie within [-1, 1]
BY_FFMPEG = (".m4a", ".webm", ".aac", ".mka", ".vbr.mp3")
OVERSHOOT = 8.0  # more than resampling does to samples within [-1, 1]


def prepare(rng: Random, folder: Path) -> Case:
    """Damage a recording, in a file of its own or inside a wav archive."""
    choices = sorted(Path("base/audio").iterdir())
    base = pick(rng, choices)
    data, made = base.read_bytes(), ["nothing"]
    untouched = is_untouched(rng)
    if not untouched:
        data, made = mutate_bytes(rng, data, lambda: pick(rng, choices).read_bytes())
        if b"OggS" in data and rng.random() < 0.5:
            data, made = repair_ogg(data), [*made, "right checksums"]
    entry = str(folder / "sound")
    if rng.random() < 0.15:
        marked = rng.random() < 0.3
        mark = b"AUDIO\4" + struct.pack("<I", len(data)) if marked else b""
        (folder / "sound").write_bytes(b"utt " + mark + data + b"next " + choices[-1].read_bytes()[:3000])
        entry, made = f"{entry}:4", [*made, "in an archive"]
        untouched = untouched and (marked or base.suffix == ".flac") and "ffmpeg" not in base.name
    else:
        (folder / "sound").write_bytes(data)
    start, length = float(rng.random()) * 0.6, 0.01 + float(rng.random()) * 0.3
    options = AudioOptions(
        sample_rate=pick(rng, [8000, 16000, 22050]),
        channel=pick(rng, [None, "mix", 0, 1]),
        allow_downsample=bool(rng.random() < 0.8),
        allow_upsample=bool(rng.random() < 0.8),
        max_seconds=pick(rng, [None, None, 0.5, 100.0]),
        max_clipped=pick(rng, [None, 0.01]),
    )
    must_pass = untouched and base.suffix[1:] not in NOT_READ
    slow = base.name.endswith(BY_FFMPEG)  # a process a call

    def check() -> str:
        refusal = check_recording(
            entry, start, start + length, options, thorough=not slow or rng.random() < 0.2
        )
        law(not (must_pass and refusal), f"an undamaged {base.name} is read, not refused ({refusal})")
        return refusal

    return Case(str(base), made, check)


def check_recording(entry: str, start: float, end: float, options: AudioOptions, thorough: bool) -> str:
    """Read a recording in several ways, and compare what they say; return the kind of its fault."""
    law("missing" not in audio_stamp(entry), "a file has a stamp")
    info = _ask(lambda: audio_info(entry))
    rate = info.value.sample_rate if info.value else 16000
    whole = _ask(lambda: read_audio(entry, AudioOptions(sample_rate=rate, channel=0)))
    if info.value is None:
        law(not whole.accepted, f"samples are read though the header is refused ({info.refusal})")
        return info.refusal
    law(info.value.sample_rate > 0 and info.value.channels > 0, f"impossible header {info.value}")
    law(info.value.num_samples >= 0, f"impossible header {info.value}")
    if whole.value is not None:
        _check_whole(whole.value, info.value)
    if thorough:
        _check_part(entry, start, end, info.value, whole)
        other = _ask(lambda: read_audio(entry, options))
        if other.value is not None:
            _check_other(other.value, info.value, options)
    return whole.refusal


def _ask(call) -> Answer:
    answer = attempt(call, refusals=AudioError, kind=lambda message: message.split(":")[0])
    law(answer.accepted or answer.refusal in KINDS, f"'{answer.refusal}' is a kind of fault")
    return answer


def _check_samples(samples: np.ndarray, most: float) -> None:
    law(samples.dtype == np.float32 and samples.ndim == 1, f"{samples.dtype} of shape {samples.shape}")
    law(len(samples) > 0, "accepted samples are some samples")
    peak = float(np.abs(samples).max())  # NaN and infinity stay
    law(np.isfinite(peak) and peak <= most, f"a sample of {peak:g}")


def _largest(info: AudioInfo) -> float:
    return 1.0 if any(coding in info.format for coding in NO_FLOATS) else np.inf


def _check_whole(samples: np.ndarray, info: AudioInfo) -> None:
    _check_samples(samples, _largest(info))
    if "MP3" in info.format:
        law(len(samples) <= info.num_samples, f"{len(samples)} samples where {info} promises fewer")
    else:
        law(len(samples) == info.num_samples, f"{len(samples)} samples where {info} promises others")


def _check_part(entry: str, start: float, end: float, info: AudioInfo, whole: Answer[np.ndarray]) -> None:
    """A part is the same samples as that part of the whole."""
    rate = info.sample_rate
    part = _ask(lambda: read_audio(entry, AudioOptions(sample_rate=rate, channel=0), start=start, end=end))
    if part.value is None:
        return
    _check_samples(part.value, _largest(info))
    first, last = sample_at(start, rate), min(sample_at(end, rate), info.num_samples)
    if info.format.startswith(EXACT) and "ADPCM" not in info.format:
        law(len(part.value) == last - first, f"{len(part.value)} samples of {first} to {last}")
        if whole.value is not None:
            law(np.array_equal(part.value, whole.value[first:last]), "a part differs from the whole's")
    law(len(part.value) <= max(0, last - first), f"{len(part.value)} samples of {first} to {last}")


def _check_other(samples: np.ndarray, info: AudioInfo, options: AudioOptions) -> None:
    limit = _largest(info) * (1.0 if info.sample_rate == options.sample_rate else OVERSHOOT)
    _check_samples(samples, limit)
    expected = info.num_samples * options.sample_rate / info.sample_rate
    fits = len(samples) <= expected + 1 if "MP3" in info.format else abs(len(samples) - expected) <= 1
    law(fits, f"{len(samples)} samples at {options.sample_rate} Hz of {info}")
    if options.max_seconds is not None:
        law(len(samples) <= options.max_seconds * options.sample_rate + 1, "longer than max_seconds")
