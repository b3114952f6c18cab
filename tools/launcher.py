"""What the launchers local.py and slurm.py share: how they are called, and what the log of a job looks like.

A script's own folder is on sys.path, so both import this module from beside them.
"""

from __future__ import annotations

import contextlib
import ctypes
import difflib
import os
import re
import shlex
import signal
import socket
import sys
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

OURS = ["max-jobs-run", "num-threads", "pick"]
OF_A_CLUSTER = ["mem", "time", "gpu", "nodes", "partition", "account", "qos", "config"]
ARRAY = re.compile(r"([A-Za-z_]\w*)=(\d+)(?::(\d+))?")
TAIL_LINES = 15
ANY_BYTES = ("utf-8", "surrogateescape")  # a command line need not be valid UTF-8
SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux's prctl


@dataclass(frozen=True)
class Job:
    """One command with its log: the whole call, or one number of an array."""

    log: Path
    command: list[str]
    number: int = 0  # 0 without an array

    def process(self) -> list[str]:
        """Return what is to be executed: a single argument is a shell line."""
        if len(self.command) == 1:
            return ["bash", "-o", "pipefail", "-c", self.command[0]]
        return self.command

    def header(self) -> bytes:
        """Return the first lines of the log."""
        shown = self.command[0] if len(self.command) == 1 else shlex.join(self.command)
        return f"# {shown}\n# Running on {socket.gethostname()}\n# Started at {now()}\n#\n".encode(*ANY_BYTES)

    def end_log(self, code: int, seconds: float) -> None:
        """Append the last line of the log, which says how the job has ended."""
        with open(self.log, "ab+") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 1))
            line_end = b"" if log.read() in (b"", b"\n") else b"\n"
            ended = f"# Ended (code {code}) at {now()}, elapsed time {round(seconds)} seconds\n"
            log.write(line_end + ended.encode())


@dataclass(frozen=True)
class Call:
    """A parsed command line."""

    log: str
    command: list[str]
    array: str = ""  # the variable, usually JOB; empty without an array
    first: int = 1
    last: int = 1
    options: dict[str, str] = field(default_factory=dict)  # as given, names with dashes

    @property
    def max_jobs_run(self) -> int:
        """How many may run at once; 0: no bound."""
        return int(self.options.get("max-jobs-run", 0))

    @property
    def num_threads(self) -> int:
        """OMP_NUM_THREADS of a job; 0: not said."""
        return int(self.options.get("num-threads", 0))

    def jobs(self) -> list[Job]:
        """Return all jobs of the call, also those that --pick leaves out."""
        if not self.array:
            return [Job(Path(self.log), self.command)]
        return [self.job(number) for number in range(self.first, self.last + 1)]

    def job(self, number: int) -> Job:
        """Return the job of that number, which stands in the log's name and the arguments."""
        filled = [part.replace(self.array, str(number)) for part in (self.log, *self.command)]
        return Job(Path(filled[0]), filled[1:], number)

    def wanted(self) -> list[Job]:
        """Return the jobs that --pick chooses, all by default."""
        return [job for job in self.jobs() if picked(job.log, self.options.get("pick", "all"))]

    def shown_log(self) -> str:
        """Return the log's name, with a star for the numbers of an array."""
        return self.log.replace(self.array, "*") if self.array else self.log


def parse(arguments: list[str], check_names: Callable[[dict[str, str]], None]) -> Call:
    """Read a launcher's command line; `check_names` refuses the options that the launcher does not know."""
    options: dict[str, str] = {}
    array, first, last = "", 1, 1
    rest = list(arguments)
    while rest:  # as in run.pl, JOB=1:N may stand before, between or after the options
        if match := ARRAY.fullmatch(rest[0]):
            array, first, last = match[1], int(match[2]), int(match[3] or match[2])
            if not 1 <= first <= last:
                fail(f"{rest[0]}: a job range is 1:N")
            del rest[0]
        elif re.match(r"[A-Za-z_]\w*=", rest[0]):
            fail(f"{rest[0]}: a job range is 1:N, with a number for N")
        elif rest[0].startswith("-"):
            if len(rest) < 2:
                fail(f"option {rest[0]} needs a value")
            options[dashed(rest[0])] = rest[1]
            del rest[:2]
        else:
            break
    check_names(options)
    if len(rest) < 2:
        fail(f"a log and a command are needed. See {program()} --help")
    if array and array not in rest[0]:
        fail(f"{rest[0]}: the log's name must contain {array}, or all jobs would write to one file")
    pick = options.get("pick", "all")
    if pick not in ("all", "failed", "incomplete"):
        fail(f"--pick {pick}: choose all, failed or incomplete")
    for name in ("max-jobs-run", "num-threads"):
        check_count(name, options.get(name, "1"))
    return Call(rest[0], rest[1:], array, first, last, options)


