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
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import launcher
from launcher import Call, Job

KILL_AFTER = float(os.environ.get("WESPK_KILL_AFTER", 10))


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("--help", "-h"):
        print(__doc__.strip())
        return 0 if arguments else 1
    call = launcher.parse(arguments, check_names)
    wanted = call.wanted()
    return Launcher(call, wanted).run() if wanted else 0


def check_names(options: dict[str, str]) -> None:
    known = launcher.OURS + launcher.OF_A_CLUSTER
    for name in options:
        if name not in known:
            near = launcher.nearest(name, known)
            launcher.fail(f"unknown option --{name}; the nearest is --{near}. See local.py --help")


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
        self.stop_signals = launcher.signals_to_heed()
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
                launcher.say(f"stopped by {name}; {done} / {self.total} done")
                return 128 + received
            self.reap()
        self.watchdog.dismiss()
        if self.failed:
            launcher.report(self.call, self.failed, self.total)
        return 1 if self.failed else 0

    def start(self, job: Job) -> None:
        try:
            job.log.parent.mkdir(parents=True, exist_ok=True)
            job.log.write_bytes(job.header())
        except OSError as error:
            self.stop(signal.SIGTERM)
            launcher.fail(f"{job.log}: cannot write the log ({error.strerror})")
        begin = time.monotonic()
        with open(job.log, "ab") as log:
            try:
                process = subprocess.Popen(
                    job.process(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self.environment,
                    start_new_session=True,  # a process group of its own: to be signalled as a whole
                    preexec_fn=self.prepare_child,
                )
            except OSError as error:
                code, message = launcher.cannot_start(job.process(), error)
                log.write(message)
                log.flush()
                self.finish(job, begin, code)
                return
        self.running[process.pid] = Running(job, begin, process)

    def prepare_child(self) -> None:
        """What happens in the new process before it becomes the job."""
        self.watchdog.note(os.getpid())  # by the child itself, so that no job runs unknown to the watchdog
        for number in self.stop_signals:
            signal.signal(number, signal.SIG_DFL)  # the shell makes what it runs with `&` ignore SIGINT
        signal.pthread_sigmask(signal.SIG_SETMASK, self.callers_mask)
        launcher.die_with_parent()

    def reap(self) -> None:
        """Take note of every job that has ended."""
        for pid in list(self.running):
            # The job stays a zombie at first: while it does, no other process group can get its number.
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            signal_group(pid, signal.SIGKILL)  # what it left behind, if it crashed or was killed
            self.watchdog.forget(pid)
            done = self.running.pop(pid)
            self.finish(done.job, done.begin, launcher.exit_code(done.process.wait()))

    def finish(self, job: Job, begin: float, code: int) -> None:
        job.end_log(code, time.monotonic() - begin)
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
