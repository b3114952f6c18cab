"""What Slurm knows of a job: the state of each task, asked for politely, and in words people understand."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass

FAILURES = {
    "FAILED": "ended with an error",
    "TIMEOUT": "ran past its time limit",
    "CANCELLED": "was cancelled",
    "NODE_FAIL": "its node failed",
    "OUT_OF_MEMORY": "ran out of memory",
    "PREEMPTED": "had to make way for another job",
    "BOOT_FAIL": "its node did not start",
    "DEADLINE": "could not end before its deadline",
    "LOST": "Slurm no longer knows it and cannot say how it ended",  # our word, not Slurm's
}
FIELDS = ("JobId", "ArrayJobId", "ArrayTaskId", "JobState", "ExitCode")
TELLS_NOTHING = ("None", "NonZeroExitCode", "TimeLimit", "JobArrayTaskLimit", "OutOfMemory", "Prolog")


@dataclass(frozen=True)
class State:
    """What has become of a task."""

    name: str  # Slurm's word
    reason: str = ""
    code: int = 0
    signal: int = 0

    @property
    def ended(self) -> bool:
        """True when nothing more will come; not so for COMPLETING, and a requeued task is PENDING again."""
        return self.name == "COMPLETED" or self.name in FAILURES

    @property
    def succeeded(self) -> bool:
        return self.name == "COMPLETED" and self.code == self.signal == 0

    def in_words(self) -> str:
        """Return a failure in words, with Slurm's own for those who look it up."""
        if self.name not in ("FAILED", "COMPLETED"):
            reason = self.reason.split(":")[0]
            more = f", reason {self.reason}" if reason and reason not in TELLS_NOTHING else ""
            return FAILURES[self.name] + (f" ({self.name}{more})" if self.name != "LOST" else "")
        if self.signal:
            return f"was ended by signal {self.signal}{signal_name(self.signal)}"
        more = f" ({self.reason})" if self.reason not in ("", *TELLS_NOTHING) else ""
        return f"ended with code {self.code}{more}"


def signal_name(number: int) -> str:
    try:
        return f" ({signal.Signals(number).name})"
    except ValueError:
        return ""


class Stopped(Exception):
    """The user, or the end of the calling script, wants all to end."""

    def __init__(self, number: int) -> None:
        self.number = number


class Unanswered(Exception):
    """Slurm's controller has not answered; its message is the argument."""


class Patience:
    """Waiting that a signal ends: the stop signals are blocked, and taken only here."""

    def __init__(self, stop_signals: set[signal.Signals]) -> None:
        self.stop_signals = stop_signals
        signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)

    def pause(self, seconds: float) -> None:
        """Wait; raises Stopped when a signal arrives."""
        if received := signal.sigtimedwait(self.stop_signals, seconds):
            raise Stopped(received.si_signo)

    def ask(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command that may take as long as a busy controller does; raises Stopped meanwhile."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            environment = {**os.environ, "SLURM_BITSTR_LEN": "0"}  # lists of array tasks in full
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment
            )
            wait = 0.005
            try:
                while process.poll() is None:
                    self.pause(wait)
                    wait = min(0.1, 1.5 * wait)
            except Stopped:
                process.kill()
                process.wait()
                raise
            texts = []
            for stream in (out, err):
                stream.seek(0)
                texts.append(stream.read().decode("utf-8", "replace"))
        return subprocess.CompletedProcess(command, process.returncode, *texts)


