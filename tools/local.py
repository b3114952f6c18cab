#!/usr/bin/env python3
"""Run a recipe's jobs side by side on this machine; called like Kaldi's run.pl.

Usage: local.py [options] [JOB=1:N] <log> <command> [<argument> ...]

  local.py --mem 4G JOB=1:4 exp/fbank/log/fbank.JOB.log \\
    wespk compute-fbank --config conf/fbank.conf --job JOB/4 data/train

JOB becomes 1 .. N in the log's name and in the arguments, and an array's log must contain it. The command
runs without a shell; a single argument is a shell line, such as 'sort a.JOB | uniq > b.JOB' (bash, pipefail).
A log begins with the command, the host and the time, and ends with `# Ended (code N) at ..., elapsed time N
seconds`. All jobs are run even when one fails; then the exit status is 1 and the end of its log is shown.

  --max-jobs-run N   at most N at once (default: all)
  --num-threads N    OMP_NUM_THREADS of a job (default: that of the caller, divided among jobs at once)
  --pick WHICH       failed or incomplete: only the jobs whose logs from the last run say so (default: all)
  --mem, --time, --gpu, --nodes, --partition, --account, --qos, --config, each with a value, are for a
  cluster's launcher and mean nothing here, so that cmd.sh alone chooses between the two.

WESPK_PARALLEL_JOBS tells a job how many run at once. Interrupting or killing local.py ends its jobs with
everything they started: they get the signal, and SIGKILL after WESPK_KILL_AFTER seconds (default 10).
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
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

OURS = ["max-jobs-run", "num-threads", "pick"]
OF_A_CLUSTER = ["mem", "time", "gpu", "nodes", "partition", "account", "qos", "config"]
ARRAY = re.compile(r"([A-Za-z_]\w*)=(\d+)(?::(\d+))?")
TAIL_LINES = 15
ANY_BYTES = ("utf-8", "surrogateescape")  # a command line need not be valid UTF-8
KILL_AFTER = float(os.environ.get("WESPK_KILL_AFTER", 10))
SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux's prctl


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("--help", "-h"):
        print(__doc__.strip())
        return 0 if arguments else 1
    call = parse(arguments)
    wanted = [job for job in call.jobs() if picked(job.log, call.pick)]
    return Launcher(call, wanted).run() if wanted else 0


@dataclass(frozen=True)
class Job:
    log: Path
    command: list[str]


@dataclass(frozen=True)
class Call:
    """A parsed command line."""

    log: str
    command: list[str]
    array: str = ""  # the variable, usually JOB; empty without an array
    first: int = 1
    last: int = 1
    max_jobs_run: int = 0  # 0: no bound
    num_threads: int = 0  # 0: the caller's, divided
    pick: str = "all"

    def jobs(self) -> list[Job]:
        if not self.array:
            return [Job(Path(self.log), self.command)]
        numbers = [str(number) for number in range(self.first, self.last + 1)]
        return [
            Job(Path(self.log.replace(self.array, n)), [part.replace(self.array, n) for part in self.command])
            for n in numbers
        ]

    def shown_log(self) -> str:
        return self.log.replace(self.array, "*") if self.array else self.log


def parse(arguments: list[str]) -> Call:
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
            name = rest[0].lstrip("-").replace("_", "-")
            if name not in OURS + OF_A_CLUSTER:
                near = difflib.get_close_matches(name, OURS + OF_A_CLUSTER, n=1, cutoff=0)[0]
                fail(f"unknown option {rest[0]}; the nearest is --{near}. See local.py --help")
            if len(rest) < 2:
                fail(f"option {rest[0]} needs a value")
            options[name] = rest[1]
            del rest[:2]
        else:
            break
    if len(rest) < 2:
        fail("a log and a command are needed. See local.py --help")
    if array and array not in rest[0]:
        fail(f"{rest[0]}: the log's name must contain {array}, or all jobs would write to one file")
    pick = options.get("pick", "all")
    if pick not in ("all", "failed", "incomplete"):
        fail(f"--pick {pick}: choose all, failed or incomplete")
    bounds = {name: count(name, options[name]) for name in ("max-jobs-run", "num-threads") if name in options}
    return Call(
        log=rest[0],
        command=rest[1:],
        array=array,
        first=first,
        last=last,
        max_jobs_run=bounds.get("max-jobs-run", 0),
        num_threads=bounds.get("num-threads", 0),
        pick=pick,
    )


def count(name: str, text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        fail(f"--{name} {text}: a whole number from 1 is needed")
    return int(text)


def fail(message: str) -> NoReturn:
    sys.exit(f"local.py: {message}")


def picked(log: Path, which: str) -> bool:
    if which == "all":
        return True
    lines = last_lines(log, 1) if log.exists() else []
    ended = re.match(r"# Ended \(code (\d+)\)", lines[0]) if lines else None
    if which == "failed":
        return ended is not None and ended[1] != "0"
    return ended is None or ended[1] != "0"


class Launcher:
    """Runs the jobs and waits for them.

    One thread, and no asynchronous signal handlers: the signals of interest are blocked and taken one by one
    with sigwait, so nothing can happen between starting a job and noting that it runs.
    """

    def __init__(self, call: Call, jobs: list[Job]) -> None:
        self.call = call
        self.waiting = list(reversed(jobs))
        self.total = len(jobs)
        self.at_once = min(len(jobs), call.max_jobs_run or len(jobs))
        self.running: dict[int, Running] = {}
        self.failed: list[Path] = []
        self.environment = {**os.environ, **job_settings(self.at_once, call.num_threads)}
        self.stop_signals = {signal.SIGINT, signal.SIGTERM}
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # else: under nohup, which means to survive
            self.stop_signals.add(signal.SIGHUP)
            die_with_parent()  # a killed run.sh must not leave its jobs writing beside those of the next run
        signal.signal(signal.SIGCHLD, lambda *_: None)  # an ignored signal would not be reported to sigwait
        self.watchdog = Watchdog()
        self.callers_mask = signal.pthread_sigmask(signal.SIG_BLOCK, {*self.stop_signals, signal.SIGCHLD})

    def run(self) -> int:
        while self.waiting or self.running:
            while self.waiting and len(self.running) < self.at_once:
                self.start(self.waiting.pop())
            if not self.running:
                break  # none of them could be started
            if (received := signal.sigwait({*self.stop_signals, signal.SIGCHLD})) != signal.SIGCHLD:
                self.stop(received)
                done = self.total - len(self.waiting) - len(self.failed)
                name = signal.Signals(received).name
                print(f"local.py: stopped by {name}; {done} / {self.total} done", file=sys.stderr)
                return 128 + received
            self.reap()
        self.watchdog.dismiss()
        if self.failed:
            self.report()
        return 1 if self.failed else 0

    def start(self, job: Job) -> None:
        try:
            job.log.parent.mkdir(parents=True, exist_ok=True)
            shell_line = job.command[0] if len(job.command) == 1 else ""
            command = ["bash", "-o", "pipefail", "-c", shell_line] if shell_line else job.command
            job.log.write_bytes(
                f"# {shell_line or shlex.join(command)}\n"
                f"# Running on {socket.gethostname()}\n# Started at {now()}\n#\n".encode(*ANY_BYTES)
            )
        except OSError as error:
            self.stop(signal.SIGTERM)
            fail(f"{job.log}: cannot write the log ({error.strerror})")
        begin = time.monotonic()
        with open(job.log, "ab") as log:
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self.environment,
                    start_new_session=True,  # a process group of its own: to be signalled as a whole
                    preexec_fn=self.prepare_child,
                )
            except OSError as error:
                log.write(f"{command[0]}: {error.strerror}\n".encode(*ANY_BYTES))
                log.flush()
                self.finish(job, begin, 127 if isinstance(error, FileNotFoundError) else 126)
                return
        self.running[process.pid] = Running(job, begin, process)

    def prepare_child(self) -> None:
        """What happens in the new process before it becomes the job."""
        self.watchdog.note(os.getpid())  # by the child itself, so that no job runs unknown to the watchdog
        for number in self.stop_signals:
            signal.signal(number, signal.SIG_DFL)  # the shell makes what it runs with `&` ignore SIGINT
        signal.pthread_sigmask(signal.SIG_SETMASK, self.callers_mask)
        die_with_parent()

    def reap(self) -> None:
        """Take note of every job that has ended."""
        for pid in list(self.running):
            # The job stays a zombie at first: while it does, no other process group can get its number.
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            signal_group(pid, signal.SIGKILL)  # what it left behind, if it crashed or was killed
            self.watchdog.forget(pid)
            done = self.running.pop(pid)
            code = done.process.wait()
            self.finish(done.job, done.begin, code if code >= 0 else 128 - code)

    def finish(self, job: Job, begin: float, code: int) -> None:
        elapsed = round(time.monotonic() - begin)
        with open(job.log, "rb+") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - 1))
            line_end = b"" if log.read() in (b"", b"\n") else b"\n"
            log.write(
                line_end + f"# Ended (code {code}) at {now()}, elapsed time {elapsed} seconds\n".encode()
            )
        if code != 0:
            self.failed.append(job.log)

    def stop(self, received: int) -> None:
        """Pass a signal on, wait for the jobs, and kill those that stay."""
        for pid in self.running:
            signal_group(pid, received)
        deadline = time.monotonic() + KILL_AFTER
        while self.running:
            left = deadline - time.monotonic()
            again = signal.sigtimedwait({*self.stop_signals, signal.SIGCHLD}, max(0.0, left))
            if again is None or again.si_signo != signal.SIGCHLD:  # time is up, or the user insists
                for pid in self.running:
                    signal_group(pid, signal.SIGKILL)
                deadline = time.monotonic() + KILL_AFTER
            self.reap()
        self.watchdog.dismiss()

    def report(self) -> None:
        first = min(self.failed, key=natural)
        if self.call.array:
            print(
                f"local.py: {len(self.failed)} / {self.total} failed, log is in {self.call.shown_log()}",
                file=sys.stderr,
            )
        else:
            print(f"local.py: job failed, log is in {first}", file=sys.stderr)
        print(f"local.py: the end of {first}:", file=sys.stderr)
        print(*last_lines(first, TAIL_LINES), sep="\n", file=sys.stderr)


@dataclass(frozen=True)
class Running:
    job: Job
    begin: float
    process: subprocess.Popen[bytes]


class Watchdog:
    """A process that outlives local.py to end its jobs when local.py itself is killed with SIGKILL.

    It reads from a pipe which process groups run. The pipe's end without `done` means that local.py is gone.
    """

    def __init__(self) -> None:
        source, sink = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(sink)
            self.watch(source)
        os.close(source)
        self.sink = sink

    def note(self, group: int) -> None:
        self.tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        self.tell(f"-{group}\n")

    def tell(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # somebody killed the watchdog: the jobs still count
            os.write(self.sink, line.encode())

    def dismiss(self) -> None:
        self.tell("done\n")
        os.close(self.sink)
        os.waitpid(self.pid, 0)

    @staticmethod
    def watch(source: int) -> NoReturn:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):  # or a caller that reads local.py's output would wait for the watchdog too
            os.dup2(nowhere, stream)
        groups: set[int] = set()
        with os.fdopen(source) as lines:
            for line in lines:
                if line == "done\n":
                    os._exit(0)
                (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
        # SIGTERM first: a job such as torchrun has workers in sessions of their own, and ends them itself.
        deadline = time.monotonic() + KILL_AFTER
        alive = [group for group in groups if signal_group(group, signal.SIGTERM)]
        while alive and time.monotonic() < deadline:
            time.sleep(0.05)
            alive = [group for group in alive if signal_group(group, 0)]
        for group in alive:
            signal_group(group, signal.SIGKILL)
        os._exit(0)


def die_with_parent() -> None:
    """Ask Linux to send this process SIGTERM when its parent dies; elsewhere, nothing."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def signal_group(group: int, number: int) -> bool:
    """Send a signal (0: none) to a process group; False when nobody is left in it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # PermissionError: only zombies, on some systems
        return False
    return True


def job_settings(at_once: int, num_threads: int) -> dict[str, str]:
    threads = os.environ.get("OMP_NUM_THREADS", "")
    total = int(threads) if threads.isdecimal() else len(os.sched_getaffinity(0))
    return {
        "OMP_NUM_THREADS": str(num_threads or max(1, total // at_once)),
        "WESPK_PARALLEL_JOBS": str(at_once),
    }


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
