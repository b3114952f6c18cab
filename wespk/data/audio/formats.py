"""Find out by content what a recording is, and open it for reading by position."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import numpy as np
import soundfile

from wespk.data.audio import containers
from wespk.data.audio.ffmpeg import ffmpeg_format, open_by_ffmpeg
from wespk.data.audio.riff import (
    BLOCK_VALUES,
    FULL_SCALE_16,
    MAX_CHANNELS,
    PcmSound,
    parse_riff,
    riff_size,
)
from wespk.data.audio.source import Source, SourceStream
from wespk.data.audio.values import AudioError

ARCHIVED = b"AUDIO"  # kaldiio's mark before a sound file of given length in an archive
# Containers of recordings; libsndfile also takes matrices, samplers' instruments and weak magic for sound.
FORMATS = frozenset(["WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3", "NIST", "VOC"])
FULL_SCALE = {"PCM_U8": 127 / 128, "PCM_S8": 127 / 128, "ULAW": 32124 / 32768, "ALAW": 32256 / 32768}
MP3_PREROLL = 1152 * 16  # samples before a place that its decoding depends on, with room to spare
MP3_SLACK = 1152 * 2  # samples of an MP3 that its tag may count and the decoder not give
UNKNOWN = 1 << 60  # libsndfile's sample count for "until the end" is beyond this


class Sound(Protocol):
    """A recording that is open: facts of its header, and its samples by position."""

    @property
    def sample_rate(self) -> int:
        """Hz."""

    @property
    def channels(self) -> int:
        """Number of channels."""

    @property
    def num_samples(self) -> int | None:
        """Samples of one channel by the header; None where it does not say."""

    @property
    def format(self) -> str:
        """Container and coding, such as "FLAC PCM_16"."""

    @property
    def full_scale(self) -> float:
        """The magnitude from which on a sample counts as clipped."""

    def blocks(self, first: int, count: int | None) -> Iterator[np.ndarray]:
        """Yield float32 arrays (n, channels): `count` samples from `first` on, or all that follow.

        Raises `AudioError` (truncated, unreadable) where the samples cannot be decoded.
        """


@contextmanager
def open_sound(source: Source, until: float | None = None) -> Iterator[Sound]:
    """Open a recording of any kind. What lies behind `until` seconds need not be decoded.

    Raises `AudioError` of kind unreadable or truncated.
    """
    if source.in_archive:
        source = _archived(source)
    riff = parse_riff(source)
    if riff is not None and riff.is_plain:
        yield PcmSound(source, riff)
        return
    if riff is not None and source.in_archive:
        source = source.part(0, riff_size(source) or source.size)
    demuxer = ffmpeg_format(source)
    if demuxer is None:
        with _open_by_libsndfile(source) as sound:
            if not _has_no_length(sound, source):
                yield sound
                return
        demuxer = "mp3"
    with open_by_ffmpeg(source, demuxer, until) as decoded:
        yield decoded


class _Sequential(soundfile.SoundFile):
    """soundfile seeks after each read: that takes time and fails at the end of an endless stream."""

    def seekable(self) -> bool:
        return False


class SndfileSound:
    """A recording that libsndfile decodes."""

    def __init__(self, sound: soundfile.SoundFile, source: Source, can_seek: bool) -> None:
        self._sound, self._source, self._can_seek = sound, source, can_seek
        self.sample_rate: int = sound.samplerate
        self.channels: int = sound.channels
        self.num_samples: int | None = sound.frames if sound.frames < UNKNOWN else None
        self.format = f"{sound.format} {sound.subtype}"
        self.full_scale: float = FULL_SCALE.get(sound.subtype, FULL_SCALE_16)
        self._is_mp3 = sound.format == "MP3"

    def blocks(self, first: int, count: int | None) -> Iterator[np.ndarray]:
        """See `Sound.blocks`."""
        if self.num_samples is not None:
            count = min(self.num_samples - first if count is None else count, self.num_samples - first)
        skip = min(first, MP3_PREROLL) if self._is_mp3 else 0
        if not self._can_seek:
            skip = first
        step, position, end = max(1, BLOCK_VALUES // self.channels), first - skip, first + (count or 0)
        try:
            if position:
                self._seek(position)
            while count is None or position < end:
                wanted = step if count is None else min(step, end - position)
                block = self._sound.read(wanted, dtype="float32", always_2d=True)
                position += len(block)
                dropped, skip = min(skip, len(block)), max(0, skip - len(block))
                if len(block) > dropped:
                    yield block[dropped:]
                if len(block) < wanted:
                    break
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise self._fault(position, error) from None
        if count is not None and end - position > self._slack():
            raise AudioError(f"truncated: {self._source.name} has {position} of {self.num_samples} samples")

    def _seek(self, position: int) -> None:
        """Move to a sample. Where libvorbis refuses a stream's tables, libsndfile would crash in seeking."""
        if self._sound.format == "OGG" and not len(self._sound.read(1)):
            raise AudioError(f"unreadable: {self._source.name} cannot be decoded")
        self._sound.seek(position)

    def _slack(self) -> int:
        """How many promised samples may be missing."""
        if not self._is_mp3:
            return 0
        return MP3_SLACK if containers.mp3_length_is_known(self._source) else UNKNOWN

    def _fault(self, position: int, error: Exception) -> AudioError:
        log = self._sound.extra_info  # libFLAC tells there whether it gave up or came to the file's end
        if "END_OF_STREAM" in log and "ABORTED" not in log:
            return AudioError(
                f"truncated: {self._source.name} is cut inside a frame, after {position} samples"
            )
        return AudioError(
            f"unreadable: {self._source.name} is damaged behind sample {position}{_reason(error)}"
        )


