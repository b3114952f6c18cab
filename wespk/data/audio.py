"""The one audio reader: float32 mono in [-1, 1] at the wanted rate, or an `AudioError` that says why not."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import numpy as np
import soundfile

from wespk.core.errors import WespkError
from wespk.data.tables import file_stamp

PIPE_TIMEOUT_S = 600


class AudioError(WespkError):
    """A recording that cannot be used. The text before the colon is the kind of fault, for counting."""


def read_audio(entry: str, sample_rate: int, *, allow_pipes: bool = False) -> np.ndarray:
    """Return the samples of one wav.scp value: float32, shape (N,), mono, in [-1, 1].

    `entry` is a path, an ``ark:offset``, or a shell command ending in ``|`` (refused unless `allow_pipes`).
    soundfile tells the format by content: RIFF, FLAC, Ogg, MP3, NIST SPHERE.

    Raises `AudioError` for a file that is missing, empty, unreadable, truncated, of another rate, not mono,
    not finite or silent (all samples equal).
    """
    samples, rate = _decode(_open(entry, allow_pipes), entry)
    if rate != sample_rate:
        raise AudioError(f"wrong rate: {rate} Hz where {sample_rate} Hz is needed; resample the corpus")
    if samples.shape[1] != 1:
        raise AudioError(f"not mono: {samples.shape[1]} channels; choose or mix them first")
    mono = samples[:, 0]
    return check_samples(mono)


def check_samples(samples: np.ndarray) -> np.ndarray:
    """Return samples (N,) as they are; raise `AudioError` for none, for NaN and for silence."""
    if len(samples) == 0:
        raise AudioError("empty: there are no samples")
    if not np.isfinite(samples).all():
        raise AudioError("not finite: a sample is NaN or infinite")
    if samples.min() == samples.max():
        raise AudioError("silent: all samples are equal")
    return samples


def audio_stamp(entry: str) -> str:
    """Return a text that changes when the audio of a wav.scp value may have changed."""
    if entry.endswith("|"):
        return entry
    path = entry if Path(entry).exists() else entry.rpartition(":")[0]
    try:
        return f"{entry} {file_stamp(path)}"
    except OSError:
        return f"{entry} missing"


def _open(entry: str, allow_pipes: bool) -> io.BufferedIOBase:
    if entry.endswith("|"):
        if not allow_pipes:
            raise AudioError("pipe refused: shell commands are run for a recipe's own wav.scp only")
        return io.BytesIO(_run_pipe(entry[:-1].strip()))
    path, offset = entry, 0
    try:
        if not Path(entry).exists():
            stem, _, digits = entry.rpartition(":")
            if stem and digits.isdecimal() and len(digits) < 19 and Path(stem).exists():
                path, offset = stem, int(digits)
        stream = open(path, "rb")  # noqa: SIM115 (closed by _decode)
        if offset:
            with stream:
                stream.seek(offset)
                return io.BytesIO(stream.read())
        return stream
    except FileNotFoundError:
        raise AudioError(f"missing: {entry[:200]}") from None
    except (OSError, ValueError) as error:
        raise AudioError(f"unreadable: {entry[:200]} ({getattr(error, 'strerror', error)})") from None


def _run_pipe(command: str) -> bytes:
    try:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command], capture_output=True, timeout=PIPE_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise AudioError(f"pipe timed out: {command} (over {PIPE_TIMEOUT_S} s)") from None
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise AudioError(
            f"pipe failed: {command} (status {done.returncode}{': ' + words[-1] if words else ''})"
        )
    return done.stdout


def _decode(stream: io.BufferedIOBase, entry: str) -> tuple[np.ndarray, int]:
    with stream:
        if not stream.read(1):
            raise AudioError(f"empty: {entry} has no bytes")
        stream.seek(-1, io.SEEK_CUR)
        try:
            with soundfile.SoundFile(stream) as sound:
                samples = sound.read(dtype="float32", always_2d=True)
                expected, rate = _frames_promised(sound, stream), sound.samplerate
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise AudioError(f"unreadable: {entry} ({_first_sentence(error)})") from None
    if len(samples) < expected:
        raise AudioError(f"truncated: {entry} has {len(samples)} of {expected} samples")
    return samples, rate


def _frames_promised(sound: soundfile.SoundFile, stream: io.BufferedIOBase) -> int:
    """libsndfile shrinks a cut RIFF file's frame count without a word: read the header's own promise."""
    if sound.format not in ("WAV", "WAVEX"):
        return sound.frames
    stream.seek(0)
    if stream.read(12)[:4] != b"RIFF":
        return sound.frames
    block = 0
    while len(head := stream.read(8)) == 8:
        kind, size = head[:4], int.from_bytes(head[4:], "little")
        if kind == b"data":
            streamed = size in (0, 0x7FFFF000, 0xFFFFFFFF)  # sox and ffmpeg write these into pipes
            return sound.frames if streamed or not block else size // block
        chunk = stream.read(size + size % 2)
        if kind == b"fmt ":
            block = int.from_bytes(chunk[12:14], "little")
    return sound.frames


def _first_sentence(error: Exception) -> str:
    return str(error).split("\n")[0].rstrip(".")
