"""One run at a time in a folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wespk.core.errors import WespkError
from wespk.core.files import PathLike


@contextmanager
def exclusive(path: PathLike, what: str) -> Iterator[None]:
    """Hold the lock file `path` for the block; the system frees it when the process ends, however it ends.

    Raises `WespkError` when another process holds it: two runs would overwrite each other's results.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WespkError(f"{what} is being made by another run; wait for its end, or stop it") from None
        yield
