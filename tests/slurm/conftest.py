"""A real Slurm, as tests/slurm/up.sh starts it, and slurm.py run against it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATH = f"{ROOT / 'tools'}:{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin"


@pytest.fixture(scope="session")
def slurm() -> Slurm:
    """The Slurm whose slurm.conf WESPK_TEST_SLURM names; without it the test is skipped, in CI it fails."""
    configuration = os.environ.get("WESPK_TEST_SLURM", "")
    if configuration and Path(configuration).is_file():
        return Slurm(Path(configuration))
    reason = "set WESPK_TEST_SLURM to the slurm.conf of tests/slurm/up.sh to run this test"
    if os.environ.get("WESPK_REQUIRE_SLURM") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(frozen=True)
class Slurm:
    """The commands of one Slurm."""

    configuration: Path

    def environment(self, **more: str) -> dict[str, str]:
        own = {"PATH": PATH, "SLURM_CONF": str(self.configuration)}
        left_out = ("WESPK_VENV", "OMP_NUM_THREADS")
        return {**{k: v for k, v in os.environ.items() if k not in left_out}, **own, **more}

    def run(self, *command: str) -> str:
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def update(self, **settings: object) -> None:
        self.run("scontrol", "update", *(f"{name}={value}" for name, value in settings.items()))

    def shows(self, job: str, text: str) -> bool:
        return text in self.run("scontrol", "show", "job", "-o", job)

    def active(self, job: str) -> bool:
        return self.run("squeue", "--noheader", "--jobs", job) != ""

    def pid_of(self, daemon: str) -> int:
        return int((self.configuration.parent / f"{daemon}.pid").read_text())


class Running:
    """A slurm.py that has submitted its job."""

    def __init__(self, slurm: Slurm, folder: Path, arguments: tuple[str, ...]) -> None:
        self.slurm = slurm
        self.process = subprocess.Popen(
            ["slurm.py", *arguments],
            cwd=folder,
            env=slurm.environment(PWD=str(folder)),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # slurm.py respects nohup
        )
        first = ""
        while not (found := re.match(r"slurm.py: job (\d+)", first)):
            first = self.process.stderr.readline()
            assert first, "slurm.py has ended without a job"
        self.job = found[1]

    def end(self) -> tuple[int, str]:
        """Return the exit status and what was said after the first line."""
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


@pytest.fixture
def submit(slurm: Slurm, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run slurm.py in the temporary folder; keyword arguments become environment variables."""

    def submit(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["slurm.py", *arguments],
            cwd=tmp_path,
            env=slurm.environment(PWD=str(tmp_path), **environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return submit


@pytest.fixture(scope="session")
def launch(slurm: Slurm) -> Iterator[Callable[..., Running]]:
    """Start slurm.py in a folder and return once it has submitted; no job survives the tests."""
    started = []

    def launch(folder: Path, *arguments: str) -> Running:
        started.append(Running(slurm, folder, arguments))
        return started[-1]

    yield launch
    for running in started:
        running.process.kill()
        running.process.wait()
        running.process.stderr.close()
        slurm.run("scancel", running.job)