@dataclass(frozen=True)
class SlurmJob:
    """A submitted job, by the id that sbatch has given."""

    id: str
    cluster: str = ""  # for sites with several

    @staticmethod
    def named(text: str) -> SlurmJob:
        """Return the job of `sbatch --parsable`'s answer: ID or ID;CLUSTER."""
        number, _, cluster = text.strip().partition(";")
        return SlurmJob(number, cluster)

    def __str__(self) -> str:
        return f"job {self.id}"

    def written(self) -> str:
        return f"{self.id};{self.cluster}" if self.cluster else self.id

    def command(self, *words: str) -> list[str]:
        """Return a command of Slurm's, directed at the job's cluster."""
        return [words[0], *(["-M", self.cluster] if self.cluster else []), *words[1:]]

    def records(self, patience: Patience) -> list[str]:
        """Return the controller's lines on the job, none when it does not know it; raises Unanswered."""
        answer = patience.ask(*self.command("scontrol", "show", "job", "--oneliner", self.id))
        if answer.returncode == 0:
            return [line for line in answer.stdout.splitlines() if line.startswith("JobId=")]
        if "Invalid job id" in answer.stderr:
            return []
        raise Unanswered(one_line(answer.stderr) or f"scontrol ended with code {answer.returncode}")

    def states(self, patience: Patience) -> dict[int, State]:
        """Return the states of the tasks that the controller knows, by number; 0 without an array."""
        found: dict[int, State] = {}
        for line in self.records(patience):
            values = {name: field(line, name) for name in FIELDS}
            code, _, killed_by = values["ExitCode"].partition(":")
            reason = re.search(r" Reason=(.*?) Dependency=", line)
            state = State(
                values["JobState"], reason[1] if reason else "", int(code or 0), int(killed_by or 0)
            )
            for number in numbers(values["ArrayTaskId"]) if values["ArrayTaskId"] else [0]:
                found[number] = state
        return found

    def accounted(self, patience: Patience) -> dict[int, State]:
        """Return the states of ended tasks by the accounting, which not every site has."""
        fields = "--format=JobID,State,ExitCode"
        try:
            answer = patience.ask(*self.command("sacct", "-n", "-P", "-X", "-j", self.id, fields))
        except FileNotFoundError:
            return {}
        found: dict[int, State] = {}
        for line in answer.stdout.splitlines():
            if match := re.fullmatch(r"\d+(?:_(\d+))?\|(\w+)[^|]*\|(\d+):(\d+)", line):
                state = State(match[2], "", int(match[3]), int(match[4]))
                if state.ended:
                    found[int(match[1] or 0)] = state
        return found

    def cancel(self, patience: Patience, seconds: float) -> bool:
        """End the job; True when it is gone, False when it still is there after so many seconds."""
        deadline = time.monotonic() + seconds
        wait = 0.1
        self.ask_to_end()
        while True:
            try:
                if all(state.ended for state in self.states(patience).values()):
                    return True
            except Unanswered:
                self.ask_to_end()  # the first time may have gone unheard as well
            if time.monotonic() > deadline:
                return False
            patience.pause(wait)
            wait = min(2.0, 1.3 * wait)

    def ask_to_end(self) -> None:
        """Whatever signals arrive meanwhile: they are blocked, for scancel too."""
        subprocess.run(self.command("scancel", self.id), stdin=subprocess.DEVNULL, capture_output=True)


def field(line: str, name: str) -> str:
    """Return a value of scontrol's one-line records, empty when it is not there."""
    match = re.search(rf"(?:^| ){name}=(\S*)", line)
    return match[1] if match else ""


def numbers(text: str) -> list[int]:
    """Return the task numbers of `1,3-5,7-11:2%2`."""
    found: list[int] = []
    for piece in text.split("%")[0].split(","):
        if match := re.fullmatch(r"(\d+)(?:-(\d+)(?::(\d+))?)?", piece):
            found += range(int(match[1]), int(match[2] or match[1]) + 1, int(match[3] or 1))
    return found


def ranges(wanted: list[int]) -> str:
    """Return task numbers as Slurm writes them: 1,3-5."""
    pieces: list[list[int]] = []
    for number in sorted(wanted):
        if pieces and number == pieces[-1][1] + 1:
            pieces[-1][1] = number
        else:
            pieces.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in pieces)


def one_line(text: str) -> str:
    """Return Slurm's error message without the names of its programs."""
    lines = [re.sub(r"^\w+(: (error|fatal)| error): ", "", line.strip()) for line in text.splitlines()]
    return "; ".join(dict.fromkeys(line for line in lines if line))
