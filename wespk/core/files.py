"""Files that appear under their final name only when they are complete."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wespk.core.errors import WespkError

PathLike = str | os.PathLike[str]


@contextmanager
def atomic_path(path: PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends without an error.

    The data reach the disk before the rename, so a reader sees the old file or the whole new one,
    also after a crash. On an error the temporary file is removed and `path` is left as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with open(temporary, "rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: PathLike, content: bytes) -> None:
    """Write `content` to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: PathLike, text: str) -> None:
    """Write `text` to `path` atomically, as UTF-8 with Unix line ends."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: PathLike, value: Any) -> None:
    """Write `value` to `path` atomically, as indented JSON with sorted keys (equal values, equal bytes)."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: PathLike) -> Any:
    """Read a JSON file. Raises `WespkError` naming the file when it is missing or malformed."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise WespkError(f"{path}:{error.lineno}: not valid JSON ({error.msg})") from error


def read_text(path: PathLike) -> str:
    """Read a UTF-8 text file. Raises `WespkError` naming the file when it is missing or not UTF-8."""
    try:
        return Path(path).read_bytes().decode("utf-8")  # line ends as they are
    except FileNotFoundError:
        raise WespkError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise WespkError(f"{path}: is a directory, a file is needed") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise WespkError(f"{path}:{line}: not valid UTF-8; convert the file to UTF-8") from None


def digest(*parts: str | bytes) -> str:
    """Return a SHA-256 of the parts, in hexadecimal; the borders between parts count."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8") if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "little") + data)
    return total.hexdigest()


def file_digest(path: PathLike, algorithm: str = "sha256") -> str:
    """Return the digest of a file's content, in hexadecimal, reading it in blocks."""
    total = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            total.update(block)
    return total.hexdigest()
