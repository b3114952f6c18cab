"""RIFF and RF64 with plain samples (PCM, float), read by NumPy: libsndfile's bits in a fraction of its time.

The layout is Microsoft's "Multimedia Programming Interface" (1991) with WAVE_FORMAT_EXTENSIBLE; RF64 is
EBU Tech 3306. The header's promise is compared with the bytes there are, which libsndfile does not tell.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wespk.data.audio.source import Source
from wespk.data.audio.values import AudioError

HEAD = 4096  # bytes read at once; chunks behind it cost a read each
MAX_CHUNKS = 1000  # before the samples; a file made to have more would take for ever to walk
BLOCK_VALUES = 1 << 20  # decoded at once
MAX_CHANNELS = 1024  # libsndfile's limit
EXTENSIBLE = 0xFFFE
GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")  # behind the two bytes of a format tag
FULL_SCALE_16 = 32767 / 32768
CODINGS = {  # (format tag, bits): name as libsndfile's, NumPy type of the stored value, scale
    (1, 8): ("PCM_U8", "<u1", 2.0**-7),
    (1, 16): ("PCM_16", "<i2", 2.0**-15),
    (1, 24): ("PCM_24", None, 2.0**-31),
    (1, 32): ("PCM_32", "<i4", 2.0**-31),
    (3, 32): ("FLOAT", "<f4", 1.0),
    (3, 64): ("DOUBLE", "<f8", 1.0),
}


@dataclass(frozen=True)
class Riff:
    """What the header of a RIFF file says; `data_size` is cut to what is there for a stream's placeholder."""

    form: str
    tag: int
    channels: int
    sample_rate: int
    block: int  # bytes of one sample of all channels
    bits: int
    data_begin: int
    data_size: int

    @property
    def is_plain(self) -> bool:
        """Whether `PcmSound` can read it."""
        whole = self.block == self.channels * (self.bits // 8)
        return (self.tag, self.bits) in CODINGS and whole and 0 < self.channels <= MAX_CHANNELS


def parse_riff(source: Source) -> Riff | None:
    """Return the header of a RIFF, RF64 or BW64 file, or None where it is not one with samples.

    Raises `AudioError` (truncated) when fewer bytes are there than the header promises. Programs that write
    into a pipe cannot know the size and put 0 or one near 2^31 or 2^32 there: that means all that follows.
    """
    head = source.read(0, HEAD)
    if len(head) < 12 or head[:4] not in (b"RIFF", b"RF64", b"BW64") or head[8:12] != b"WAVE":
        return None
    position, form, wide_size = 12, None, None
    for _ in range(MAX_CHUNKS):
        chunk = head[position : position + 40] if position + 40 <= HEAD else source.read(position, 40)
        if len(chunk) < 8:
            break
        name, size = chunk[:4], int.from_bytes(chunk[4:8], "little")
        if name == b"ds64" and len(chunk) >= 24:
            wide_size = int.from_bytes(chunk[16:24], "little")
        elif name == b"fmt ":
            form = source.read(position + 8, min(size, 40))
        elif name == b"data":
            if form is None or len(form) < 16:
                return None
            if wide_size is not None and size == 0xFFFFFFFF:
                size = wide_size
            size = _bytes_there(source, head, position + 8, size)
            return _riff(head[:4].decode(), form, position + 8, size)
        position += 8 + size + size % 2
    if form is not None and position >= source.size:
        raise AudioError(f"truncated: {source.name} ends before its samples begin")
    return None


def riff_size(source: Source) -> int | None:
    """Return the bytes that a RIFF file in an archive fills by its own word; None for a placeholder."""
    size = int.from_bytes(source.read(4, 4), "little")
    return None if size == 0 or _is_placeholder(size) else size + 8


@dataclass(frozen=True)
class PcmSound:
    """The samples of a plain RIFF file; see `wespk.data.audio.formats.Sound`."""

    source: Source
    riff: Riff

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.riff.sample_rate

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.riff.channels

    @property
    def num_samples(self) -> int:
        """Samples of one channel."""
        return self.riff.data_size // self.riff.block

    @property
    def format(self) -> str:
        """Container and coding."""
        container = "WAV" if self.riff.form == "RIFF" else self.riff.form
        return f"{container} {CODINGS[self.riff.tag, self.riff.bits][0]}"

    @property
    def full_scale(self) -> float:
        """The magnitude from which on a sample counts as clipped."""
        return 127 / 128 if self.riff.bits == 8 else FULL_SCALE_16

    def blocks(self, first: int, count: int | None) -> Iterator[np.ndarray]:
        """See `Sound.blocks`."""
        left = self.num_samples - first if count is None else min(count, self.num_samples - first)
        step = max(1, BLOCK_VALUES // self.channels)
        while left > 0:
            data = self.source.read(
                self.riff.data_begin + first * self.riff.block, min(left, step) * self.riff.block
            )
            samples = _decode(data[: len(data) - len(data) % self.riff.block], self.riff)
            if not len(samples):
                raise AudioError(f"truncated: {self.source.name} has become shorter while it was read")
            yield samples
            first, left = first + len(samples), left - len(samples)


def _riff(form: str, chunk: bytes, begin: int, size: int) -> Riff | None:
    tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == EXTENSIBLE and len(chunk) >= 40 and chunk[26:40] == GUID_TAIL:
        tag = int.from_bytes(chunk[24:26], "little")
    if not block or not rate:
        return None
    return Riff(form, tag, channels, rate, block, bits, begin, size)


def _bytes_there(source: Source, head: bytes, begin: int, size: int) -> int:
    there = max(0, source.size - begin)
    whole = int.from_bytes(head[4:8], "little") + 8
    streamed = not size and (whole == 8 or (whole < source.size and not source.in_archive))  # else no samples
    if streamed or (_is_placeholder(size) and size > there):
        if source.in_archive:
            raise AudioError(
                f"unreadable: {source.name} lies in an archive, and its header does not say its size"
            )
        return there
    if size > there:
        raise AudioError(f"truncated: {source.name} has {there} of {size} bytes of samples")
    return size


def _is_placeholder(size: int) -> bool:
    return (
        size < 2**32 and size & 0x7FFF0000 == 0x7FFF0000
    )  # sox: 0x7FFFF000 and a little more; ffmpeg: 0xFFFFFFFF


def _decode(data: bytes, riff: Riff) -> np.ndarray:
    _, kind, scale = CODINGS[riff.tag, riff.bits]
    if kind is None:  # 24 bits become the upper three bytes of 32
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        values = wide.view("<i4")[:, 0]
    else:
        values = np.frombuffer(data, kind)
    if riff.bits == 16:
        samples = np.multiply(values, np.float32(scale), dtype=np.float32)
    else:
        # A double beyond float32 becomes infinite, a signalling NaN a quiet one; both are refused later.
        with np.errstate(over="ignore", invalid="ignore"):
            samples = values.astype(np.float32)
        if riff.bits == 8:
            samples -= 128
        if scale != 1:
            samples *= np.float32(scale)
    return samples.reshape(-1, riff.channels)
