"""Files that appear under their final name only when they are complete."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wespk.core.errors import WespkError

PathLike = str | os.PathLike[str]

OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def atomic_path(path: PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends without an error.

    The data reach the disk before the rename, so a reader sees the old file or the whole new one,
    also after a crash. On an error the temporary file is removed and `path` is left as it was. A full disk
    or a folder that cannot be written to is a `WespkError` that names `path`, and so is a `path` that is a
    device or a pipe, whose place the file would take.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise WespkError(f"{path}: is not an ordinary file and would be replaced by one; name another file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}"
        raise WespkError(f"{path}: its folder cannot be made ({reason}); name another place") from None
    temporary = path.with_name(f".{path.name}.{_host()}.{os.getpid()}.tmp")
    try:
        yield temporary
        with open(temporary, "rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        is_full = error.errno in OUT_OF_SPACE
        if not is_full and (error.filename is None or Path(error.filename) != temporary):
            raise
        remedy = "make room and run again" if is_full else "name another place"
        raise WespkError(f"{path}: cannot be written ({error.strerror}); {remedy}") from None
    finally:
        temporary.unlink(missing_ok=True)


def remove_stale(*paths: PathLike) -> None:
    """Delete what killed processes of this machine have left of `atomic_path(path)`, for each path."""
    for path in map(Path, paths):
        start, end = f".{path.name}.{_host()}.", ".tmp"
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(start)]
        for name in names:
            process = name[len(start) : -len(end)]
            if name.endswith(end) and process.isdecimal() and not _is_running(int(process)):
                path.with_name(name).unlink(missing_ok=True)


def _host() -> str:
    """Return a short name of this machine, whose process numbers mean nothing on another one."""
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


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
    except (RecursionError, ValueError) as error:  # nested ten thousand deep, a number of ten thousand digits
        raise WespkError(f"{path}: not JSON that can be read ({str(error).split(':')[0]})") from None


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


def line_blocks(path: PathLike, size: int, most: int) -> Iterator[bytes]:
    """Yield a file's bytes in blocks of whole lines, of about `size` bytes.

    What follows the last line end comes last, without one. Raises `WespkError` for a line of more than `most`
    bytes and for a file that is not there.
    """
    try:
        with open(path, "rb") as stream:
            rest = b""
            while block := stream.read(size):
                cut = block.rfind(b"\n") + 1
                if cut:
                    yield rest + block[:cut]
                    rest = block[cut:]
                else:
                    rest += block
                if len(rest) > most:
                    raise WespkError(f"{path}: a line is longer than {most >> 20} MB; is it text?")
    except FileNotFoundError:
        raise WespkError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise WespkError(f"{path}: is a directory, a file is needed") from None
    if rest:
        yield rest


def digest(*parts: str | bytes | memoryview) -> str:
    """Return a SHA-256 of the parts, in hexadecimal; the borders between parts count.

    A `memoryview` must be of bytes; it is not copied.
    """
    total = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8") if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "little"))
        total.update(data)
    return total.hexdigest()


def file_stamp(path: PathLike) -> str:
    """Return a cheap fingerprint of a file's state: size and modification time in nanoseconds."""
    status = os.stat(path)
    return f"{Path(path)} {status.st_size} {status.st_mtime_ns}"


def file_digest(path: PathLike, algorithm: str = "sha256") -> str:
    """Return the digest of a file's content, in hexadecimal, reading it in blocks."""
    total = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            total.update(block)
    return total.hexdigest()