def _has_no_length(sound: SndfileSound, source: Source) -> bool:
    """Whether libsndfile would guess the length from the first frame's bit rate and leave out the rest."""
    is_mp3 = sound.format.startswith("MP3")
    return is_mp3 and not containers.mp3_length_is_known(source) and containers.mp3_rate_varies(source)


@contextmanager
def _open_by_libsndfile(source: Source) -> Iterator[SndfileSound]:
    head = source.read(0, 8)
    if head[:7] == containers.SPHERE_MAGIC:
        source = containers.bound_sphere(source, containers.parse_sphere(source))
    containers.check_container_size(source)
    if source.is_whole_file:
        os.lseek(source.descriptor, 0, os.SEEK_SET)  # libsndfile takes the position for the file's begin
        target: int | SourceStream = source.descriptor
    else:
        target = SourceStream(source)
    try:
        sound = _Sequential(target, closefd=False)
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
        raise AudioError(f"unreadable: {source.name} is not a recording{_reason(error)}") from None
    with sound:
        if sound.format not in FORMATS or not 0 < sound.channels <= MAX_CHANNELS:
            raise AudioError(f"unreadable: {source.name} is {sound.format}, which is not read here")
        if source.in_archive and (sound.format != "FLAC" or sound.frames >= UNKNOWN):
            raise AudioError(
                f"unreadable: {source.name} is {sound.format} inside an archive, where its end is not known; "
                "store RIFF or FLAC there"
            )
        if sound.format == "OGG":
            containers.check_ogg_end(source)
        can_seek = (
            not source.in_archive
        )  # libFLAC seeks by bisection: it would find the next recording's frames
        if sound.format == "FLAC":
            can_seek = containers.flac_can_seek(source) and can_seek
        yield SndfileSound(sound, source, can_seek)


def _archived(source: Source) -> Source:
    """Return the window on an entry of an archive, as narrow as its first bytes tell."""
    head = source.read(0, 10)
    if head[:5] != ARCHIVED:
        return source
    width = head[5] if len(head) == 10 else 0  # of the length, which follows
    size = int.from_bytes(source.read(6, width), "little") if width <= 8 else 0
    begin = 6 + width
    if not size or size > source.size - begin:
        raise AudioError(f"truncated: {source.name} has {source.size - begin} of {size} bytes")
    return source.part(begin, size)


def _reason(error: Exception) -> str:
    """Return the first line of libsndfile's text in brackets, where it has one."""
    text = str(error).split("\n")[0].rstrip(".").rpartition(": ")[2]
    return f" ({text})" if text else ""
