"""Single Kaldi objects in files of their own: a Vector, a Matrix, a Plda (mean.vec, lda.mat, plda).

Both of Kaldi's forms are read and written: binary (`\\0B`, then tokens and little-endian numbers) and text.
Tables (ark/scp) are another module's. The bytes are not trusted: every size is checked against what the file
holds before anything is allocated, and whatever is wrong is a `WespkError` of one line that names the file.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, write_bytes

MAX_BINARY_BYTES = 256 << 20  # a 4096 x 8192 matrix of doubles
MAX_TEXT_BYTES = 32 << 20  # parsed text takes up to 5 times its size in memory

FloatArray = NDArray[np.floating[Any]]
DoubleArray = NDArray[np.float64]

_DTYPES: dict[bytes, np.dtype[Any]] = {b"F": np.dtype("<f4"), b"D": np.dtype("<f8")}
_SPACE = re.compile(rb"\s*")
_WORD = re.compile(rb"\S+")
_LINE = re.compile(rb"[^\n]+")
_KINDS = {b"V": "vector", b"M": "matrix"}


def read_vector(path: PathLike) -> FloatArray:
    """Read a Kaldi vector, (D,): float32 or float64 as it is stored; text becomes float64."""
    reader = _open(path)
    vector = reader.vector()
    reader.end()
    return vector


def read_matrix(path: PathLike) -> FloatArray:
    """Read an uncompressed Kaldi matrix, (R, C): float32 or float64 as it is stored; text becomes float64."""
    reader = _open(path)
    matrix = reader.matrix()
    reader.end()
    return matrix


def read_plda(path: PathLike) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """Read what ivector-compute-plda wrote: (mean (D,), transform (D, D), psi (D,)), all float64.

    `wespk.backend.Plda(*read_plda(path))` makes a model of it.
    """
    reader = _open(path)
    reader.token(b"<Plda>")
    mean, transform, psi = reader.vector(), reader.matrix(), reader.vector()
    reader.token(b"</Plda>")
    reader.end()
    _check_plda(path, mean, transform, psi)
    return mean.astype(np.float64), transform.astype(np.float64), psi.astype(np.float64)


def write_vector(path: PathLike, vector: ArrayLike, binary: bool = True) -> None:
    """Write a vector (D,) atomically; float32 stays float32, everything else becomes float64."""
    array = _as_float(path, vector, 1)
    write_bytes(path, b"\0B" + _pack(array) if binary else format_text(array))


def write_matrix(path: PathLike, matrix: ArrayLike, binary: bool = True) -> None:
    """Write a matrix (R, C) atomically; float32 stays float32, everything else becomes float64."""
    array = _as_float(path, matrix, 2)
    write_bytes(path, b"\0B" + _pack(array) if binary else format_text(array))


def write_plda(
    path: PathLike, mean: ArrayLike, transform: ArrayLike, psi: ArrayLike, binary: bool = True
) -> None:
    """Write a PLDA, mean (D,), transform (D, D), psi (D,), atomically, in doubles, for Kaldi's tools."""
    parts = [np.asarray(part, dtype=np.float64) for part in (mean, transform, psi)]
    _check_plda(path, *parts)
    if binary:
        write_bytes(path, b"\0B<Plda> " + b"".join(map(_pack, parts)) + b"</Plda> ")
    else:
        write_bytes(path, b"<Plda> " + b"".join(map(format_text, parts)) + b"</Plda> ")


def _check_plda(path: PathLike, mean: FloatArray, transform: FloatArray, psi: FloatArray) -> None:
    if not (mean.ndim == 1 and len(mean) and psi.shape == mean.shape and transform.shape == mean.shape * 2):
        raise WespkError(
            f"{path}: no PLDA: mean {mean.shape}, transform {transform.shape}, psi {psi.shape} do not agree"
        )


def _as_float(path: PathLike, value: ArrayLike, ndim: int) -> FloatArray:
    array = np.asarray(value)
    if array.ndim != ndim or array.dtype.kind not in "fiub":
        wanted = "vector" if ndim == 1 else "matrix"
        raise WespkError(f"{path}: a {wanted} of numbers is needed, not {array.dtype} of shape {array.shape}")
    return array if array.dtype == np.float32 else array.astype(np.float64)


def _pack(array: FloatArray) -> bytes:
    """Return a vector or matrix in Kaldi's binary form, without the file's `\\0B`."""
    letter = b"F" if array.dtype == np.float32 else b"D"
    kind = b"V" if array.ndim == 1 else b"M"
    sizes = b"".join(b"\4" + struct.pack("<i", size) for size in array.shape)
    return letter + kind + b" " + sizes + array.astype(_DTYPES[letter]).tobytes()


def format_text(array: FloatArray) -> bytes:
    """Return a vector or matrix in Kaldi's text form, with as many digits as reading back exactly takes."""
    digits = 9 if array.dtype == np.float32 else 17
    rows = [" ".join(f"{value:.{digits}g}" for value in row.tolist()) for row in np.atleast_2d(array)]
    if array.ndim == 1:
        return f" [ {rows[0]} ]\n".encode() if array.size else b" [ ]\n"
    return (" [\n  " + "\n  ".join(rows) + " ]\n").encode() if array.size else b" [ ]\n"


