"""Random reading of an scp's matrices, whole or a few frames of them, through memory maps."""

from __future__ import annotations

import mmap
import os
import stat
from array import array
from collections.abc import Mapping

import numpy as np

from wespk.core.errors import WespkError
from wespk.core.files import PathLike
from wespk.data.ark import Buffer, Entry, Floats, decode, read_entry_header
from wespk.data.locations import BEYOND_END, parse_location, resolve

OPEN_ARCHIVES = 256  # each holds a file open
NO_RANGE = -1


class MappedMatrices:
    """The matrices, or vectors, of an scp, read where they stand: opening a table of archives reads none.

    Only file names, offsets and ranges are held in memory; an archive is mapped at its first use in each
    process. What is not compressed is a view of the file, so that nothing but the wanted frames is touched;
    of a compressed matrix only the wanted frames are decoded.
    """

    def __init__(self, locations: Mapping[str, str], columns: int | None = None) -> None:
        """Open the entries of `locations`; with `columns` each has to be a matrix of so many."""
        self.keys = list(locations)
        self._columns = columns
        self._paths: list[str] = []
        self._maps: dict[int, Buffer] = {}
        number: dict[str, int] = {}
        archives, offsets, ranges = array("q"), array("q"), {}
        for index, (key, text) in enumerate(locations.items()):
            place = parse_location(key, text)
            archives.append(number.setdefault(place.path, len(number)))
            offsets.append(place.offset)
            if place.rows or place.columns:
                ranges[index] = (place.rows or (NO_RANGE, 0)) + (place.columns or (NO_RANGE, 0))
        self._paths = list(number)
        self._places = np.stack([archives, offsets], axis=1)
        self._ranges = np.full((len(offsets) if ranges else 0, 4), NO_RANGE, dtype=np.int32)
        if ranges:
            self._ranges[list(ranges)] = list(ranges.values())

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> np.ndarray:
        """Return matrix `index`, (T, F) float32, or vector, (D,); read-only where it is a view."""
        return self.read(index)

    def rows(self, index: int) -> int:
        """Return the number of rows of matrix `index`, or the length of a vector, by its header."""
        _, _, start, stop, _ = self._open(index)
        return stop - start

    def read(self, index: int, first: int = 0, last: int | None = None) -> np.ndarray:
        """Return rows `first` to `last` (excluded; None: to the end) of matrix `index`, float32.

        Raises `WespkError` that names the entry when it cannot be read or has no such rows.
        """
        buffer, entry, start, stop, columns = self._open(index)
        last = stop - start if last is None else last
        if not 0 <= first <= last <= stop - start:
            raise WespkError(
                f"'{self.keys[index]}': frames {first} to {last} were asked for, of {stop - start}"
            )
        values = decode(buffer, entry, start + first, start + last, columns)
        if self._columns is not None and values.shape[1:] != (self._columns,):
            found = f"{values.shape[1]} columns" if values.ndim == 2 else "a vector"
            where = f"'{self.keys[index]}': {self.location(index)}"
            raise WespkError(f"{where}: {found}, not {self._columns} as feats.json says; compute them again")
        if values.dtype == np.float32:
            return values
        with np.errstate(over="ignore", invalid="ignore"):  # doubles beyond float32 become infinity
            return values.astype(np.float32)

    def location(self, index: int) -> str:
        """Return where matrix `index` stands, for messages."""
        number, offset = self._places[index].tolist()
        return f"{self._paths[number]}:{offset}"

    def _open(self, index: int) -> tuple[Buffer, Entry, int, int, slice]:
        """Return archive, entry, first and last row, columns."""
        number, offset = self._places[index].tolist()  # Python's numbers are the faster ones here
        buffer = self._maps.get(number) or self._map(number, index)
        try:
            entry = read_entry_header(buffer, offset)
        except WespkError as error:
            raise WespkError(
                f"'{self.keys[index]}': {self.location(index)}: {error}; make the archive again"
            ) from None
        if not len(self._ranges):
            return buffer, entry, 0, entry.rows, slice(None)
        try:
            return buffer, entry, *self._within(entry, index)
        except WespkError as error:
            where = f"'{self.keys[index]}': {self.location(index)}"
            raise WespkError(f"{where}: {error}; correct the range in the scp") from None

    def _within(self, entry: Entry, index: int) -> tuple[int, int, slice]:
        rows, columns = self._ranges[index, :2].tolist(), self._ranges[index, 2:].tolist()
        start, stop = resolve(None if rows[0] < 0 else tuple(rows), entry.rows, "rows", BEYOND_END)
        if columns[0] < 0:
            return start, stop, slice(None)
        if entry.columns is None:
            raise WespkError("a vector has no columns to choose")
        return start, stop, slice(*resolve(tuple(columns), entry.columns, "columns"))

    def _map(self, number: int, index: int) -> Buffer:
        try:
            buffer = map_file(self._paths[number])
        except WespkError as error:
            raise WespkError(f"'{self.keys[index]}': {error}; make the archive again") from None
        if len(self._maps) >= OPEN_ARCHIVES:
            del self._maps[next(iter(self._maps))]  # closed when its last view goes
        self._maps[number] = buffer
        return buffer

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_maps": {}}  # a worker process maps the files anew


def read_entry(key: str, location: str) -> Floats:
    """Return a copy of the matrix or vector at `path:offset` or `path:offset[range]`, float32."""
    return np.array(MappedMatrices({key: location})[0])


def map_file(path: PathLike) -> Buffer:
    """Return a read-only memory map of a file, or b"" of an empty one.

    Raises `WespkError` for what is no ordinary file; a named pipe is not waited for.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise WespkError(f"cannot map {path}: it is not an ordinary file")
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    except OSError as error:
        raise WespkError(f"cannot map {path} ({error.strerror})") from None
    except ValueError as error:  # a NUL byte in the path
        raise WespkError(f"cannot map {str(path)!r} ({error})") from None
