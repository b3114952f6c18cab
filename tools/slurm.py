#!/usr/bin/env python3
"""Run a recipe's jobs on a Slurm cluster and wait for them; called like local.py and Kaldi's slurm.pl.

Usage: slurm.py [options] [JOB=1:N] <log> <command> [<argument> ...]

  slurm.py --mem 4G --time 1:00:00 JOB=1:4 exp/fbank/log/fbank.JOB.log \\
    wespk compute-fbank --config conf/fbank.conf --job JOB/4 data/train

JOB becomes 1 .. N in the log's name and in the arguments, and an array's log must contain it. The command
runs without a shell; a single argument is a shell line, such as 'sort a.JOB | uniq > b.JOB' (bash, pipefail).
Each job begins in this folder, after `. ./path.sh` when there is one, on whichever node Slurm chooses.

  --mem, --time, --gpu, --nodes, --partition, --account, --qos, --num-threads, each with a value: what they
                     become for sbatch is written in a file, which may describe further ones
  --config FILE      that file (default: conf/slurm.conf here, else tools/slurm.conf, which explains it)
  --max-jobs-run N   at most N of an array at once (default: as many as Slurm runs)
  --pick WHICH       failed or incomplete: only the jobs whose logs from the last run say so (default: all)

All jobs are run even when one fails. How each ended is asked of Slurm, so that a job without an error in its
log (past its time limit, out of memory, its node dead) is still a failure: then the exit status is 1, and
the first failed job's end and log are shown. Jobs that Slurm puts back into the queue are waited for.
Interrupting slurm.py cancels its job. What was submitted lies in the folder q beside the log.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import launcher
from launcher import Call, Job, fail, say
from slurm_config import Config, read_config
from slurm_files import Files, here
from slurm_queue import Patience, SlurmJob, State, Stopped, Unanswered, one_line, ranges

SHORTEST_WAIT, LONGEST_WAIT = 0.25, 10.0  # seconds between two questions to Slurm
QUEUED_FOR_LONG = float(os.environ.get("WESPK_QUEUED_FOR_LONG", 30))  # seconds, then we say why
CANCEL_PATIENCE = 120.0  # Slurm gives jobs 30 s to end, and processes that hang in the kernel another 60 s
LOST_AFTER = 3  # times that Slurm does not know a task whose end has not been seen


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("--help", "-h"):
        print(__doc__.strip())
        return 0 if arguments else 1
    configs: list[Config] = []

    def check_names(options: dict[str, str]) -> None:
        configs.append(read_config(options))
        configs[0].check_names(options)

    call = launcher.parse(arguments, check_names)
    wanted = call.wanted()
    return Submission(call, wanted, configs[0]).run() if wanted else 0


class Submission:
    """Submits the wanted jobs of a call as one Slurm job, and waits for its end."""

    def __init__(self, call: Call, wanted: list[Job], config: Config) -> None:
        self.call = call
        if "\\" in str(here() / call.log):
            fail(f"{here() / call.log}: Slurm cannot write a log with a backslash in its name")
        self.logs = {job.number: job.log for job in wanted}
        self.files = Files.of(call)
        self.command = config.submission(call.options)
        self.patience = Patience(launcher.signals_to_heed())
        self.job: SlurmJob
        self.states: dict[int, State] = {}
        self.missing = 0  # how many times in a row Slurm has not known a task
        self.answers = True
        self.queued_since: float | None = time.monotonic()  # None once the long wait has been mentioned

    def run(self) -> int:
        for name in (self.command[0], "scontrol", "scancel"):
            if shutil.which(name) is None:
                fail(f"{name}: command not found; is this a machine of a Slurm cluster?")
        try:
            self.end_earlier_job()
            for log in self.logs.values():
                log.parent.mkdir(parents=True, exist_ok=True)
                log.unlink(missing_ok=True)  # or it would pass for the new one of a job that dies at once
            self.files.write(self.call)
        except Stopped as stop:
            return self.stopped(stop.number, "nothing was submitted")
        except OSError as error:
            fail(f"{error.filename}: cannot write it ({error.strerror})")
        self.job = self.submit()
        try:
            say(f"{self.job}, {len(self.logs)} tasks" if self.call.array else f"{self.job}")
            self.wait()
        except Stopped as stop:
            return self.cancelled(stop.number)
        self.files.job.unlink(missing_ok=True)
        failed = [number for number in self.logs if not self.states[number].succeeded]
        if failed:
            self.report(failed)
        return 1 if failed else 0

    def end_earlier_job(self) -> None:
        """Cancel a job that writes to the same log, left by a slurm.py that was killed."""
        if not self.files.job.exists():
            return
        earlier = SlurmJob.named(self.files.job.read_text())
        try:
            # The id could be another's by now: ids start anew when a site's controller is set up anew.
            lines = [line for line in earlier.records(self.patience) if self.files.belong_to(line)]
            if not lines or all(state.ended for state in earlier.states(self.patience).values()):
                return
        except Unanswered as error:
            fail(f"cannot ask Slurm about {earlier}, which an earlier run has left: {error}")
        say(f"{earlier} of an earlier run writes to the same log: cancelling it")
        if not earlier.cancel(self.patience, CANCEL_PATIENCE):
            fail(f"{earlier} does not end; when it is gone, run this again")

    def submit(self) -> SlurmJob:
        command = [*self.command, "--parsable", f"--job-name={self.files.name}", f"--output={self.output()}"]
        command.append("--open-mode=truncate")  # a task that runs again begins its log afresh
        if self.call.array:
            bound = f"%{self.call.max_jobs_run}" if self.call.max_jobs_run else ""
            command.append(f"--array={ranges(list(self.logs))}{bound}")
        command.append(str(self.files.script))
        # Signals are blocked, here too: an interrupted sbatch would leave a job that nobody knows.
        answer = subprocess.run(
            command,
            env=outside_of_jobs(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
        found = re.search(r"^(\d+(?:;\S+)?)\s*$|Submitted batch job (\d+)", answer.stdout, re.MULTILINE)
        if answer.returncode != 0 or not found:
            self.files.order.unlink(missing_ok=True)  # should it be queued after all, it ends at once
            message = one_line(answer.stderr) or one_line(answer.stdout) or f"code {answer.returncode}"
            fail(f"sbatch could not submit the job: {message}")
        job = SlurmJob.named(found[1] or found[2])
        with contextlib.suppress(OSError):  # a full disk: only end_earlier_job needs it
            self.files.job.write_text(job.written() + "\n")
        sys.stderr.write(answer.stderr)
        return job

    def output(self) -> str:
        """Return the log's name as a pattern of Slurm's."""
        name = self.call.log.replace("%", "%%")
        name = name.replace(self.call.array, "%a") if self.call.array else name
        return str(Path(str(here()).replace("%", "%%"), name))

    def wait(self) -> None:
        """Return when every task has ended for good."""
        wait = SHORTEST_WAIT
        longest = min(LONGEST_WAIT, self.memory_of_slurm() / 4)
        while True:
            self.patience.pause(wait)
            wait = min(longest, 1.4 * wait)
            try:
                self.look()
            except Unanswered as error:
                if self.answers:
                    say(f"Slurm's controller does not answer ({error}); waiting for it")
                self.answers = False
                continue
            self.answers = True
            if all(number in self.states and self.states[number].ended for number in self.logs):
                return
            self.mention_long_queue()

    def look(self) -> None:
        """Ask Slurm for the states. It forgets a task some minutes after its end; we do not."""
        known = self.job.states(self.patience)
        self.states.update((number, state) for number, state in known.items() if number in self.logs)
        lost = [n for n in self.logs if n not in known and not (n in self.states and self.states[n].ended)]
        if not lost:
            self.missing = 0
            return
        self.missing += 1
        accounted = self.job.accounted(self.patience)
        for number in lost:
            if number in accounted:
                self.states[number] = accounted[number]
            elif self.missing >= LOST_AFTER:
                self.states[number] = State("LOST")

    def memory_of_slurm(self) -> float:
        """Return for how many seconds the controller remembers a job that has ended."""
        answer = self.patience.ask(*self.job.command("scontrol", "show", "config"))
        found = re.search(r"^MinJobAge\s*=\s*(\d+)", answer.stdout, re.MULTILINE)
        return max(float(found[1]), 4 * SHORTEST_WAIT) if found and found[1] != "0" else 300.0

    def mention_long_queue(self) -> None:
        """Say once why nothing runs; again when the job has run and is back in the queue."""
        waiting = [state for state in self.states.values() if state.name == "PENDING"]
        if not waiting or len(waiting) < sum(not state.ended for state in self.states.values()):
            self.queued_since = time.monotonic()
        elif self.queued_since is not None and time.monotonic() - self.queued_since > QUEUED_FOR_LONG:
            say(f"{self.job} waits in the queue; Slurm's reason: {waiting[0].reason}")
            self.queued_since = None

    def cancelled(self, number: int) -> int:
        try:
            # The end of the calling script, or of the terminal, is often two signals; Ctrl-C again insists.
            self.patience.stop_signals = {signal.SIGINT}
            gone = self.job.cancel(self.patience, CANCEL_PATIENCE)
        except Stopped:
            gone = False
        if not gone:
            return self.stopped(number, f"{self.job} may still run: scancel {self.job.id}")
        self.files.job.unlink(missing_ok=True)
        done = sum(state.succeeded for state in self.states.values())
        return self.stopped(number, f"{self.job} is cancelled, {done} / {len(self.logs)} done")

    def stopped(self, number: int, outcome: str) -> int:
        say(f"stopped by {signal.Signals(number).name}; {outcome}")
        return 128 + number

    def report(self, failed: list[int]) -> None:
        for folder in {self.logs[number].parent for number in failed}:
            with contextlib.suppress(OSError):
                os.listdir(folder)  # makes a network file system look whether there is a log now
        first = min(failed)
        task = f"task {first} of {self.job}" if self.call.array else str(self.job)
        launcher.report(
            self.call,
            [self.logs[number] for number in failed],
            len(self.logs),
            f"{task}: {self.states[first].in_words()}",
        )


def outside_of_jobs() -> dict[str, str]:
    """Return the environment for sbatch; the settings of a job that we run in must not reach the new one."""
    if "SLURM_JOB_ID" not in os.environ:
        return dict(os.environ)
    general = ("SLURM_CONF", "SLURM_CLUSTERS", "SLURM_JWT", "SLURM_TIME_FORMAT")
    return {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SLURMD_")) or k in general}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
