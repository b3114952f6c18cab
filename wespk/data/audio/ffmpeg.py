"""Formats that libsndfile cannot decode, by the ffmpeg command where it is installed: m4a, webm, AAC.

ffmpeg is told which demuxer to use, from the first bytes, and may open nothing but the given file: a playlist
in disguise cannot make it read other files or the network.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from wespk.data.audio.command import command_output
from wespk.data.audio.containers import after_id3
from wespk.data.audio.riff import PcmSound, parse_riff
from wespk.data.audio.source import Source, shown
from wespk.data.audio.values import AudioError

MAX_ALLOCATION = 1 << 29  # bytes of one allocation inside ffmpeg
VARYING = r"file:/dev/fd/\d+: | @ 0x[0-9a-f]+"  # the descriptor's number, addresses in ffmpeg's memory
CUT_OFF = ("ended prematurely", "partial file")  # what ffmpeg says of a cut file that it decodes all the same


def ffmpeg_format(source: Source) -> str | None:
    """Return the name of the ffmpeg demuxer that the first bytes call for; None: it is not for ffmpeg."""
    head = source.read(0, 12)
    if head[4:8] == b"ftyp":
        return "mov"
    if head[:4] == b"\x1a\x45\xdf\xa3":  # EBML
        return "matroska"
    if head[:5] == b"#!AMR":
        return "amr"
    frame = source.read(after_id3(source), 2) if head[:3] == b"ID3" else head[:2]
    if len(frame) == 2 and frame[0] == 0xFF and frame[1] & 0xF6 == 0xF0:  # ADTS: MPEG audio of layer 0
        return "aac"
    return None


@dataclass(frozen=True)
class DecodedSound(PcmSound):
    """The samples that ffmpeg has decoded of a recording in another container."""

    container: str

    @property
    def format(self) -> str:
        """Container of the recording, not of the decoded samples."""
        return self.container


@contextmanager
def open_by_ffmpeg(source: Source, demuxer: str, until: float | None) -> Iterator[PcmSound]:
    """Decode the first audio stream into a temporary file, up to `until` seconds, and yield its samples.

    A part is decoded from the beginning on, because only that gives the samples that the whole would have.
    Raises `AudioError`: unreadable, needs ffmpeg, truncated, too long, pipe timed out.
    """
    if source.in_archive or source.begin:
        raise AudioError(
            f"unreadable: {source.name} is {demuxer} inside an archive; store RIFF or FLAC there"
        )
    program = shutil.which("ffmpeg")
    if program is None:
        raise AudioError(f"needs ffmpeg: {source.name} ({demuxer}), and ffmpeg is not installed")
    inside = f"-nostdin -v error -xerror -threads 1 -max_alloc {MAX_ALLOCATION} -protocol_whitelist file,pipe"
    given = f"-f {demuxer} -i file:/dev/fd/{source.descriptor} -map 0:a:0"
    # Cut by counting samples: by its time stamps a damaged file would end anywhere.
    cut = "" if until is None else f"-af asetpts=N/SR/TB,atrim=end={until:.3f}"
    wanted = f"{cut} -c:a pcm_f32le -f wav pipe:1"
    command = [program, *inside.split(), *given.split(), *wanted.split()]
    failure = f"unreadable: {source.name} by ffmpeg"
    with command_output(command, failure, [source.descriptor], CUT_OFF, VARYING) as output:
        yield _samples(output.fileno(), source, demuxer)


def _samples(descriptor: int, source: Source, demuxer: str) -> PcmSound:
    decoded = Source(source.name, descriptor, 0, os.fstat(descriptor).st_size)
    riff = parse_riff(decoded)
    if riff is None or not riff.is_plain:
        raise AudioError(f"unreadable: ffmpeg gave no samples for {shown(source.name)} ({demuxer})")
    return DecodedSound(decoded, riff, _container(source, demuxer))


def _container(source: Source, demuxer: str) -> str:
    """Return what people call the container, by its brand (ISO/IEC 14496-12) or document type (RFC 9559)."""
    head = source.read(0, 64)
    if demuxer == "mov":
        brand = head[8:12]
        return "M4A" if brand in (b"M4A ", b"M4B ") else "MOV" if brand == b"qt  " else "MP4"
    if demuxer == "matroska":
        return "WEBM" if b"webm" in head else "MATROSKA"
    return demuxer.upper()
