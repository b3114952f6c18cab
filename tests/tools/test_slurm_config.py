"""slurm.py without a Slurm: its configuration, and what it makes of Slurm's answers, by stand-ins for those.

tests/slurm has what needs a real one.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest


@pytest.fixture
def programs(tmp_path) -> Path:
    """A folder of stand-ins for Slurm's commands, the first on PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    return folder


@pytest.fixture
def stand_in(programs):
    """Make one of Slurm's commands a line of shell; each call's arguments are added to calls/NAME."""

    def stand_in(name: str, line: str) -> None:
        (programs / name).write_text(f'#!/bin/bash\nprintf "%s\\n" "$@" "" >> calls/{name}\n{line}\n')
        (programs / name).chmod(0o755)

    (programs.parent / "calls").mkdir()
    stand_in("scancel", "true")
    stand_in("scontrol", "exit 1")
    return stand_in


@pytest.fixture
def slurm(run, root, programs, tmp_path):
    """Run slurm.py with the stand-ins."""
    path = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"

    def slurm(*arguments: str, **environment: str):
        return run(root / "tools/slurm.py", *arguments, **{"PATH": path, "PWD": str(tmp_path), **environment})

    return slurm


@pytest.fixture
def submitted(slurm, stand_in, tmp_path):
    """Return what sbatch is given beyond what every job gets."""

    def submitted(*arguments: str) -> list[str]:
        stand_in("sbatch", "echo 'sbatch: error: seen' >&2; exit 1")
        result = slurm(*arguments)
        assert result.stderr == "slurm.py: sbatch could not submit the job: seen\n"
        words = (tmp_path / "calls/sbatch").read_text().split("\n")
        return words[: words.index("--parsable")]

    return submitted


@pytest.fixture
def answers(stand_in, tmp_path):
    """Let scontrol answer with these shell lines about job 17, one at a time, the last for ever."""

    def answers(*lines: str) -> None:
        stand_in("sbatch", "echo 17")
        (tmp_path / "answers").write_text("".join(f"{line}\n" for line in lines))
        show = 'show() { echo "JobId=17 JobState=$1 Reason=${3-None} Dependency= ExitCode=$2"; }'
        unknown = "unknown() { echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1; }"
        silent = "silent() { echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1; }"
        take = "line=$(sed -n 1p answers); [ $(wc -l < answers) = 1 ] || sed -i 1d answers; $line"
        config = '[ "$2" != config ] || exit 1'
        stand_in("scontrol", "\n".join([show, unknown, silent, config, take]))

    return answers


# --- the configuration


def test_without_a_configuration_the_usual_options_are_described(submitted):
    options = ("--mem", "4G", "--time", "1:00:00", "--num-threads", "3", "--gpu", "2", "--nodes", "2")
    assert submitted(*options, "--partition", "p", "--account", "a", "--qos", "q", "x.log", "true") == [
        *("--mem=4G", "--time=1:00:00", "--cpus-per-task=3", "--gres=gpu:2", "--nodes=2"),
        *("--ntasks-per-node=1", "--partition=p", "--account=a", "--qos=q"),
    ]


def test_zero_gpus_are_no_gpus(submitted):
    assert submitted("--gpu", "0", "--mem", "0", "x.log", "true") == []


KALDIS = """\
# a comment
command sbatch --export=PATH  # another
option mem=* --mem-per-cpu $0
option mem=0          # Do not add anything
option num_threads=* --cpus-per-task $0
option max_jobs_run=*
default gpu=0
option gpu=0 -p shared
option gpu=* -p gpu --gres=gpu:$0
option fast-disk=* --constraint 'disk&fast' --comment "for $0"
"""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("", "--export=PATH -p shared"),
        ("--gpu 1", "--export=PATH -p gpu --gres=gpu:1"),
        ("--mem 2G --gpu 0", "--export=PATH -p shared --mem-per-cpu 2G"),
        ("--mem 0 --num_threads 4", "--export=PATH -p shared --cpus-per-task 4"),
        ("--max-jobs-run 2", "--export=PATH -p shared"),
    ],
)
def test_a_configuration_of_kaldi_is_understood(submitted, tmp_path, options, words):
    (tmp_path / "k.conf").write_text(KALDIS)
    assert submitted("--config", "k.conf", *options.split(), "x.log", "true") == words.split()


def test_a_site_may_describe_options_of_its_own(submitted, tmp_path):
    (tmp_path / "k.conf").write_text(KALDIS)
    words = submitted("--config", "k.conf", "--fast_disk", "my data", "x.log", "true")
    assert words[-4:] == ["--constraint", "disk&fast", "--comment", "for my data"]


