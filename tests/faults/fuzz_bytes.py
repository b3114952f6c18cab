"""Damage done to bytes: as copying, disks and bad programs do it, and in the numbers of headers."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

Random = np.random.Generator
Other = Callable[[], bytes]  # gives the bytes of another file, to mix with
Change = Callable[[Random, bytes, Other], bytes]

EXTREMES = (
    *(0, 1, 2, 3, 4, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 65536),
    *(2**24 - 1, 2**31 - 2, 2**31 - 1, 2**31, 0x7FFFF000, 2**32 - 2, 2**32 - 1, 2**32),
    *(2**62, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1),
)
RATES_AND_CHANNELS = (1, 2, 3, 5, 6, 1023, 1024, 1025, 8000, 11025, 16000, 22050, 44100, 48000, 768000, 10**6)
# Words near which the numbers of a header stand: chunks, boxes, pages, Kaldi's objects.
TAGS = (
    *(b"RIFF", b"RF64", b"WAVE", b"fmt ", b"data", b"fact", b"ds64", b"LIST", b"PEAK", b"riff"),
    *(b"FORM", b"COMM", b"SSND", b".snd", b"fLaC", b"OggS", b"vorbis", b"OpusHead", b"ID3", b"Xing"),
    *(b"Info", b"ftyp", b"moov", b"mvhd", b"trak", b"mdhd", b"stsd", b"stts", b"stsc", b"stsz", b"stco"),
    *(b"esds", b"mdat", b"elst", b"\x1a\x45\xdf\xa3", b"\0BFM ", b"\0BDM ", b"\0BFV ", b"\0BDV "),
    *(b"\0BCM", b"caff"),
)
MAGICS = (
    *(b"RIFF", b"RF64", b"RIFX", b"BW64", b"riff", b"fLaC", b"OggS", b"ID3\x04", b"NIST_1A\n", b".snd"),
    *(b"FORM", b"\xff\xfb\x90\x00", b"\xff\xf1\x50\x80", b"caff\0\1", b"\x1a\x45\xdf\xa3", b"#!AMR\n"),
    *(b"AUDIO", b"Creative Voice File\x1a", b"\0BFM ", b"\0BCM2 ", b"#EXTM3U\n", b"<svg", b"PK\3\4"),
)
NUMBERS = (b"0", b"-1", b"1", b"1e9", b"nan", b"9" * 11, b"9" * 30, b"65537", b"2147483648", b"x", b"")


def repair_ogg(data: bytes) -> bytes:
    """Return Ogg pages with one serial number and right checksums (RFC 3533), so that damage gets inside."""
    pages = bytearray(data)
    at = pages.find(b"OggS")
    while 0 <= at < len(pages) - 27:
        count = pages[at + 26]
        end = at + 27 + count + sum(pages[at + 27 : at + 27 + count])
        if end > len(pages):
            break
        pages[at + 14 : at + 18] = b"fuzz"
        pages[at + 22 : at + 26] = bytes(4)
        pages[at + 22 : at + 26] = struct.pack("<I", _ogg_crc(pages[at:end]))
        at = pages.find(b"OggS", end)
    return bytes(pages)


def place_in(rng: Random, size: int) -> int:
    """Return a place in a file: near its begin as often as anywhere."""
    most = max(1, size)
    return int(rng.integers(min(most, 128) if rng.random() < 0.5 else most))


def _span(rng: Random, size: int) -> slice:
    begin = place_in(rng, size)
    return slice(begin, begin + 1 + int(rng.integers(2 ** int(rng.integers(1, 15)))))


def flip_bits(rng: Random, data: bytes, _: Other) -> bytes:
    changed = bytearray(data or b"\0")
    for _ in range(int(rng.integers(1, 9))):
        changed[place_in(rng, len(changed))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _overwrite(rng: Random, data: bytes, _: Other) -> bytes:
    span = _span(rng, len(data))
    size = len(data[span])
    filling = [bytes(size), b"\xff" * size, b" " * size, rng.bytes(size)][int(rng.integers(4))]
    return data[: span.start] + filling + data[span.start + size :]


def cut_off(rng: Random, data: bytes, _: Other) -> bytes:
    return data[: place_in(rng, len(data))]


def _insert(rng: Random, data: bytes, _: Other) -> bytes:
    at, size = place_in(rng, len(data)), int(rng.integers(1, 2 ** int(rng.integers(1, 12))))
    return data[:at] + [bytes(size), rng.bytes(size)][int(rng.integers(2))] + data[at:]


def _duplicate(rng: Random, data: bytes, _: Other) -> bytes:
    span = _span(rng, len(data))
    return data[: span.stop] + data[span] * int(rng.choice([1, 2, 30])) + data[span.stop :]


def remove(rng: Random, data: bytes, _: Other) -> bytes:
    span = _span(rng, len(data))
    return data[: span.start] + data[span.stop :]


def _header_field(rng: Random, data: bytes, _: Other) -> bytes:
    """Put an extreme number where a header may have one: on or beside a known word, or at the begin."""
    anchors = [0] + [at for tag in TAGS if (at := data.find(tag)) >= 0]
    width = int(rng.choice([1, 2, 4, 4, 4, 8]))
    at = max(0, anchors[int(rng.integers(len(anchors)))] + int(rng.integers(-4, 24)) * 2)
    choices = RATES_AND_CHANNELS if rng.random() < 0.3 else EXTREMES
    number = int(choices[int(rng.integers(len(choices)))]) % (1 << (8 * width))
    order = "little" if rng.random() < 0.7 else "big"
    return data[:at] + number.to_bytes(width, order) + data[at + width :]


def _magic(rng: Random, data: bytes, _: Other) -> bytes:
    magic = MAGICS[int(rng.integers(len(MAGICS)))]
    return magic + data[len(magic) if rng.random() < 0.7 else 0 :]


def _concatenate(rng: Random, data: bytes, other: Other) -> bytes:
    return data + other() if rng.random() < 0.5 else other() + data


def _splice(rng: Random, data: bytes, other: Other) -> bytes:
    """Take the head of one file and the body of another."""
    at = place_in(rng, len(data))
    return data[:at] + other()[at:]


def _words(rng: Random, data: bytes, _: Other) -> bytes:
    """Change a number of a header that is text (SPHERE)."""
    head, rest = data[:1024], data[1024:]
    lines = head.split(b"\n")
    at = int(rng.integers(len(lines)))
    lines[at] = lines[at].rsplit(b" ", 1)[0] + b" " + NUMBERS[int(rng.integers(len(NUMBERS)))]
    return b"\n".join(lines)[:1024].ljust(len(head)) + rest


BYTE_CHANGES: dict[str, tuple[int, Change]] = {
    "bits flipped": (4, flip_bits),
    "bytes overwritten": (3, _overwrite),
    "cut": (2, cut_off),
    "bytes inserted": (2, _insert),
    "bytes doubled": (2, _duplicate),
    "bytes removed": (2, remove),
    "header number": (8, _header_field),
    "header word": (1, _words),
    "magic": (1, _magic),
    "two files in one": (1, _concatenate),
    "head of one, body of another": (1, _splice),
}


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value >> 31 else 0)) & 0xFFFFFFFF
        table.append(value)
    return table


_CRC = _crc_table()


def _ogg_crc(page: bytes | bytearray) -> int:
    total = 0
    for byte in page:
        total = (total << 8 & 0xFFFFFFFF) ^ _CRC[total >> 24 ^ byte]
    return total
