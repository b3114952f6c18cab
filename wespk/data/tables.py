"""Kaldi text tables (`key value` lines) and matrix/vector archives (ark/scp)."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import kaldiio
import numpy as np

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, atomic_path, read_text, write_text

NUMERIC_HEADS = tuple(b"\0B" + kind for kind in (b"FM ", b"DM ", b"FV ", b"DV ", b"CM ", b"CM2 ", b"CM3 "))


def read_table(path: PathLike, *, value_required: bool = True) -> dict[str, str]:
    """Read `key value` lines into a dict in file order.

    Raises `WespkError` with file and line for an empty line, a key without value, a duplicate key, or keys
    that are not sorted by bytes (LC_ALL=C).
    """
    table: dict[str, str] = {}
    text = read_text(path)
    if text and not text.endswith("\n"):
        raise WespkError(f"{path}: the last line has no line end; the file may be cut off")
    last = b""
    for number, line in enumerate(text.split("\n")[:-1], 1):
        if line.endswith("\r"):
            raise WespkError(f"{path}:{number}: Windows line end; run `wespk` on Unix text (try dos2unix)")
        key, _, value = line.partition(" ")
        if not key or key != key.strip():
            raise WespkError(f"{path}:{number}: no key at the start of the line: {line[:60]!r}")
        if value_required and not value.strip():
            raise WespkError(f"{path}:{number}: '{key}' has no value; write `key value`, one space between")
        if key in table:
            raise WespkError(f"{path}:{number}: duplicate key '{key}'")
        encoded = key.encode("utf-8")
        if encoded < last:
            raise WespkError(f"{path}:{number}: '{key}' is out of order; sort with LC_ALL=C sort")
        table[key] = value.strip()
        last = encoded
    return table


def write_table(path: PathLike, table: Mapping[str, object]) -> None:
    """Write `key value` lines sorted by bytes, atomically."""
    write_text(path, table_text(table))


def table_text(table: Mapping[str, object]) -> str:
    """Return `key value` lines sorted by bytes."""
    return "".join(f"{key} {table[key]}\n" for key in byte_sorted(table))


def byte_sorted(keys: Iterable[str]) -> list[str]:
    """Return the keys in the order of LC_ALL=C sort."""
    return sorted(keys, key=lambda key: key.encode("utf-8"))


def write_archive(ark: PathLike, scp: PathLike, items: Iterable[tuple[str, np.ndarray]]) -> dict[str, int]:
    """Stream float32 matrices or vectors into `ark` with its index `scp`; return the rows of each item.

    Both files appear under their names only when all items are written. The scp names the ark by the path
    as given, so that a relative path stays valid from the same working folder.
    """
    lines: dict[str, str] = {}
    rows: dict[str, int] = {}
    with atomic_path(ark) as temporary:
        with open(temporary, "wb") as stream:
            for key, array in items:
                offset = stream.tell() + len(key.encode("utf-8")) + 1  # the entry is `key `, then the matrix
                kaldiio.save_ark(stream, {key: np.ascontiguousarray(array, dtype=np.float32)})
                lines[key] = f"{ark}:{offset}"
                rows[key] = len(array)
        if not lines:
            temporary.write_bytes(b"")
    write_table(scp, lines)
    return rows


def read_archive(scp: PathLike) -> Iterator[tuple[str, np.ndarray]]:
    """Yield `(key, array)` in scp order. Raises `WespkError` naming the key of an unreadable entry."""
    for key, location in read_table(scp).items():
        yield key, read_entry(key, location)


def read_entry(key: str, location: str) -> np.ndarray:
    """Return the matrix or vector at `path:offset`.

    kaldiio would also run shell pipes and unpickle objects: only Kaldi's own numeric types get through to it.
    """
    path, start = split_location(key, location)
    try:
        with open(path, "rb") as stream:
            stream.seek(start)
            head = stream.read(6)
        if not (head.startswith(NUMERIC_HEADS) or head.lstrip().startswith(b"[")):
            raise ValueError("no Kaldi matrix or vector is there")
        return np.asarray(kaldiio.load_mat(location))
    except (OSError, ValueError, EOFError, AssertionError, RuntimeError, struct.error) as error:
        raise WespkError(f"'{key}': cannot read {location} ({error}); make the archive again") from None


def split_location(key: str, location: str) -> tuple[str, int]:
    """Return path and offset of `path:offset`. Pipes, ranges and plain paths are refused."""
    path, _, offset = location.rpartition(":")
    if not path or not offset.isdecimal() or len(offset) > 18:
        raise WespkError(f"'{key}': '{location}' is not of the form archive:offset")
    return path, int(offset)


def read_vectors(scp: PathLike) -> tuple[list[str], np.ndarray]:
    """Read an scp of vectors into `(keys, float32 array (N, D))`.

    Raises `WespkError` for an empty table, a wrong shape or a non-finite value, naming the key.
    """
    keys: list[str] = []
    vectors: list[np.ndarray] = []
    for key, vector in read_archive(scp):
        if vector.ndim != 1 or (vectors and len(vector) != len(vectors[0])):
            expected = f"({len(vectors[0])},)" if vectors else "(D,)"
            raise WespkError(f"{scp}: '{key}' has shape {vector.shape}, expected {expected}")
        keys.append(key)
        vectors.append(vector.astype(np.float32))
    if not keys:
        raise WespkError(f"{scp}: holds no vectors")
    matrix = np.stack(vectors)
    bad = ~np.isfinite(matrix).all(axis=1)
    if bad.any():
        raise WespkError(f"{scp}: '{keys[int(bad.argmax())]}' holds NaN or infinity")
    return keys, matrix


class MappedMatrices:
    """Float32 matrices of an scp as views into memory-mapped archives: opening one copies nothing.

    Compressed and double matrices are decoded on access instead. Only file names and offsets are held in
    memory; an ark is mapped at its first use in each process.
    """

    def __init__(self, locations: Mapping[str, str]) -> None:
        self.keys = list(locations)
        self._locations = [locations[key] for key in self.keys]
        self._maps: dict[str, np.memmap] = {}

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> np.ndarray:
        """Return matrix `index`, shape (T, F), read-only."""
        location = self._locations[index]
        path, start = split_location(self.keys[index], location)
        ark = self._map(path, self.keys[index])
        header = bytes(ark[start : start + 15])
        if header[:5] != b"\0BFM " or header[5] != 4 or header[10] != 4:
            return read_entry(self.keys[index], location)
        rows = int.from_bytes(header[6:10], "little")
        columns = int.from_bytes(header[11:15], "little")
        data = ark[start + 15 : start + 15 + 4 * rows * columns]
        if len(data) < 4 * rows * columns:
            raise WespkError(f"'{self.keys[index]}': {path} is cut off; make the archive again")
        return data.view(np.float32).reshape(rows, columns)

    def _map(self, path: str, key: str) -> np.memmap:
        if path not in self._maps:
            try:
                self._maps[path] = np.memmap(path, dtype=np.uint8, mode="r")
            except (OSError, ValueError) as error:
                raise WespkError(f"'{key}': cannot map {path} ({error}); make the archive again") from None
        return self._maps[path]

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_maps": {}}  # a worker process maps the files anew


def file_stamp(path: PathLike) -> str:
    """Return a cheap fingerprint of a file's state: size and modification time in nanoseconds."""
    status = os.stat(path)
    return f"{Path(path)} {status.st_size} {status.st_mtime_ns}"