def test_the_recipes_configuration_is_taken_when_there_is_one(submitted, tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/slurm.conf").write_text("command sbatch --hold\n")
    assert submitted("x.log", "true") == ["--hold"]


def test_another_program_may_submit(slurm, stand_in, tmp_path):
    (tmp_path / "k.conf").write_text("command my_sbatch -v\n")
    stand_in("my_sbatch", "exit 1")
    slurm("--config", "k.conf", "x.log", "true")
    assert (tmp_path / "calls/my_sbatch").read_text().startswith("-v\n--parsable\n")


@pytest.mark.parametrize(
    ("content", "arguments", "problem"),
    [
        ("command sbatch\nopton mem=*\n", [], "k.conf:2: 'opton mem=*' is not"),
        ("option mem\n", [], "k.conf:1: 'option mem' is not"),
        ("option mem=* --x='\n", [], "k.conf:1: no closing quotation"),
        ("option mem=* -a\n\noption mem=* -b\n", [], "k.conf:3: option mem=* stands there twice"),
        ("default gpu=0\n", [], "k.conf:1: a default for gpu, and no line"),
        ("option mem=* -m $0\n", ["--men", "4G"], "k.conf describes no option --men; the nearest is --mem"),
        ("option mem=* -m $0\n", ["--time", "1"], "k.conf describes no option --time; the nearest is --"),
        ("option gpu=0\noption gpu=1 -g\n", ["--gpu", "2"], "--gpu 2: k.conf describes only 0, 1"),
    ],
)
def test_a_wrong_configuration_or_option_is_one_line(slurm, stand_in, tmp_path, content, arguments, problem):
    stand_in("sbatch", "echo 17")
    (tmp_path / "k.conf").write_text(content)
    result = slurm("--config", "k.conf", *arguments, "x.log", "true")
    assert result.returncode == 1
    assert result.stderr.startswith(f"slurm.py: {problem}")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "calls/sbatch").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--config", "none.conf", "x.log", "true"], "none.conf: cannot read this configuration"),
        (["JOB=1:2", "x.log", "true"], "must contain JOB"),
        (["JOB=0:2", "x.JOB.log", "true"], "range is 1:N"),
        (["--num-threads", "0", "x.log", "true"], "whole number"),
        (["a\\b.log", "true"], "backslash"),
        (["x.log"], "a log and a command are needed"),
    ],
)
def test_a_wrong_call_is_one_line(slurm, arguments, problem):
    result = slurm(*arguments)
    assert result.returncode == 1
    assert problem in result.stderr
    assert result.stderr.startswith("slurm.py: ")
    assert result.stderr.count("\n") == 1


# --- submission


def test_an_array_is_submitted_with_its_bound_and_its_log_as_a_pattern(slurm, stand_in, tmp_path):
    stand_in("sbatch", "exit 1")
    (tmp_path / "x.2.log").write_text("# Ended (code 0) at some time\n")
    options = ("--max-jobs-run", "2", "--pick", "incomplete")
    slurm(*options, "JOB=1:4", "x.JOB.log", "true")
    words = (tmp_path / "calls/sbatch").read_text().split("\n")
    assert "--array=1,3-4%2" in words
    assert f"--output={tmp_path}/x.%a.log" in words
    assert "--job-name=x.JOB" in words
    assert f"{tmp_path}/q/x.JOB.sh" in words


def test_nothing_is_submitted_when_nothing_is_picked(slurm, stand_in, tmp_path):
    stand_in("sbatch", "echo 17")
    result = slurm("--pick", "failed", "JOB=1:4", "x.JOB.log", "true")
    assert (result.returncode, result.stderr) == (0, "")
    assert not (tmp_path / "calls/sbatch").exists()


def test_where_slurm_is_not_there_the_call_says_so(slurm):
    python_alone = {"PATH": str(Path(sys.executable).parent)}
    result = slurm("x.log", "true", **python_alone)
    assert result.returncode == 1
    assert result.stderr == "slurm.py: sbatch: command not found; is this a machine of a Slurm cluster?\n"


def test_the_batch_script_hands_on_every_byte(slurm, answers, stand_in, tmp_path):
    answers("show COMPLETED 0:0")
    stand_in("sbatch", 'for last; do :; done; bash "$last" > x.log 2>&1; echo 17')
    odd = os.fsdecode(b"\xff\n'\"\\ $HOME")
    assert slurm("x.log", "printf", "[%s]", odd).returncode == 0
    assert b"[\xff\n'\"\\ $HOME]\n# Ended (code 0)" in (tmp_path / "x.log").read_bytes()


def test_a_job_that_has_been_replaced_does_nothing(slurm, stand_in, answers, run, tmp_path):
    stand_in("sbatch", 'for last; do :; done; cp "$last" old.sh; exit 1')  # refused, and queued all the same
    slurm("x.log", "touch", "done")
    assert run("bash", "old.sh").returncode == 1
    answers("show COMPLETED 0:0")
    assert slurm("x.log", "touch", "done").returncode == 0
    late = run("bash", "old.sh")
    assert late.returncode == 1
    assert late.stdout == "slurm.py: this job has been replaced: its log was submitted again\n"
    assert not (tmp_path / "done").exists()


