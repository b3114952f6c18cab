"""What several tests ask about processes that they did not start themselves."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def lives(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it ended before the file was opened, or read
        return False


def wait_until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Look again and again until `condition()` holds; fail when it has not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"has not happened in {seconds:g} s"
        time.sleep(0.01)
