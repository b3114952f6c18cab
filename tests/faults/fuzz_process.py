"""The worker processes of the fuzz as the one who gives them cases sees them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from fuzz_worker import CASE_SECONDS

PATIENCE_S = 6 * CASE_SECONDS  # the worker's own clocks end a case long before
LAST_LINES = 12
WORKER = Path(__file__).with_name("fuzz_worker.py")

Result = dict[str, Any]


class WorkerProcess:
    """A process of `fuzz_worker`, which runs in the working folder."""

    def __init__(self, seed: int, root: Path, script: Path = WORKER) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `close`)
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        if self._answer() is None:
            raise RuntimeError(f"a worker does not start: {self.last_words()}")

    def run(self, number: int) -> Result | None:
        """Return the result of a case, or None where the process ended over it."""
        self._in.write(f"{number}\n")
        self._in.flush()
        return self._answer()

    def last_words(self) -> str:
        """Say how the process ended, with the end of its standard error, which shows where it was."""
        status = self._process.wait()
        self._errors.seek(0)
        words = self._errors.read().decode("utf-8", "replace")
        self.close()
        how = f"signal {-status}" if status < 0 else f"status {status}"
        what = "hung" if "Timeout (" in words else "crashed"
        lines = [
            line.strip() for line in words.splitlines() if line.startswith(("  File", "Fatal", "Timeout"))
        ]
        return f"{what} ({how}): {' / '.join(lines[:LAST_LINES])}"

    def close(self) -> None:
        """End the process."""
        self._in.close()
        self._out.close()
        self._process.wait()
        self._errors.close()

    def _answer(self) -> Result | None:
        watchdog = threading.Timer(PATIENCE_S, self._process.kill)
        watchdog.start()
        line = self._out.readline()
        watchdog.cancel()
        return json.loads(line) if line.endswith("\n") else None
