"""One entry of a Kaldi archive, to and from bytes: FM DM FV DV CM CM2 CM3, and text.

Reading works on a buffer, usually a memory map: `read_entry_header` checks every size against the buffer
before anything is allocated, `decode` then makes the rows that are wanted and looks at no others. Errors are
`WespkError`s that say what is wrong with the entry; the caller knows where it stands.
"""

from __future__ import annotations

import mmap
import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wespk.core.errors import WespkError
from wespk.data.compression import LEVELS, MAX_FLOAT32, NONE, compress, decode_columns, decode_linear
from wespk.data.kaldi_objects import TextReader, format_text

Buffer = bytes | mmap.mmap
Floats = NDArray[np.floating[Any]]

MAX_TEXT_BYTES = 64 << 20  # of one entry; reading it takes some times as much memory

_MATRIX = struct.Struct("<5sbibi")  # \0BFM , then each size behind its own length, 4
_VECTOR = struct.Struct("<5sbi")
_COMPRESSED = struct.Struct("<ffii")
_DTYPES: dict[bytes, np.dtype[Any]] = {b"F": np.dtype("<f4"), b"D": np.dtype("<f8")}
_WORDS, _BYTES = np.dtype("<u2"), np.dtype("u1")
_ROW_DTYPES = {b"FM": _DTYPES[b"F"], b"DM": _DTYPES[b"D"], b"CM2": _WORDS, b"CM3": _BYTES}
_BYTES_A_VALUE = {b"CM": 1, b"CM2": 2, b"CM3": 1}


class Entry(NamedTuple):
    """What the head of an entry says. `columns` is None for a vector, whose length is `rows`."""

    kind: bytes  # FM, DM, FV, DV, CM, CM2, CM3, or text
    rows: int
    columns: int | None
    data: int  # where the numbers begin (CM: the column headers), bytes from the start of the buffer
    end: int  # where the entry ends
    low: float = 0.0  # smallest value and range of a compressed matrix
    spread: float = 0.0
    values: Floats | None = None  # of a text entry


def read_entry_header(buffer: Buffer, start: int) -> Entry:
    """Read the head of the entry whose `\\0B`, or text, stands at `start`."""
    magic = buffer[start : start + 5]
    try:
        if magic == b"\0BFM " or magic == b"\0BDM ":
            _, four, rows, also_four, columns = _MATRIX.unpack_from(buffer, start)
            if not four == also_four == 4:
                raise WespkError("broken size field; no Kaldi matrix of a little-endian machine")
            dtype = _DTYPES[magic[2:3]]
            return _checked(buffer, magic[2:4], rows, columns, start + _MATRIX.size, dtype.itemsize)
        if magic in (b"\0BCM ", b"\0BCM2", b"\0BCM3"):
            return _compressed_header(buffer, start, magic)
        if magic == b"\0BFV " or magic == b"\0BDV ":
            _, four, length = _VECTOR.unpack_from(buffer, start)
            if four != 4:
                raise WespkError("broken size field; no Kaldi vector of a little-endian machine")
            dtype = _DTYPES[magic[2:3]]
            return _checked(buffer, magic[2:4], length, None, start + _VECTOR.size, dtype.itemsize)
    except struct.error:
        raise WespkError("cut off within its header") from None
    if magic.lstrip().startswith(b"["):
        return _text_entry(buffer, start)
    raise WespkError("no Kaldi matrix or vector is there")


def decode(
    buffer: Buffer, entry: Entry, first: int = 0, last: int | None = None, columns: slice = slice(None)
) -> Floats:
    """Return rows `first` to `last` (excluded) of an entry, or these elements of a vector.

    Uncompressed data are a read-only view of the buffer, float32 or float64. Compressed and text entries are
    decoded to float32; of a compressed one only the rows that are wanted.
    """
    last = entry.rows if last is None else last
    if entry.values is not None:
        return entry.values[first:last] if entry.columns is None else entry.values[first:last, columns]
    rows, kind = last - first, entry.kind
    if entry.columns is None:
        dtype = _DTYPES[kind[:1]]
        return np.ndarray((rows,), dtype, buffer, entry.data + dtype.itemsize * first)
    width = entry.columns
    if kind == b"CM":
        quantiles = np.ndarray((width, 4), _WORDS, buffer, entry.data)
        # Column after column, of which `first` to `last` are looked at.
        data = np.ndarray((width, rows), _BYTES, buffer, entry.data + 8 * width + first, (entry.rows, 1))
        return decode_columns(data[columns], entry.low, entry.spread, quantiles[columns])
    dtype = _ROW_DTYPES[kind]
    values = np.ndarray((rows, width), dtype, buffer, entry.data + dtype.itemsize * width * first)[:, columns]
    return decode_linear(values, entry.low, entry.spread, LEVELS[kind]) if kind in LEVELS else values


