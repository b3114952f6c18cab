"""The launcher of jobs on this machine, called like Kaldi's run.pl."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import lives, wait_until

TRAILER = re.compile(r"# Ended \(code (\d+)\) at \S+ \S+ \S+, elapsed time \d+ seconds")


@pytest.fixture
def local(run, root):
    return lambda *arguments, **environment: run(root / "tools/local.py", *arguments, **environment)


def code(log: Path) -> int:
    return int(TRAILER.fullmatch(log.read_text().splitlines()[-1])[1])


def output(log: Path) -> list[str]:
    return [line for line in log.read_text().splitlines() if not line.startswith("#")]


def test_every_job_of_an_array_gets_its_number_and_its_log(local, tmp_path):
    result = local("JOB=1:3", "exp/log/x.JOB.log", "echo", "in JOB", "out.JOB")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    for job in (1, 2, 3):
        assert output(tmp_path / f"exp/log/x.{job}.log") == [f"in {job} out.{job}"]


def test_a_range_need_not_begin_at_one(local, tmp_path):
    assert local("N=4:5", "x.N.log", "echo", "N").returncode == 0
    assert sorted(path.name for path in tmp_path.glob("*.log")) == ["x.4.log", "x.5.log"]


def test_a_log_begins_with_the_command_and_ends_with_the_code(local, tmp_path):
    local("x.log", "printf", "no newline at the end")
    lines = (tmp_path / "x.log").read_text().splitlines()
    assert lines[0] == "# printf 'no newline at the end'"
    assert lines[1].startswith("# Running on ")
    assert lines[2].startswith("# Started at ")
    assert lines[4] == "no newline at the end"
    assert code(tmp_path / "x.log") == 0


def test_arguments_reach_the_command_as_they_are(local, tmp_path):
    local("x.log", "printf", "%s\\n", "a  b", "$HOME", "*", "ark:|x")
    assert output(tmp_path / "x.log") == ["a  b", "$HOME", "*", "ark:|x"]


def test_a_single_argument_is_a_shell_line_in_which_a_broken_pipeline_fails(local, tmp_path):
    assert local("x.log", "echo b | tr b c").returncode == 0
    assert output(tmp_path / "x.log") == ["c"]
    assert local("x.log", "false | cat").returncode == 1


def test_one_failing_job_fails_the_array_and_the_others_still_run(local, tmp_path):
    result = local("JOB=1:3", "log/x.JOB.log", "echo about to end JOB; test JOB = 3")
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert lines[0] == "local.py: 2 / 3 failed, log is in log/x.*.log"
    assert lines[1] == "local.py: the end of log/x.1.log:"
    assert "about to end 1" in lines
    assert [code(tmp_path / f"log/x.{job}.log") for job in (1, 2, 3)] == [1, 1, 0]


def test_a_single_failing_job_names_its_log_and_shows_its_last_lines(local):
    result = local("x.log", "seq 100; exit 3")
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert lines[0] == "local.py: job failed, log is in x.log"
    assert lines[2:16] == [str(number) for number in range(87, 101)]
    assert TRAILER.fullmatch(lines[16])[1] == "3"


def test_an_error_far_above_the_end_of_the_log_is_shown_first(local):
    result = local("x.log", "echo 'wespk train: error: no data'; seq 100; exit 3")
    assert result.stderr.splitlines()[2:4] == ["wespk train: error: no data", "87"]


def test_a_malformed_range_is_refused(local):
    assert "JOB=1:abc: a job range is 1:N" in local("JOB=1:abc", "x.JOB.log", "true").stderr


def test_the_first_failure_is_the_first_by_number(local):
    result = local("JOB=8:11", "x.JOB.log", "test JOB -lt 9")
    assert "the end of x.9.log" in result.stderr


def test_a_command_that_does_not_exist_fails_its_job(local, tmp_path):
    assert local("x.log", "no-such-command", "x").returncode == 1
    assert output(tmp_path / "x.log") == ["no-such-command: No such file or directory"]
    assert code(tmp_path / "x.log") == 127


def test_a_killed_job_is_a_failure(local, tmp_path):
    assert local("x.log", "kill -9 $$").returncode == 1
    assert code(tmp_path / "x.log") == 128 + 9


def test_options_of_a_cluster_mean_nothing_and_may_stand_around_the_range(local, tmp_path):
    result = local("--mem", "4G", "JOB=1:2", "--gpu", "1", "--time", "1:00:00", "x.JOB.log", "echo", "--mem")
    assert (result.returncode, result.stderr) == (0, "")
    assert output(tmp_path / "x.2.log") == ["--mem"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["JOB=1:2", "x.log", "true"], "must contain JOB"),
        (["JOB=0:2", "x.JOB.log", "true"], "range is 1:N"),
        (["JOB=3:2", "x.JOB.log", "true"], "range is 1:N"),
        (["--men", "4G", "x.log", "true"], "nearest is --mem"),
        (["--max-jobs-run", "0", "x.log", "true"], "whole number"),
        (["--pick", "some", "x.log", "true"], "failed or incomplete"),
        (["--mem"], "needs a value"),
        (["x.log"], "a log and a command are needed"),
    ],
)
def test_a_wrong_call_is_one_line(local, tmp_path, arguments, problem):
    result = local(*arguments)
    assert result.returncode == 1
    assert problem in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.glob("*.log"))


def test_max_jobs_run_bounds_the_jobs_at_once(local, tmp_path):
    count_side_by_side = "touch run.JOB; echo run.* | wc -w; sleep 0.2; rm run.JOB"
    assert local("--max-jobs-run", "2", "JOB=1:5", "x.JOB.log", count_side_by_side).returncode == 0
    most = max(int(output(tmp_path / f"x.{job}.log")[0]) for job in range(1, 6))
    assert most == 2


@pytest.mark.parametrize(
    ("options", "threads", "at_once"),
    [
        (["JOB=1:4"], "2", "4"),
        (["--max-jobs-run", "2", "JOB=1:4"], "4", "2"),
        (["JOB=1:9"], "1", "9"),
        (["--num-threads", "3", "JOB=1:4"], "3", "4"),
        ([], "8", "1"),
    ],
)
def test_threads_are_divided_among_jobs_at_once(local, tmp_path, options, threads, at_once):
    show = (
        sys.executable,
        "-c",
        "import os; print(os.environ['OMP_NUM_THREADS'], os.environ[os.environ['KEY']])",
    )
    log = "x.JOB.log" if "JOB=" in str(options) else "x.log"
    assert local(*options, log, *show, OMP_NUM_THREADS="8", KEY="WESPK_PARALLEL_JOBS").returncode == 0
    assert output(tmp_path / log.replace("JOB", "1")) == [f"{threads} {at_once}"]


def test_pick_runs_only_what_failed_or_never_ended(local, tmp_path):
    local("JOB=1:3", "x.JOB.log", "test JOB != 2")
    (tmp_path / "x.3.log").write_text("# cut short\n")
    assert local("--pick", "failed", "JOB=1:3", "x.JOB.log", "echo failed JOB").returncode == 0
    assert local("--pick", "incomplete", "JOB=1:3", "x.JOB.log", "echo incomplete JOB").returncode == 0
    assert [output(tmp_path / f"x.{job}.log") for job in (1, 2, 3)] == [[], ["failed 2"], ["incomplete 3"]]


# --- signals: each job tells the ids of itself and of a child, and waits

JOB = "sleep 60 & echo $$ $! > ids.JOB.tmp; mv ids.JOB.tmp ids.JOB; wait"
STUBBORN = "trap '' TERM; " + JOB


@pytest.fixture
def start(tmp_path, root):
    """Start local.py with two jobs and return its process once both run; no process survives the test."""
    started = []

    def start(job, **environment):
        process = subprocess.Popen(
            [root / "tools/local.py", "JOB=1:2", "x.JOB.log", job],
            cwd=tmp_path,
            env={**os.environ, "WESPK_KILL_AFTER": "10", **environment},
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=heed_hangup,
        )
        started.append(process)
        wait_until(lambda: all((tmp_path / f"ids.{number}").exists() for number in (1, 2)))
        return process, [int(pid) for n in (1, 2) for pid in (tmp_path / f"ids.{n}").read_text().split()]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()
    for ids in tmp_path.glob("ids.?"):
        for pid in ids.read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


def heed_hangup() -> None:
    """Undo nohup, in case the tests run under it: local.py respects it."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_jobs_and_what_they_started(start, tmp_path, name):
    process, pids = start("trap 'echo got $name; exit 7' INT TERM HUP; ".replace("$name", name) + JOB)
    process.send_signal(getattr(signal, name))
    assert process.wait(timeout=20) == 128 + getattr(signal, name)
    wait_until(lambda: not any(map(lives, pids)))
    assert f"got {name}" in output(tmp_path / "x.1.log")
    assert code(tmp_path / "x.2.log") == 7
    assert process.stderr.read() == f"local.py: stopped by {name}; 0 / 2 done\n"


