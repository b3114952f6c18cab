"""What the benches of the back-end and the metrics share: one measurement, one row, one table, on one core.

Each piece of work runs in a process of its own, so that its peak memory is its own: `of_command` starts a
command as a user does, `of_call` forks and calls a function.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

ROOT = Path(__file__).resolve().parents[1]
HEADER = ("work", "seconds", "CPU s", "peak MB", "at most", "verdict", "against")
WIDTHS = (58, 7, 7, 7, 12, 7, 0)
TEXTS = ("work", "at most", "verdict", "against")  # the others are numbers, and stand to the right


@dataclass(frozen=True)
class Measured:
    """Wall and processor seconds, peak resident memory of the process in MB, and what the work gave.

    On a machine that does nothing else the two kinds of seconds are much the same.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    result: Any


def on_one_core() -> None:
    """Start this script again with one thread, unless it has one."""
    restart_with(ONE_THREAD)


def restart_with(settings: Mapping[str, str]) -> None:
    """Start this script again with these environment variables, which libraries read as they are loaded."""
    if any(os.environ.get(name) != value for name, value in settings.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **settings})


def of_command(*arguments: object, cwd: Path) -> Measured:
    """Run `wespk ARGUMENTS` in `cwd`, from the start of the interpreter to the end of the process."""
    command = [sys.executable, "-m", "wespk", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile("w+") as said:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)  # the usage of this one child
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        output = said.read()
    if process.returncode:
        sys.exit(f"wespk {' '.join(map(str, arguments))}: status {process.returncode}\n{output}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def of_call(prepare: Callable[[], Any], work: Callable[[Any], Any]) -> Measured:
    """Call `work(prepare())` in a forked process: the seconds of `work`, the memory of both."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            inputs = prepare()
            start, cpu_start = time.perf_counter(), time.process_time()
            result = work(inputs)
            seconds = time.perf_counter() - start, time.process_time() - cpu_start
            with os.fdopen(writer, "wb") as stream:
                pickle.dump((seconds, result), stream)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answer = stream.read()
    _, status, usage = os.wait4(child, 0)
    if status:
        sys.exit(f"{work}: failed")
    seconds, result = pickle.loads(answer)
    return Measured(*seconds, usage.ru_maxrss / 1024, result)


def heading() -> None:
    """Print the head of the table."""
    _line(HEADER)


def row(
    work: str,
    measured: Measured,
    seconds: float | None = None,
    gigabytes: float | None = None,
    against: str = "",
) -> None:
    """Print a row: the figures, the limits that they are held to (None: no limit), the verdict."""
    limits = (f"{seconds:g} s" if seconds else "", f"{gigabytes:g} GB" if gigabytes else "")
    met = (seconds is None or measured.seconds <= seconds) and (
        gigabytes is None or measured.peak_mb <= 1024 * gigabytes
    )
    verdict = ("met" if met else "MISSED") if seconds or gigabytes else ""
    figures = (f"{measured.seconds:.2f}", f"{measured.cpu_seconds:.2f}", f"{measured.peak_mb:.0f}")
    _line((work, *figures, ", ".join(filter(None, limits)), verdict, against))


def _line(cells: Sequence[str]) -> None:
    aligned = [
        f"{cell:<{width}}" if name in TEXTS else f"{cell:>{width}}"
        for name, cell, width in zip(HEADER, cells, WIDTHS, strict=True)
    ]
    print("  ".join(aligned).rstrip(), flush=True)