# --- Slurm's answers


def test_a_job_is_waited_for_through_the_queue_and_back(slurm, answers, tmp_path):
    answers("show RUNNING 0:0", "show PENDING 0:0 BeginTime", "show COMPLETING 0:0", "show COMPLETED 0:0")
    result = slurm("x.log", "true")
    assert (result.returncode, result.stderr) == (0, "slurm.py: job 17\n")
    assert not (tmp_path / "q/x.job").exists()


def test_a_code_that_is_not_zero_fails_whatever_the_state(slurm, answers):
    answers("show COMPLETED 3:0")
    result = slurm("x.log", "true")
    assert result.returncode == 1
    assert result.stderr.splitlines()[1:] == [
        "slurm.py: job failed, log is in x.log",
        "slurm.py: job 17: ended with code 3",
        "slurm.py: x.log was never written",
    ]


def test_a_controller_that_does_not_answer_is_waited_for(slurm, answers):
    answers("silent", "silent", "show COMPLETED 0:0")
    result = slurm("x.log", "true")
    assert result.returncode == 0
    silence = (
        "slurm.py: Slurm's controller does not answer (Unable to contact slurm controller); waiting for it"
    )
    assert result.stderr.splitlines()[1:] == [silence]


def test_a_long_wait_in_the_queue_is_explained_once(slurm, answers):
    answers("show PENDING 0:0 Priority", "show PENDING 0:0 Resources", "show COMPLETED 0:0")
    result = slurm("x.log", "true", WESPK_QUEUED_FOR_LONG="0")
    assert result.stderr.splitlines()[1:] == ["slurm.py: job 17 waits in the queue; Slurm's reason: Priority"]


def test_a_job_that_slurm_forgets_before_its_end_was_seen_is_a_failure(slurm, answers):
    answers("show RUNNING 0:0", "unknown")
    result = slurm("x.log", "true")
    assert result.returncode == 1
    assert "slurm.py: job 17: Slurm no longer knows it and cannot say how it ended" in result.stderr


def test_the_accounting_knows_what_the_controller_has_forgotten(slurm, answers, stand_in):
    answers("unknown")
    stand_in("sacct", "echo '17_1|COMPLETED|0:0'; echo '17_2|CANCELLED by 0|0:0'")
    result = slurm("JOB=1:2", "x.JOB.log", "true")
    assert result.returncode == 1
    assert "slurm.py: 1 / 2 failed" in result.stderr
    assert "slurm.py: task 2 of job 17: was cancelled (CANCELLED)" in result.stderr


def test_with_several_clusters_the_jobs_own_is_asked(slurm, answers, stand_in, tmp_path):
    answers("show COMPLETED 0:0")
    stand_in("sbatch", "echo '17;second'")
    assert slurm("x.log", "true").returncode == 0
    assert "-M\nsecond\nshow\njob" in (tmp_path / "calls/scontrol").read_text()


def test_an_id_that_is_anothers_job_by_now_is_left_alone(slurm, answers, tmp_path):
    answers("show COMPLETED 0:0")
    slurm("x.log", "true")
    (tmp_path / "q/x.job").write_text("9\n")
    answers("show RUNNING 0:0", "show COMPLETED 0:0")
    assert slurm("x.log", "true").stderr == "slurm.py: job 17\n"
    assert not (tmp_path / "calls/scancel").exists()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (("FAILED", "NonZeroExitCode", 2, 0), "ended with code 2"),
        (("FAILED", "RaisedSignal:9", 0, 9), "was ended by signal 9 (SIGKILL)"),
        (("TIMEOUT", "TimeLimit", 0, 0), "ran past its time limit (TIMEOUT)"),
        (("CANCELLED", "None", 0, 15), "was cancelled (CANCELLED)"),
        (("NODE_FAIL", "NodeDown", 1, 0), "its node failed (NODE_FAIL, reason NodeDown)"),
        (("OUT_OF_MEMORY", "OutOfMemory", 0, 125), "ran out of memory (OUT_OF_MEMORY)"),
        (("PREEMPTED", "", 0, 0), "had to make way for another job (PREEMPTED)"),
    ],
)
def test_every_end_is_told_in_words(root, monkeypatch, state, words):
    monkeypatch.syspath_prepend(root / "tools")
    found = importlib.import_module("slurm_queue").State(*state)
    assert found.ended and not found.succeeded
    assert found.in_words() == words


def test_task_numbers_are_read_and_written_as_slurm_does(root, monkeypatch):
    monkeypatch.syspath_prepend(root / "tools")
    queue = importlib.import_module("slurm_queue")
    assert queue.ranges([3, 1, 4, 7]) == "1,3-4,7"
    assert queue.numbers("1,3-4,7-11:2%2") == [1, 3, 4, 7, 9, 11]