def encode(array: Floats, compression: str = NONE, text: bool = False) -> list[bytes | memoryview]:
    """Return a matrix (R, C) or vector (D,) as the pieces of bytes to write behind its key, as float32.

    The pieces may be views of the array. Kaldi knows no matrix of 0 rows and some columns: it becomes 0 x 0.
    """
    values = _as_float32(array)
    if text:
        if compression != NONE:
            raise WespkError("text is not compressed; leave the compression away")
        return [format_text(values)]
    if values.ndim == 1:
        if compression != NONE:
            raise WespkError("a vector is not compressed; leave the compression away")
        return [_VECTOR.pack(b"\0BFV ", 4, len(values)), _as_bytes(values)]
    if not values.size:
        # Kaldi writes four bytes more here, by mistake, which its own readers then take for the next key.
        return [_MATRIX.pack(b"\0BFM ", 4, 0, 4, 0) if compression == NONE else b"\0BCM " + bytes(16)]
    if compression == NONE:
        return [_MATRIX.pack(b"\0BFM ", 4, values.shape[0], 4, values.shape[1]), _as_bytes(values)]
    small = compress(values, compression)
    header = b"\0B" + small.kind + b" " + _COMPRESSED.pack(small.min_value, small.range, *values.shape)
    quantiles = [] if small.quantiles is None else [_as_bytes(small.quantiles)]
    return [header, *quantiles, _as_bytes(small.data)]


def _compressed_header(buffer: Buffer, start: int, magic: bytes) -> Entry:
    kind = magic[2:].rstrip(b" ")
    place = start + 2 + len(kind)
    if buffer[place : place + 1] != b" ":
        raise WespkError("no Kaldi matrix or vector is there")
    low, spread, rows, columns = _COMPRESSED.unpack_from(buffer, place + 1)
    # The other way round too: a NaN compares with nothing.
    if not abs(low) + abs(spread) < MAX_FLOAT32:
        raise WespkError("the range of a compressed matrix is not finite")
    data = place + 1 + _COMPRESSED.size
    extra = 8 * columns if kind == b"CM" else 0
    return _checked(buffer, kind, rows, columns, data, _BYTES_A_VALUE[kind], extra, low, spread)


def _checked(
    buffer: Buffer,
    kind: bytes,
    rows: int,
    columns: int | None,
    data: int,
    itemsize: int,
    extra: int = 0,
    low: float = 0.0,
    spread: float = 0.0,
) -> Entry:
    if rows < 0 or (columns is not None and (columns < 0 or (rows == 0) != (columns == 0))):
        raise WespkError(f"a size of {rows} x {columns} is not possible")
    end = data + extra + itemsize * rows * (1 if columns is None else columns)
    if end > len(buffer):
        raise WespkError(f"cut off: {end - len(buffer)} bytes are missing")
    return Entry(kind, rows, columns, data, end, low, spread)


def _text_entry(buffer: Buffer, start: int) -> Entry:
    stop = buffer.find(b"]", start, start + MAX_TEXT_BYTES)
    if stop < 0:
        raise WespkError("the text has no closing ']'")
    body = buffer[start : stop + 1]
    # Kaldi starts a new line for each row of a matrix, the first included.
    inside = body[body.index(b"[") + 1 : -1]
    reader = TextReader("text", body)
    is_vector = bool(inside.strip()) and b"\n" not in inside
    exact = reader.vector() if is_vector else reader.matrix()
    with np.errstate(over="ignore", invalid="ignore"):
        values = exact.astype(np.float32)
    return Entry(b"text", len(values), None if is_vector else values.shape[1], start, stop + 1, values=values)


def _as_float32(array: Floats) -> NDArray[np.float32]:
    array = np.asarray(array)
    if array.ndim not in (1, 2) or array.dtype.kind not in "fiub":
        raise WespkError(f"a matrix or vector of numbers is needed, not {array.dtype} of shape {array.shape}")
    try:
        with np.errstate(over="raise"):
            return np.ascontiguousarray(array, dtype=np.dtype("<f4"))
    except FloatingPointError:
        raise WespkError("a value is too large for float32") from None


def _as_bytes(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
