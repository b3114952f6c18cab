"""Finding a pair that comes twice, exactly, while pairs come in blocks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MOST_CELLS = 1 << 31  # of the map of bits: 256 MB
CODES_AT_ONCE = 1 << 24  # while they are sorted: 128 MB
START = 64  # models and tests that the map begins with


class Repeat(NamedTuple):
    """A pair that was there before: its position among all pairs, from 0, and its two numbers."""

    position: int
    enrol: int
    test: int


class PairSet:
    """The pairs of numbers that have been added.

    As long as the greatest numbers span at most 2^31 cells there is a bit for each possible pair (1 MB for
    196 models x 17,800 tests, 256 MB at most, however many pairs are added); beyond that 8 bytes a pair, and
    a repetition is found only by `finish`.
    """

    def __init__(self) -> None:
        self._bits = np.zeros((START, START // 8), dtype=np.uint8)
        self._codes: list[np.ndarray] | None = None
        self._count = 0

    def add(self, enrol: np.ndarray, test: np.ndarray) -> Repeat | None:
        """Add pairs, (k,) numbers from 0 each; return the first that was there before."""
        if not len(enrol):
            return None
        codes = (enrol.astype(np.int64) << 32) | test
        if self._codes is None and not self._make_room(int(enrol.max()) + 1, int(test.max()) + 1):
            self._codes = _codes_of(self._bits)
            self._bits = self._bits[:0]
        if self._codes is not None:
            self._codes.append(codes)
            self._count += len(codes)
            return None
        cells = enrol.astype(np.int64) * self._bits.shape[1] + (test >> 3)
        bits = np.left_shift(1, test & 7).astype(np.uint8)
        flat = self._bits.reshape(-1)
        again = (flat[cells] & bits) != 0
        if not (codes[1:] > codes[:-1]).all():
            again |= _repeated(codes)
        if again.any():
            position = int(again.argmax())
            return Repeat(self._count + position, int(enrol[position]), int(test[position]))
        np.add.at(flat, cells, bits)
        self._count += len(codes)
        return None

    def finish(self) -> Repeat | None:
        """Return the first pair that was there before, where `add` has not been able to tell."""
        if not self._codes:
            return None
        parts = -(-self._count // CODES_AT_ONCE)
        twice = np.concatenate([self._twice_in_part(part, parts) for part in range(parts)])
        if not len(twice):
            return None
        start, places, found = 0, [], []
        for codes in self._codes:
            place = np.flatnonzero(np.isin(codes, twice))
            places.append(start + place)
            found.append(codes[place])
            start += len(codes)
        position, code = np.concatenate(places), np.concatenate(found)
        first = int(_repeated(code).argmax())
        return Repeat(int(position[first]), int(code[first] >> 32), int(code[first] & 0xFFFFFFFF))

    def _twice_in_part(self, part: int, parts: int) -> np.ndarray:
        """Return the codes that are there twice, of those whose test number falls into one of the parts."""
        codes = np.concatenate([c[(c & 0xFFFFFFFF) % parts == part] for c in self._codes or ()])
        codes.sort()
        return np.unique(codes[1:][codes[1:] == codes[:-1]])

    def _make_room(self, num_enrol: int, num_test: int) -> bool:
        """Let the map of bits span so many numbers; False if it would be too large."""
        rows, columns = self._bits.shape
        if num_enrol <= rows and num_test <= 8 * columns:
            return True
        new_rows = max(rows, 1 << (num_enrol - 1).bit_length())
        new_columns = max(columns, 1 << ((num_test - 1) >> 3).bit_length())
        if new_rows * new_columns > MOST_CELLS // 8:
            return False
        bits = np.zeros((new_rows, new_columns), dtype=np.uint8)
        bits[:rows, :columns] = self._bits
        self._bits = bits
        return True


def _repeated(codes: np.ndarray) -> np.ndarray:
    """Return which codes were there before, (k,) booleans."""
    again = np.zeros(len(codes), dtype=bool)
    ordered = np.sort(codes)
    if (ordered[1:] == ordered[:-1]).any():
        order = np.argsort(codes, kind="stable")
        again[order[1:][codes[order[1:]] == codes[order[:-1]]]] = True
    return again


def _codes_of(bits: np.ndarray) -> list[np.ndarray]:
    """Return the codes of the pairs in a map of bits, a row at a time."""
    rows = (np.flatnonzero(np.unpackbits(row, bitorder="little")) for row in bits)
    return [found.astype(np.int64) | (enrol << 32) for enrol, found in enumerate(rows) if len(found)]