def dashed(name: str) -> str:
    """Return an option's name without leading dashes; `_` means `-`, as for Kaldi."""
    return name.lstrip("-").replace("_", "-")


def nearest(name: str, names: Collection[str]) -> str:
    """Return the name that is most like the one given."""
    return difflib.get_close_matches(name, names, n=1, cutoff=0)[0]


def check_count(name: str, text: str) -> None:
    if not text.isdecimal() or int(text) < 1:
        fail(f"--{name} {text}: a whole number from 1 is needed")


def program() -> str:
    """Return the name of the launcher that runs, for its messages."""
    return Path(sys.argv[0]).name


def say(message: str) -> None:
    print(f"{program()}: {message}", file=sys.stderr, flush=True)


def fail(message: str) -> NoReturn:
    sys.exit(f"{program()}: {message}")


def picked(log: Path, which: str) -> bool:
    """Tell whether a job with this log of the last run is among those that --pick names."""
    if which == "all":
        return True
    lines = last_lines(log, 1) if log.exists() else []
    ended = re.match(r"# Ended \(code (\d+)\)", lines[0]) if lines else None
    if which == "failed":
        return ended is not None and ended[1] != "0"
    return ended is None or ended[1] != "0"


def report(call: Call, failed: list[Path], total: int, *details: str) -> None:
    """Say how many jobs have failed, the details given, and how the first failed job's log ends."""
    first = min(failed, key=natural)
    if call.array:
        say(f"{len(failed)} / {total} failed, log is in {call.shown_log()}")
    else:
        say(f"job failed, log is in {first}")
    for line in details:
        say(line)
    if first.exists():
        say(f"the end of {first}:")
        print(*last_lines(first, TAIL_LINES), sep="\n", file=sys.stderr)
    else:
        say(f"{first} was never written")


def last_lines(log: Path, lines: int) -> list[str]:
    """Return the log's last lines, led by the errors that stand further up: torchrun adds a page to each."""
    with open(log, "rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - 10_000))
        found = stream.read().decode("utf-8", "replace").splitlines()
    errors = [line for line in found[:-lines] if ": error: " in line and not line.startswith("#")]
    return [*dict.fromkeys(errors[-3:]), *found[-lines:]]


def natural(path: Path) -> list[str | int]:
    """Sort key under which job.10.log follows job.9.log."""
    pieces: Iterable[str] = re.split(r"(\d+)", str(path))
    return [int(piece) if piece.isdecimal() else piece for piece in pieces]


def now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %z")


def cannot_start(command: list[str], error: OSError) -> tuple[int, bytes]:
    """Return the code and the log's line of a command that could not be started, as a shell would."""
    message = f"{command[0]}: {error.strerror}\n".encode(*ANY_BYTES)
    return (127 if isinstance(error, FileNotFoundError) else 126), message


def exit_code(returncode: int) -> int:
    """Return a process's code as a shell gives it: 128 + N after signal N."""
    return returncode if returncode >= 0 else 128 - returncode


def signals_to_heed() -> set[signal.Signals]:
    """Return the signals that stop a launcher, among them the death of the script that has called it.

    A run.sh that was killed must not leave its jobs writing beside those of the next run. Under nohup, which
    means to survive, a hang-up and the script's death are left alone.
    """
    heeded = {signal.SIGINT, signal.SIGTERM}
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        heeded.add(signal.SIGHUP)
        die_with_parent()
    return heeded


def die_with_parent() -> None:
    """Ask Linux to send this process SIGTERM when its parent dies; elsewhere, nothing."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
