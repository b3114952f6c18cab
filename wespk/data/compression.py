"""Kaldi's compressed matrices: its seven methods, with the bytes that Kaldi writes, and their decoding.

Three layouts exist. CM gives every column four 16-bit quantiles and stores its values in 8 bits, column after
column; CM2 and CM3 spread one range over 16 and 8 bits, row after row. All arithmetic is Kaldi's: float32
where it computes in float, float64 where C++ promotes, so that bytes and decoded values are the same bits.
(`CompressedMatrix` in Kaldi's matrix library is the definition.)
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wespk.core.errors import WespkError, nearest

FloatMatrix = NDArray[np.float32]
Unsigned = NDArray[np.unsignedinteger[Any]]

METHODS = {  # our names, Kaldi's numbers
    "automatic": 1,
    "speech-feature": 2,
    "two-byte-auto": 3,
    "two-byte-signed-integer": 4,
    "one-byte-auto": 5,
    "one-byte-unsigned-integer": 6,
    "one-byte-zero-one": 7,
}
NONE = "none"
FIXED_RANGES = {  # smallest value and range of the methods that do not look at the matrix
    "two-byte-signed-integer": (-32768.0, 65535.0),
    "one-byte-unsigned-integer": (0.0, 255.0),
    "one-byte-zero-one": (0.0, 1.0),
}
LEVELS = {b"CM2": 65535, b"CM3": 255}
MAX_FLOAT32 = 3.4028234663852886e38
FEW_ROWS = 8  # up to here "automatic" takes two bytes, because column headers would not pay

_PER_LEVEL = np.float32(1.52590218966964e-05)  # Kaldi's 1/65535
_BLOCK_ROWS, _BLOCK_COLUMNS = 4096, 256  # bound the memory of decoding
_LOWEST_BYTE = 0 if sys.byteorder == "little" else 7
_CACHED_VALUES = 16384
_STEPS = (
    np.float32(64),
    np.float32(128),
    np.float32(63),
)  # between CM's quantiles, whose bytes are 0 64 192 255
_ALMOST_HALF = np.nextafter(
    np.float32(0.5), np.float32(0)
)  # truncating x + this rounds x, ties up; + 0.5 not
_EVERY_BYTE = np.arange(256, dtype=np.float32)
# (4, 256): how much of each quantile is in the value of each byte. At most two shares are not 0.
_SHARES = np.stack([np.interp(_EVERY_BYTE, [0, 64, 192, 255], unit) for unit in np.eye(4)]).astype(np.float32)


class Compressed(NamedTuple):
    """A compressed matrix of `rows` x `columns`, as it stands in a file.

    `quantiles` (C, 4) uint16 is None but for CM, whose `data` is (C, R); that of CM2 and CM3 is (R, C).
    """

    kind: bytes
    min_value: float
    range: float
    quantiles: NDArray[np.uint16] | None
    data: Unsigned


def method_name(text: str | int) -> str:
    """Return the name of a compression method given by name or by Kaldi's number; "none" is one."""
    names = {str(number): name for name, number in METHODS.items()}
    name = names.get(str(text), str(text))
    if name not in (NONE, *METHODS):
        raise WespkError(f"unknown compression method '{text}': {nearest(name, (NONE, *METHODS))}")
    return name


def compress(matrix: FloatMatrix, method: str) -> Compressed:
    """Compress a float32 matrix (R, C), R > 0, by a method of `METHODS`.

    Raises `WespkError` for values that are not finite, or whose range float32 cannot hold.
    """
    if method == "automatic":
        method = "speech-feature" if len(matrix) > FEW_ROWS else "two-byte-auto"
    low, spread = _range_of(matrix, method)
    if method == "speech-feature":
        columns = np.ascontiguousarray(matrix.T)
        quantiles = _quantiles(columns, low, spread)
        return Compressed(b"CM", low, spread, quantiles, _column_bytes(columns, low, spread, quantiles))
    kind = b"CM2" if method.startswith("two-byte") else b"CM3"
    return Compressed(kind, low, spread, None, _levels(matrix, low, spread, LEVELS[kind]))


def decode_linear(data: Unsigned, low: float, spread: float, levels: int) -> FloatMatrix:
    """Return the values of bytes or 16-bit words that divide a range evenly (CM2, CM3)."""
    step = np.float32(spread * (1.0 / levels))
    values = data.astype(np.float32)
    values *= step
    values += np.float32(low)
    return values


def decode_columns(
    data: NDArray[np.uint8], low: float, spread: float, quantiles: NDArray[np.uint16]
) -> FloatMatrix:
    """Return the values (R, C) of CM's column bytes (C, R).

    Each column is a piecewise linear map of 256 bytes, so that a table of its values is made once and then
    looked up. Blocks bound the memory, which is at most a few times that of the result.
    """
    columns, rows = data.shape
    if columns <= _BLOCK_COLUMNS and rows <= _BLOCK_ROWS:
        return _looked_up(data, low, spread, quantiles)
    values = np.empty((rows, columns), dtype=np.float32)
    for part in _blocks(columns, _BLOCK_COLUMNS):
        for run in _blocks(rows, _BLOCK_ROWS):
            values[run, part] = _looked_up(data[part, run], low, spread, quantiles[part])
    return values


