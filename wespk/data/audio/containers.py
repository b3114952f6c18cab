"""What the headers of other containers promise, where libsndfile believes the file's length instead.

libsndfile reads a cut file of these kinds to its end without a word. Each function here looks at a few bytes
and either bounds the recording or raises `AudioError` of kind truncated.
"""

from __future__ import annotations

from dataclasses import dataclass

from wespk.data.audio.source import Source
from wespk.data.audio.values import AudioError

SPHERE_MAGIC = b"NIST_1A"
OGG_PAGE_MAX = 65307  # bytes of the longest page (RFC 3533, section 6)
OGG_END = 0x04  # flag of the last page of a stream
AU_HEADER = 24  # bytes
MPEG_BLOCK = 1 << 20
ROOM_FOR_TAGS = 128  # bytes behind the samples: an ID3v1 tag
FLAC_MAX_BLOCKS = 1000  # of metadata before the first frame
# Layer III bit rates in kbit/s by index, of MPEG-1 and of MPEG-2; sampling rates of MPEG-1 (ISO/IEC 11172-3)
MPEG1_KBITS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
MPEG2_KBITS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
MPEG1_RATES = (44100, 48000, 32000)


@dataclass(frozen=True)
class Sphere:
    """A NIST SPHERE header: where the samples lie, and how they are coded."""

    begin: int
    size: int | None  # bytes of samples; None where the header does not say
    coding: str


def parse_sphere(source: Source) -> Sphere:
    """Read the header of a SPHERE file. Raises `AudioError` (unreadable) for one that is not in form."""
    length = source.read(8, 8).strip()
    if not length.isdigit() or not 16 <= int(length) <= 1 << 16:
        raise AudioError(f"unreadable: {source.name} has a SPHERE header without its length")
    fields: dict[str, str] = {}
    for line in source.read(16, int(length) - 16).decode("latin-1").split("\n"):
        words = line.split(None, 2)
        if words[:1] == ["end_head"]:
            break
        if len(words) == 3:
            fields[words[0]] = words[2].strip()
    sizes = [fields.get(name, "") for name in ("sample_count", "channel_count", "sample_n_bytes")]
    size = None
    if all(text.isascii() and text.isdigit() and len(text) < 12 for text in sizes):
        size = int(sizes[0]) * int(sizes[1]) * int(sizes[2])
    return Sphere(int(length), size, fields.get("sample_coding", "pcm").lower())


def bound_sphere(source: Source, sphere: Sphere) -> Source:
    """Return the window that the header of an uncompressed SPHERE file promises.

    Raises `AudioError`: truncated, or unreadable for compressed samples, which nothing here decodes.
    """
    if "," in sphere.coding:  # pcm,embedded-shorten-v2.00 and the like
        raise AudioError(
            f"unreadable: {source.name} is {sphere.coding} SPHERE; convert it by sph2pipe -f wav"
        )
    if sphere.size is None:
        if source.in_archive:
            raise AudioError(
                f"unreadable: {source.name} lies in an archive, and its header does not say its size"
            )
        return source
    there = source.size - sphere.begin
    if sphere.size > there:
        raise AudioError(f"truncated: {source.name} has {max(there, 0)} of {sphere.size} bytes of samples")
    return source.part(0, sphere.begin + sphere.size)


def check_ogg_end(source: Source) -> None:
    """Raise `AudioError` (truncated) unless the last page is whole and marked as the last (RFC 3533)."""
    tail = source.read(max(0, source.size - OGG_PAGE_MAX), OGG_PAGE_MAX)
    page = tail[max(0, tail.rfind(b"OggS")) :]
    segments = page[26] if len(page) > 26 else 255
    whole = 27 + segments + sum(page[27 : 27 + segments])
    if len(page) < whole or not page[5] & OGG_END:
        raise AudioError(f"truncated: {source.name} stops before the last page of its Ogg stream")


def check_container_size(source: Source) -> None:
    """Raise `AudioError` where an AIFF, AU, Wave64 or RIFX header promises more than there is (truncated).

    And where an AU header places the samples within itself (unreadable): libsndfile then gives other samples
    for a part than for the whole.
    """
    head = source.read(0, 24)
    promised = 0
    if head[:4] in (b"FORM", b"RIFX"):
        promised = int.from_bytes(head[4:8], "big") + 8
    elif head[:4] == b".snd":
        begin, size = int.from_bytes(head[4:8], "big"), int.from_bytes(head[8:12], "big")
        if begin < AU_HEADER:
            raise AudioError(
                f"unreadable: {source.name} has an AU header of {begin} bytes, {AU_HEADER} at least"
            )
        promised = 0 if size == 0xFFFFFFFF else begin + size
    elif head[:4] == b"riff":  # Sony Wave64
        promised = int.from_bytes(head[16:24], "little")
    if promised > source.size:
        raise AudioError(f"truncated: {source.name} has {source.size} of {promised} bytes")