def test_a_job_that_ignores_the_signal_is_killed_after_the_grace_time(start):
    process, pids = start(STUBBORN, WESPK_KILL_AFTER="0.1")
    process.terminate()
    assert process.wait(timeout=20) == 128 + signal.SIGTERM
    wait_until(lambda: not any(map(lives, pids)))


def test_a_second_signal_kills_at_once(start):
    process, pids = start(STUBBORN.replace("wait", "while true; do wait; done"))
    process.terminate()
    time.sleep(0.05)  # two signals that arrive together count as one
    process.terminate()
    assert process.wait(timeout=5) == 128 + signal.SIGTERM  # the grace time is 10 s
    wait_until(lambda: not any(map(lives, pids)))


def test_jobs_die_with_a_launcher_that_is_killed(start):
    process, pids = start(JOB)
    process.kill()
    wait_until(lambda: not any(map(lives, pids)))


def test_stubborn_jobs_die_with_a_launcher_that_is_killed(start):
    process, pids = start(STUBBORN, WESPK_KILL_AFTER="0.1")
    process.kill()
    wait_until(lambda: not any(map(lives, pids)))


def test_the_children_of_a_killed_job_die_with_it(start):
    process, pids = start(JOB)
    os.kill(pids[0], signal.SIGKILL)
    wait_until(lambda: not any(map(lives, pids[:2])))
    assert process.poll() is None  # the other job goes on
    assert all(map(lives, pids[2:]))


def test_jobs_end_when_the_script_that_waits_for_them_is_killed(tmp_path, root):
    script = subprocess.Popen(
        ["bash", "-c", f"{root}/tools/local.py JOB=1:1 x.JOB.log '{JOB}'; true"],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
        preexec_fn=heed_hangup,
    )
    wait_until((tmp_path / "ids.1").exists)
    script.kill()
    script.wait()
    pids = [int(pid) for pid in (tmp_path / "ids.1").read_text().split()]
    wait_until(lambda: not any(map(lives, pids)))
