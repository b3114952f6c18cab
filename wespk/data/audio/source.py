"""Where the bytes of a recording come from: a file, a place in an archive, or the output of a command.

All three become one thing, a window on a file that is read by position. A window in an archive is never read
beyond the recording, and nothing but a regular file is ever opened: a FIFO or a device would hang the job.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from wespk.data.audio.command import command_output
from wespk.data.audio.values import AudioError

NAME_SHOWN = 200  # characters of an entry in an error message


@dataclass(frozen=True)
class Source:
    """`size` bytes of an open file, from byte `begin` on; `name` is for messages."""

    name: str
    descriptor: int
    begin: int
    size: int
    in_archive: bool = False  # other recordings follow: `size` is no more than an upper limit

    def read(self, offset: int, count: int) -> bytes:
        """Return up to `count` bytes from `offset` of the window; fewer at its end."""
        count = min(count, self.size - offset)
        return os.pread(self.descriptor, count, self.begin + offset) if count > 0 else b""

    def part(self, offset: int, size: int) -> Source:
        """Return the window of at most `size` bytes that begins at `offset` of this one."""
        return replace(self, begin=self.begin + offset, size=min(size, self.size - offset), in_archive=False)

    @property
    def is_whole_file(self) -> bool:
        """Whether the window shows all of the file, so that the descriptor may stand for it."""
        return self.begin == 0 and self.size == os.fstat(self.descriptor).st_size


@contextmanager
def open_source(entry: str, allow_pipes: bool) -> Iterator[Source]:
    """Open a wav.scp value: a path, ``archive:offset``, or a shell command ending in ``|``.

    Raises `AudioError` of kind missing, unreadable, empty, or one of the kinds of a pipe.
    """
    if entry.endswith("|"):
        if not allow_pipes:
            raise AudioError("pipe refused: shell commands are run for a recipe's own wav.scp only")
        command = entry[:-1].strip()
        shell = ["bash", "-o", "pipefail", "-c", command]
        with command_output(shell, f"pipe failed: {shown(command)}") as output:
            yield _whole(shown(entry), output.fileno())
        return
    path, offset = _locate(entry)
    descriptor = _open_regular(path, entry)
    try:
        whole = _whole(shown(entry), descriptor)
        if offset is None:
            yield whole
        elif offset >= whole.size:
            raise AudioError(f"unreadable: {whole.name} begins behind the archive's end ({whole.size} bytes)")
        else:
            yield replace(whole, begin=offset, size=whole.size - offset, in_archive=True)
    finally:
        os.close(descriptor)


def archive_path(entry: str) -> str:
    """Return the file that a wav.scp value other than a pipe names, the offset of an archive left off."""
    return _locate(entry)[0]


def shown(text: str) -> str:
    """Return `text` fit for an error message: one line, not too long."""
    printable = "".join(c if c.isprintable() else "?" for c in text[: NAME_SHOWN + 1])
    return printable if len(text) <= NAME_SHOWN else printable[:NAME_SHOWN] + "..."


class SourceStream(io.RawIOBase):
    """A source as a file object, for libraries that want to read and to seek."""

    def __init__(self, source: Source) -> None:
        self._source, self._position = source, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Return the position within the window."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move within the window, and never before its begin."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer) -> int:
        """Fill `buffer` from the position on."""
        view = memoryview(buffer).cast("B")
        data = self._source.read(self._position, len(view))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


def _whole(name: str, descriptor: int) -> Source:
    size = os.fstat(descriptor).st_size
    if not size:
        raise AudioError(f"empty: {name} has no bytes")
    return Source(name, descriptor, 0, size)


def _locate(entry: str) -> tuple[str, int | None]:
    """Return path and offset; a file whose own name ends in ``:12`` is taken before an archive."""
    stem, colon, digits = entry.rpartition(":")
    looks_so = colon and stem and len(digits) < 19 and digits.isascii() and digits.isdecimal()
    if looks_so and not os.path.exists(entry) and os.path.exists(stem):
        return stem, int(digits)
    return entry, None


def _open_regular(path: str, entry: str) -> int:
    try:
        kind = os.stat(path).st_mode
        if not stat.S_ISREG(kind):
            what = "a directory" if stat.S_ISDIR(kind) else "a device, socket or FIFO"
            raise AudioError(f"unreadable: {shown(entry)} is {what}, not a file")
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise AudioError(f"missing: {shown(entry)}") from None
    except (OSError, ValueError) as error:
        raise AudioError(f"unreadable: {shown(entry)} ({getattr(error, 'strerror', error)})") from None
