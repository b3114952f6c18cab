"""The one audio reader: float32 mono at the wanted rate, or an `AudioError` that says why not."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from wespk.core.files import file_stamp
from wespk.data.audio.formats import Sound, open_sound
from wespk.data.audio.resample import HIGHEST_RATE, LOWEST_RATE, Part, plan_part, resample
from wespk.data.audio.source import archive_path, open_source, shown
from wespk.data.audio.values import (
    LARGEST_SAMPLE,
    MAX_SAMPLES,
    AudioError,
    AudioInfo,
    AudioOptions,
    sample_at,
)

OVERHANG_S = 0.5  # a segment may end this much behind the recording, as in Kaldi, and is cut


def read_audio(
    entry: str,
    options: AudioOptions | int,
    *,
    start: float = 0.0,
    end: float | None = None,
    allow_pipes: bool = False,
) -> np.ndarray:
    """Return the samples of one wav.scp value: float32, shape (N,), mono, full scale at 1.

    `entry` is a path, an ``archive:offset``, or a shell command ending in ``|`` (refused unless
    `allow_pipes`). `options` may be a sample rate alone. `start` and `end` are seconds: the part that is
    wanted; the rest is not decoded where the format can be entered anywhere. Integers of n bits are divided
    by 2^(n-1). Values beyond 1 are those of the file (float formats), of a lossy decoder or of resampling.
    Times mean samples as `sample_at` says.

    Raises `AudioError` with one of these kinds: missing, empty, unreadable, truncated, wrong rate, not mono,
    no such channel, segment outside, too short, too long, not finite, beyond full scale, silent, clipped,
    needs ffmpeg, pipe refused, pipe failed, pipe timed out.
    """
    options = _rate_alone(options) if isinstance(options, int) else options
    if not 0 <= start < np.inf or not (end is None or start < end < np.inf):
        raise AudioError(f"segment outside: from {start} s to {end} s is no part of a recording")
    try:
        with (
            open_source(entry, allow_pipes) as source,
            open_sound(source, _until(options, start, end)) as sound,
        ):
            _check_header(sound, options)
            return _read(sound, options, start, end)
    except OSError as error:
        raise AudioError(f"unreadable: {shown(entry)} ({error.strerror or error})") from None


def audio_info(entry: str, allow_pipes: bool = False) -> AudioInfo:
    """Return what the header of a wav.scp value says; nothing is decoded where the header says it all.

    ffmpeg's formats and streams of unknown length are decoded to be counted. The length of an MP3 without a
    Xing tag is an estimate from its constant bit rate.

    Raises `AudioError` of kind missing, empty, unreadable, truncated or those of a pipe.
    """
    try:
        with open_source(entry, allow_pipes) as source, open_sound(source) as sound:
            length = sound.num_samples
            if length is None:
                length = sum(len(block) for block in sound.blocks(0, None))
            return AudioInfo(sound.sample_rate, sound.channels, length, sound.format)
    except OSError as error:
        raise AudioError(f"unreadable: {shown(entry)} ({error.strerror or error})") from None


def check_samples(samples: np.ndarray) -> np.ndarray:
    """Return samples (N,) as they are; raise `AudioError` for silence and as `check_level` does."""
    least, most = check_level(samples)
    if least == most:
        raise AudioError("silent: all samples are equal")
    return samples


def check_level(samples: np.ndarray) -> tuple[float, float]:
    """Return the least and the largest of samples (N,).

    Raises `AudioError`: empty, not finite, or beyond full scale, which is a magnitude above 8. Floats on the
    scale of 16-bit integers are such: they would be taken for a sound 90 dB too loud.
    """
    if len(samples) == 0:
        raise AudioError("empty: there are no samples")
    least, most = float(samples.min()), float(samples.max())  # NaN is the minimum of what it is in
    if not (math.isfinite(least) and math.isfinite(most)):
        raise AudioError("not finite: a sample is NaN or infinite")
    if max(most, -least) > LARGEST_SAMPLE:
        worst = most if most > -least else least
        raise AudioError(f"beyond full scale: a sample is {worst:g}; scale the file to [-1, 1]")
    return least, most


def audio_stamp(entry: str) -> str:
    """Return a text that changes when the audio of a wav.scp value may have changed."""
    if entry.endswith("|"):
        return entry
    try:
        return f"{entry} {file_stamp(archive_path(entry))}"
    except (OSError, ValueError):
        return f"{entry} missing"


@lru_cache(maxsize=16)
def _rate_alone(sample_rate: int) -> AudioOptions:
    return AudioOptions(sample_rate=sample_rate)


def _until(options: AudioOptions, start: float, end: float | None) -> float | None:
    """Return the second behind which nothing needs to be decoded, with room to see that there is more."""
    if end is not None:
        return end + 1.0
    return None if options.max_seconds is None else start + options.max_seconds + 1.0


def _check_header(sound: Sound, options: AudioOptions) -> None:
    rate, wanted, channels = sound.sample_rate, options.sample_rate, sound.channels
    if rate != wanted:
        option = "allow_downsample" if rate > wanted else "allow_upsample"
        if not getattr(options, option):
            raise AudioError(
                f"wrong rate: {rate} Hz where {wanted} Hz is needed; set {option} to resample it"
            )
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise AudioError(f"wrong rate: {rate} Hz is not a rate of recordings; the header may be damaged")
    if options.channel is None and channels != 1:
        raise AudioError(f"not mono: {channels} channels; choose one by channel (0 to {channels - 1}) or mix")
    if isinstance(options.channel, int) and not 0 <= options.channel < channels:
        raise AudioError(f"no such channel: {options.channel}, where there are {channels}, counted from 0")


def _read(sound: Sound, options: AudioOptions, start: float, end: float | None) -> np.ndarray:
    rate, wanted = sound.sample_rate, options.sample_rate
    length = sound.num_samples
    if length is None:  # a stream: its length is known when it has been decoded
        samples = _collect(sound, options, 0, None)
        length = len(samples)
        _check_bounds(length, rate, options, start, end)
        part = _plan(start, end, length, rate, wanted)
        samples = samples[part.first : part.last]
    else:
        _check_bounds(length, rate, options, start, end)
        part = _plan(start, end, length, rate, wanted)
        samples = _collect(sound, options, part.first, part.last - part.first)
    exact = check_samples(samples[part.exact_first - part.first : part.exact_last - part.first])
    if options.max_clipped is not None:
        _check_clipping(exact, sound.full_scale, options.max_clipped)
    if rate == wanted:
        return samples
    kept = resample(samples, rate, wanted)[part.begin : part.end]
    if not len(kept):
        raise AudioError(f"empty: {len(exact)} samples at {rate} Hz are less than one at {wanted} Hz")
    return np.ascontiguousarray(kept)


def _plan(start: float, end: float | None, length: int, rate: int, wanted: int) -> Part:
    """Move times to the samples of the result that they mean, so that nothing is left to be rounded."""
    until = None if end is None else sample_at(end, wanted) / wanted
    return plan_part(sample_at(start, wanted) / wanted, until, length, rate, wanted)


def _check_bounds(length: int, rate: int, options: AudioOptions, start: float, end: float | None) -> None:
    """Raise for a part that is outside the recording, empty, too short or too long; before it is decoded."""
    if not length:
        raise AudioError("empty: there are no samples")
    duration = length / rate
    if start and sample_at(start, rate) >= length:
        raise AudioError(f"segment outside: begins at {start} s of {duration:.2f} s")
    if end is not None and end > duration + OVERHANG_S:
        raise AudioError(f"segment outside: ends at {end} s of {duration:.2f} s")
    seconds = min(duration, duration if end is None else end) - start
    if seconds < options.min_seconds:
        raise AudioError(f"too short: {seconds:.2f} s, where {options.min_seconds:g} s are needed")
    if options.max_seconds is not None and seconds > options.max_seconds:
        raise AudioError(f"too long: {seconds:.2f} s, where {options.max_seconds:g} s are allowed")
    if seconds * max(rate, options.sample_rate) > MAX_SAMPLES:
        raise AudioError(f"too long: more than {MAX_SAMPLES} samples; cut it with a segments file")


def _collect(sound: Sound, options: AudioOptions, first: int, count: int | None) -> np.ndarray:
    """Return the wanted channel, shape (N,), of samples `first` to `first + count`."""
    parts, total = [], 0
    for block in sound.blocks(first, count):
        if options.channel == "mix":
            parts.append(block.mean(axis=1, dtype=np.float32) if sound.channels > 1 else block[:, 0])
        else:
            parts.append(block[:, options.channel or 0])
        total += len(block)
        if total > MAX_SAMPLES:
            raise AudioError(f"too long: more than {MAX_SAMPLES} samples; cut it with a segments file")
    if not parts:
        raise AudioError("empty: there are no samples")
    return np.ascontiguousarray(parts[0]) if len(parts) == 1 else np.concatenate(parts)


def _check_clipping(samples: np.ndarray, full_scale: float, allowed: float) -> None:
    """A sample is clipped when its magnitude is `full_scale` or more (16 bits: 32767 / 32768)."""
    share = np.count_nonzero(np.abs(samples) >= np.float32(full_scale)) / len(samples)
    if share > allowed:
        raise AudioError(
            f"clipped: {100 * share:.2f} % of the samples, where {100 * allowed:g} % are allowed"
        )