def flac_can_seek(source: Source) -> bool:
    """Whether libFLAC finds the place of a sample.

    It reckons by the header's sizes of blocks, and looks for frames in all of the file: where that holds more
    than the recording's frames can fill, another recording may follow, whose frames it would find.

    Raises `AudioError` (unreadable) where the header belies the first frame about them: libFLAC would then
    give samples of another place, or zeros, and no error (RFC 9639: 8.2, STREAMINFO; 9.1, a frame's header).
    """
    begin = after_id3(source)
    info = source.read(begin, 42)
    if info[:4] != b"fLaC" or len(info) < 42:
        return False
    least, most = int.from_bytes(info[8:10], "big"), int.from_bytes(info[10:12], "big")
    total = int.from_bytes(info[21:26], "big") & ((1 << 36) - 1)
    position = begin + 4
    for _ in range(FLAC_MAX_BLOCKS):
        block = source.read(position, 4)
        position += 4 + int.from_bytes(block[1:4], "big")
        if len(block) < 4 or block[0] & 0x80:  # the last one
            break
    size, is_fixed = _flac_frame(source.read(position, 16))
    other = is_fixed and least == most != size and total > size  # the last block may be a smaller one
    if size and (size > most or other):
        raise AudioError(
            f"unreadable: {source.name} has blocks of {size} samples where its header says {least} to {most}"
        )
    if not size or (is_fixed and least != most):
        return False
    longest, frames = int.from_bytes(info[15:18], "big"), -(-total // size)
    return not (is_fixed and longest and source.size - position > longest * frames + ROOM_FOR_TAGS)


def mp3_length_is_known(source: Source) -> bool:
    """Whether the first frame of an MP3 carries a count of frames (a Xing or Info tag)."""
    frame = source.read(after_id3(source), 4096)
    return b"Xing" in frame[:200] or b"Info" in frame[:200]


def mp3_rate_varies(source: Source) -> bool:
    """Whether two Layer III frames have different bit rates: then the length cannot be told from the size.

    Frame after frame is looked at, up to the first difference or the first thing that is no frame.
    """
    position, first = after_id3(source), None
    block, block_begin = b"", 0
    while True:
        if position + 4 > block_begin + len(block):
            block, block_begin = source.read(position, MPEG_BLOCK), position
        header = int.from_bytes(block[position - block_begin :][:4], "big")
        rate_index, size = header >> 12 & 15, _frame_size(header)
        if not size:
            return False
        if first is not None and rate_index != first:
            return True
        position, first = position + size, rate_index


def after_id3(source: Source) -> int:
    """Return the offset behind an ID3v2 tag, 0 where there is none."""
    head = source.read(0, 10)
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 127
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _frame_size(header: int) -> int:
    """Return the bytes of a Layer III frame, 0 for what is none (or of free format)."""
    version, layer = header >> 19 & 3, header >> 17 & 3
    rate_index, frequency_index = header >> 12 & 15, header >> 10 & 3
    if header >> 21 != 0x7FF or version == 1 or layer != 1 or rate_index in (0, 15) or frequency_index == 3:
        return 0
    kbits = (MPEG1_KBITS if version == 3 else MPEG2_KBITS)[rate_index]
    rate = MPEG1_RATES[frequency_index] >> {3: 0, 2: 1, 0: 2}[version]
    return (144000 if version == 3 else 72000) * kbits // rate + (header >> 9 & 1)


def _flac_frame(header: bytes) -> tuple[int, bool]:
    """Return the samples of the frame that begins there, 0 for none, and whether all frames have as many."""
    if len(header) < 16 or header[0] != 0xFF or header[1] & 0xFE != 0xF8:
        return 0, False
    is_fixed, code = not header[1] & 1, header[2] >> 4
    if code in (6, 7):  # the size stands behind the frame's number, which is coded as in UTF-8
        leading = f"{header[4]:08b}".find("0")
        place = 4 + max(1, leading)
        return int.from_bytes(header[place : place + code - 5], "big") + 1, is_fixed
    sizes = (0, 192, 576, 1152, 2304, 4608, 0, 0, *(256 << power for power in range(8)))
    return sizes[code], is_fixed
