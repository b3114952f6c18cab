"""distributed.sh outside of a Slurm job; tests/slurm has it inside one."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def distributed(run, root, tmp_path):
    """Run distributed.sh where python3 and torchrun only show what they are given."""
    for name in ("python3", "torchrun"):
        (tmp_path / name).write_text(f'#!/bin/bash\nprintf "%s|" {name} "$@"\nexit 7\n')
        (tmp_path / name).chmod(0o755)
    return lambda *arguments: run(
        root / "tools/distributed.sh",
        *arguments,
        PATH=f"{tmp_path}:{os.environ['PATH']}",
        SLURM_JOB_NUM_NODES="",
    )


def test_one_process_is_plain_python(distributed):
    done = distributed("1", "-m", "wespk", "train", "a b")
    assert (done.returncode, done.stdout) == (7, "python3|-m|wespk|train|a b|")


def test_several_processes_are_torchruns(distributed):
    done = distributed("2", "-m", "wespk", "train", "a b")
    assert (done.returncode, done.stdout) == (
        7,
        "torchrun|--standalone|--nproc_per_node|2|-m|wespk|train|a b|",
    )


@pytest.mark.parametrize(
    ("arguments", "problem"), [(["two", "x.py"], "two: a number"), (["2"], "what shall")]
)
def test_a_wrong_call_is_one_line(distributed, arguments, problem):
    done = distributed(*arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(f"distributed.sh: {problem}") and done.stderr.count("\n") == 1