def _open(path: PathLike) -> _BinaryReader | TextReader:
    """Read the whole file, within the limits, and return the reader for its form."""
    try:
        with open(Path(path), "rb") as stream:
            head = stream.read(2)
            limit = MAX_BINARY_BYTES if head == b"\0B" else MAX_TEXT_BYTES
            body = stream.read(limit + 1)
    except FileNotFoundError:
        raise WespkError(f"{path}: no such file") from None
    except OSError as error:
        raise WespkError(f"{path}: cannot be read ({error.strerror})") from None
    if len(body) > limit:
        raise WespkError(f"{path}: larger than {limit >> 20} MiB; not a single Kaldi vector, matrix or PLDA")
    return _BinaryReader(path, body) if head == b"\0B" else TextReader(path, head + body)


class _BinaryReader:
    """Takes objects off the front of a binary file's bytes, after its `\\0B`."""

    def __init__(self, path: PathLike, body: bytes) -> None:
        self.path, self.body, self.position = path, body, 0

    def vector(self) -> FloatArray:
        dtype = self._header(b"V")
        return self._numbers(dtype, (self._size(),))

    def matrix(self) -> FloatArray:
        dtype = self._header(b"M")
        return self._numbers(dtype, (self._size(), self._size()))

    def token(self, token: bytes) -> None:
        if self._take(len(token) + 1) != token + b" ":
            raise WespkError(f"{self.path}: not a Kaldi PLDA: '{token.decode()}' is missing")

    def end(self) -> None:
        if self.position < len(self.body):
            rest = len(self.body) - self.position
            raise WespkError(f"{self.path}: {rest} bytes too many; a single object is needed, not a table")

    def _header(self, kind: bytes) -> np.dtype[Any]:
        header = self._take(3)
        if header[:1] not in _DTYPES or header[1:] != kind + b" ":
            found = "a compressed matrix" if header[:2] == b"CM" else _KINDS.get(header[1:2], "other data")
            raise WespkError(f"{self.path}: an uncompressed Kaldi {_KINDS[kind]} is needed, not {found}")
        return _DTYPES[header[:1]]

    def _size(self) -> int:
        field = self._take(5)
        size: int = struct.unpack("<i", field[1:])[0]
        if field[0] != 4 or size < 0:
            raise WespkError(f"{self.path}: broken size field; not a Kaldi file of a little-endian machine")
        return size

    def _numbers(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> FloatArray:
        count = 1
        for size in shape:
            count *= size
        # Kaldi makes a matrix empty on both sides or on none; numpy could not undo R x 0 anyway.
        if count == 0 and any(shape):
            raise WespkError(f"{self.path}: a matrix of {shape[0]} x {shape[1]} is not valid")
        return np.frombuffer(self._take(count * dtype.itemsize), dtype).astype(dtype.type).reshape(shape)

    def _take(self, size: int) -> bytes:
        left = len(self.body) - self.position
        if size > left:
            raise WespkError(f"{self.path}: truncated: {size} more bytes are needed and {left} are left")
        self.position += size
        return self.body[self.position - size : self.position]


class TextReader:
    """Takes objects off the front of a text; `path` is what errors call it."""

    def __init__(self, path: PathLike, body: bytes) -> None:
        self.path, self.body, self.position = path, body, 0

    def vector(self) -> FloatArray:
        return self._numbers(self._brackets("vector"))

    def matrix(self) -> FloatArray:
        text = self._brackets("matrix")
        widths = {sum(1 for _ in _WORD.finditer(text, *line.span())) for line in _LINE.finditer(text)} - {0}
        if len(widths) > 1:
            raise WespkError(f"{self.path}: the rows of the matrix differ in length")
        return self._numbers(text).reshape(-1, *widths) if widths else np.empty((0, 0))

    def token(self, token: bytes) -> None:
        self._skip_space()
        if not self.body.startswith(token, self.position):
            raise WespkError(f"{self.path}: not a Kaldi PLDA: '{token.decode()}' is missing")
        self.position += len(token)

    def end(self) -> None:
        self._skip_space()
        if self.position < len(self.body):
            raise WespkError(f"{self.path}: text follows the object; a single object is needed, not a table")

    def _brackets(self, wanted: str) -> bytes:
        """Return what stands between the next `[` and its `]`."""
        self._skip_space()
        if not self.body.startswith(b"[", self.position):
            raise WespkError(f"{self.path}: not a Kaldi {wanted}: neither binary nor '[' and numbers")
        stop = self.body.find(b"]", self.position)
        if stop < 0:
            raise WespkError(f"{self.path}: truncated: the {wanted} has no closing ']'")
        inner = self.body[self.position + 1 : stop]
        self.position = stop + 1
        return inner

    def _numbers(self, text: bytes) -> DoubleArray:
        try:
            if b"_" in text:  # float() takes 1_000, Kaldi does not
                raise ValueError
            return np.fromiter((float(word[0]) for word in _WORD.finditer(text)), np.float64)
        except ValueError:
            raise WespkError(f"{self.path}: something between '[' and ']' is not a number") from None

    def _skip_space(self) -> None:
        space = _SPACE.match(self.body, self.position)
        self.position = space.end() if space else self.position
