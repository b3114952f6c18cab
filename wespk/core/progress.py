"""Progress of long work: a live line with rate and ETA on a terminal, sparse lines in a log file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

Item = TypeVar("Item")


def clock(seconds: float) -> str:
    """Return a duration as ``1:02:03`` or ``2:03``."""
    minutes, second = divmod(max(0, round(seconds)), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02d}:{second:02d}" if hour else f"{minute}:{second:02d}"


def say(text: str) -> None:
    """Print one line for the user at once, also into a log file."""
    print(text, flush=True)


class Ticker:
    """Decides when the next progress line is due: often on a terminal, ever more rarely in a log."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self.start = time.monotonic()
        self._due = self.start + (0.2 if self.live else 10.0)

    def due(self) -> bool:
        """True when it is time for a line; the pause then grows in a log (10 s to 2 minutes)."""
        now = time.monotonic()
        if now < self._due:
            return False
        self._due = now + (0.2 if self.live else min(120.0, now - self.start))
        return True

    def show(self, line: str) -> None:
        """Write the line: over the last one on a terminal, as a new one in a log."""
        self.stream.write(f"\r\033[K{line}" if self.live else f"{line}\n")
        self.stream.flush()

    def clear(self) -> None:
        """Remove the live line, so that other output starts on a clean one."""
        if self.live:
            self.stream.write("\r\033[K")
            self.stream.flush()


def track(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """Yield the items, showing how many are done, the rate and the time left."""
    ticker = Ticker()
    for done, item in enumerate(items, 1):
        yield item
        if ticker.due():
            rate = done / (time.monotonic() - ticker.start)
            eta = clock((total - done) / rate)
            ticker.show(f"{what}: {done}/{total} ({100 * done / total:.0f} %), {rate:.1f}/s, {eta} left")
    ticker.clear()
