"""Whole archives: written with their scp, read from one end to the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, atomic_path, remove_stale
from wespk.data.ark import Buffer, Floats, decode, encode, read_entry_header
from wespk.data.compression import NONE
from wespk.data.matrices import MappedMatrices, map_file
from wespk.data.tables import read_table, write_table

MAX_KEY_BYTES = 4096
Item = tuple[str, np.ndarray]

_SPACE = re.compile(rb"\s*")


def write_archive(
    ark: PathLike, scp: PathLike | None, items: Iterable[Item], compression: str = NONE, text: bool = False
) -> dict[str, int]:
    """Stream float32 matrices or vectors into `ark` with its index `scp`; return the rows of each item.

    `compression` is a name of `wespk.data.compression.METHODS` or "none"; `text` writes numbers to read.
    Both files appear under their names only when all items are written. The scp names the ark by the path
    as given, so that a relative path stays valid from the same working folder.
    """
    for path in (ark, scp):
        if path is not None:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            remove_stale(path)
    offsets: dict[str, int] = {}
    rows: dict[str, int] = {}
    with atomic_path(ark) as temporary:
        with open(temporary, "wb") as stream:
            position = 0
            for key, array in items:
                if key in offsets:
                    raise WespkError(f"{ark}: '{key}' comes twice; keys must be unique")
                pieces = encode_item(key, array, compression, text)
                offsets[key] = position + len(pieces[0])
                rows[key] = len(array)
                for piece in pieces:
                    position += stream.write(piece)
        if scp is None:
            return rows
    write_table(scp, {key: f"{ark}:{offset}" for key, offset in offsets.items()})
    return rows


def encode_item(
    key: str, array: Floats, compression: str = NONE, text: bool = False
) -> list[bytes | memoryview]:
    """Return an archive's bytes for one item, in pieces: the first is its key and a space."""
    if not key or key.split() != [key]:
        raise WespkError(f"'{key}' cannot be a key of an archive: it is empty or holds a space")
    try:
        return [key.encode("utf-8") + b" ", *encode(array, compression, text)]
    except WespkError as error:
        raise WespkError(f"'{key}': {error}") from None


def read_archive(scp: PathLike) -> Iterator[Item]:
    """Yield `(key, array)` in scp order, float32, read-only. An entry that cannot be read is named."""
    matrices = MappedMatrices(read_table(scp))
    for index, key in enumerate(matrices.keys):
        yield key, matrices[index]


def read_ark(path: PathLike) -> Iterator[Item]:
    """Yield `(key, array)` of an archive without scp, in its order, float32.

    Raises `WespkError` naming the file and the place where it stops being an archive.
    """
    buffer = map_file(path)
    position = _after_space(buffer, 0)
    while position < len(buffer):
        key, start = _key(path, buffer, position)
        try:
            entry = read_entry_header(buffer, start)
            with np.errstate(over="ignore", invalid="ignore"):
                values = decode(buffer, entry).astype(np.float32, copy=False)
        except WespkError as error:
            raise WespkError(f"{path}: '{key}' at byte {start}: {error}; make the archive again") from None
        yield key, values
        position = _after_space(buffer, entry.end) if entry.values is not None else entry.end


def read_vectors(scp: PathLike) -> tuple[list[str], np.ndarray]:
    """Read an scp of vectors into `(keys, float32 array (N, D))`.

    Raises `WespkError` for an empty table, a wrong shape or a non-finite value, naming the key.
    """
    return stack_vectors(scp, read_archive(scp))


def stack_vectors(source: PathLike, items: Iterable[Item]) -> tuple[list[str], np.ndarray]:
    """Return the keys and the float32 array (N, D) of items that must be vectors; see `read_vectors`."""
    keys: list[str] = []
    vectors: list[np.ndarray] = []
    for key, vector in items:
        if vector.ndim != 1 or (vectors and len(vector) != len(vectors[0])):
            expected = f"({len(vectors[0])},)" if vectors else "(D,)"
            raise WespkError(
                f"{source}: '{key}' has shape {vector.shape}, expected {expected}; all must be of one model"
            )
        keys.append(key)
        vectors.append(vector)
    if not keys:
        raise WespkError(f"{source}: holds no vectors")
    matrix = np.stack(vectors)
    bad = ~np.isfinite(matrix).all(axis=1)
    if bad.any():
        raise WespkError(
            f"{source}: '{keys[int(bad.argmax())]}' holds NaN or infinity ({bad.sum()} of {len(keys)} do); "
            "extract these again or leave them out"
        )
    return keys, matrix


def _key(path: PathLike, buffer: Buffer, position: int) -> tuple[str, int]:
    """Return the key at `position`, and where its entry starts."""
    stop = buffer.find(b" ", position, position + MAX_KEY_BYTES)
    try:
        key = buffer[position:stop].decode("utf-8") if stop > 0 else ""
    except UnicodeDecodeError:
        key = ""
    if key.split() != [key]:
        raise WespkError(f"{path}: no key at byte {position}; not a Kaldi archive, or a damaged one")
    return key, stop + 1


def _after_space(buffer: Buffer, position: int) -> int:
    space = _SPACE.match(buffer, position)
    return space.end() if space else position