def _looked_up(
    data: NDArray[np.uint8], low: float, spread: float, quantiles: NDArray[np.uint16]
) -> FloatMatrix:
    table = _dequantised(quantiles, low, spread) @ _SHARES
    # No place is out of bounds; "wrap" is the fastest of take's ways to make sure of it.
    return table.take(_places.filled(data), mode="wrap")


class _Places(threading.local):
    """Where in the tables of all columns a matrix's bytes lead, (R, C): 256 times the column, plus the byte.

    A thread keeps the array. Only the lowest byte of each place changes from one matrix to the next, so that
    filling it is one copy of bytes, which transposes them as well.
    """

    def __init__(self) -> None:
        self._resize(0, 0)

    def filled(self, data: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the places of the bytes (C, R), until the next call."""
        columns, rows = data.shape
        if columns != self.places.shape[1] or rows > len(self.places):
            self._resize(rows, columns)
        self.lowest[:rows] = data.T
        return self.places[:rows]

    def _resize(self, rows: int, columns: int) -> None:
        self.places = np.empty((rows, columns), dtype=np.int64)
        self.places[:] = 256 * np.arange(columns)
        self.lowest = self.places.view(np.uint8).reshape(rows, columns, 8)[:, :, _LOWEST_BYTE]


_places = _Places()


def _blocks(size: int, step: int) -> Iterator[slice]:
    for start in range(0, size, step):
        yield slice(start, min(size, start + step))


def _range_of(matrix: FloatMatrix, method: str) -> tuple[float, float]:
    """Return smallest value and range as float32 numbers; the range is never 0."""
    smallest, largest = matrix.min(), matrix.max()
    if not (math.isfinite(smallest) and math.isfinite(largest)):
        raise WespkError("a matrix with NaN or infinity cannot be compressed")
    if method in FIXED_RANGES:
        return FIXED_RANGES[method]
    with np.errstate(over="ignore"):
        if largest == smallest:
            largest = np.float32(float(smallest) + (1.0 + abs(float(smallest))))
        spread = float(largest - smallest)
    if not abs(float(smallest)) + spread < MAX_FLOAT32:  # as `read_entry_header` wants it
        raise WespkError("a matrix whose range exceeds float32 cannot be compressed")
    return float(smallest), spread


def _levels(values: FloatMatrix, low: float, spread: float, levels: int) -> Unsigned:
    result: Unsigned = np.empty(values.shape, dtype=np.uint16 if levels > 255 else np.uint8)
    for run in _blocks(len(values), max(1, _CACHED_VALUES // values.shape[1])):
        share = (values[run] - np.float32(low)) / np.float32(spread)
        np.clip(share, 0, 1, out=share)
        share *= np.float32(levels)
        # Kaldi rounds so, in double precision after a product in single.
        result[run] = share + np.float64(0.499)
    return result


def _quantiles(columns: FloatMatrix, low: float, spread: float) -> NDArray[np.uint16]:
    """Return minimum, quartiles and maximum of each row of `columns` (C, R) as levels (C, 4), increasing."""
    rows = columns.shape[1]
    quarter = rows // 4
    places = [0, quarter, 3 * quarter, rows - 1] if rows >= 5 else list(range(rows))
    chosen = np.sort(columns, axis=1)[:, places]
    # A matrix of under 4 rows has fewer quantiles than fit: level 0 makes the rest one more than the last.
    found = np.zeros((len(columns), 4), dtype=np.int64)
    found[:, : len(places)] = _levels(chosen, low, spread, 65535)
    found[:, 0] = np.minimum(found[:, 0], 65532)
    for place in (1, 2, 3):
        found[:, place] = np.clip(found[:, place], found[:, place - 1] + 1, 65532 + place)
    return found.astype(np.uint16)


def _dequantised(quantiles: NDArray[np.uint16], low: float, spread: float) -> FloatMatrix:
    knots = quantiles.astype(np.float32)
    knots *= np.float32(spread) * _PER_LEVEL
    knots += np.float32(low)
    return knots


def _column_bytes(
    columns: FloatMatrix, low: float, spread: float, quantiles: NDArray[np.uint16]
) -> NDArray[np.uint8]:
    """Return CM's bytes (C, R), a few columns at a time, which stay in the processor's cache.

    A byte is the sum of how many of the 64, 128 and 63 steps between two quantiles the value has passed.
    """
    knots = _dequantised(quantiles, low, spread)
    widths = knots[:, 1:] - knots[:, :-1]
    # Neighbouring quantiles can be one number in float32. Kaldi then divides by zero and converts what comes
    # out to an integer, by which values above the third are given none of the last steps.
    widths[widths[:, 2] == 0, 2] = np.inf
    result = np.zeros(columns.shape, dtype=np.uint8)
    with np.errstate(divide="ignore", invalid="ignore"):
        for part in _blocks(len(columns), max(1, _CACHED_VALUES // columns.shape[1])):
            for place, steps in enumerate(_STEPS):
                passed = columns[part] - knots[part, place : place + 1]
                passed /= widths[part, place : place + 1]
                passed *= steps
                passed += _ALMOST_HALF
                np.fmin(passed, steps, out=passed)  # 0 / 0 is on the upper side
                result[part] += np.maximum(passed, 0, out=passed).astype(np.uint8)
    return result
