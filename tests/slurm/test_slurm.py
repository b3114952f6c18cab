"""slurm.py and distributed.sh on a real Slurm; tests/tools/test_slurm_config.py has what needs none."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from processes import lives, wait_until

TRAILER = re.compile(r"# Ended \(code (\d+)\) at \S+ \S+ \S+, elapsed time \d+ seconds")
TELL_PIDS = "sleep 60 & echo $PPID $$ $! > ids.tmp; mv ids.tmp ids; wait"


@pytest.fixture(scope="module", autouse=True)
def overrunning(slurm, launch, tmp_path_factory):
    """A job past its time limit: Slurm takes up to half a minute to see that, during which the rest runs."""
    job = ("JOB=1:2", "x.JOB.log", "echo in JOB; sleep $((90 * JOB - 90))")
    running = launch(tmp_path_factory.mktemp("overrunning"), "--time", "1", *job)
    wait_until(lambda: slurm.shows(f"{running.job}_2", "JobState=RUNNING"))
    slurm.update(jobid=f"{running.job}_2", timelimit=0)  # the shortest that can be asked for is a minute
    return running


def output(log: Path) -> list[str]:
    return [line for line in log.read_text().splitlines() if not line.startswith("#")]


def pids(folder: Path) -> list[int]:
    """Return the ids of a job's processes once it runs TELL_PIDS."""
    wait_until((folder / "ids").exists)
    return [int(pid) for pid in (folder / "ids").read_text().split()]


def test_every_task_gets_its_number_its_log_and_its_arguments(submit, tmp_path):
    result = submit(
        "JOB=1:3", "exp/log/x.JOB.log", "printf", "%s\\n", "in JOB", "a  b", "$HOME", "*", "ark:|x"
    )
    assert (result.returncode, result.stdout) == (0, "")
    assert re.fullmatch(r"slurm.py: job \d+, 3 tasks\n", result.stderr)
    for number in (1, 2, 3):
        log = tmp_path / f"exp/log/x.{number}.log"
        assert output(log) == [f"in {number}", "a  b", "$HOME", "*", "ark:|x"]
        lines = log.read_text().splitlines()
        assert lines[0] == f"# printf '%s\\n' 'in {number}' 'a  b' '$HOME' '*' 'ark:|x'"
        assert lines[1].startswith("# Running on ")
        assert TRAILER.fullmatch(lines[-1])[1] == "0"
    assert sorted(path.name for path in (tmp_path / "exp/log/q").iterdir()) == ["x.JOB.json", "x.JOB.sh"]


def test_names_may_hold_spaces_percents_and_the_number_may_be_a_folder(submit, tmp_path):
    assert submit("JOB=2:3", "a b/JOB/%a%%j.log", "echo", "JOB").returncode == 0
    assert output(tmp_path / "a b/3/%a%%j.log") == ["3"]
    assert (tmp_path / "a b/q").is_dir()


def test_one_failing_task_fails_the_call_and_the_others_still_run(submit, tmp_path):
    result = submit("JOB=1:3", "x.JOB.log", "echo about to end JOB; test JOB != 2 || exit 7")
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert lines[1] == "slurm.py: 1 / 3 failed, log is in x.*.log"
    assert re.fullmatch(r"slurm.py: task 2 of job \d+: ended with code 7", lines[2])
    assert lines[3] == "slurm.py: the end of x.2.log:"
    assert "about to end 2" in lines
    assert output(tmp_path / "x.3.log") == ["about to end 3"]


def test_a_single_job_and_a_command_that_does_not_exist(submit, tmp_path):
    result = submit("x.log", "no-such-command", "x")
    assert result.returncode == 1
    assert "slurm.py: job failed, log is in x.log" in result.stderr
    assert output(tmp_path / "x.log") == ["no-such-command: No such file or directory"]
    assert TRAILER.fullmatch((tmp_path / "x.log").read_text().splitlines()[-1])[1] == "127"


def test_a_job_whose_batch_script_is_killed_is_a_failure(submit):
    result = submit("x.log", "kill -KILL $PPID")
    assert result.returncode == 1
    assert re.search(r"job \d+: was ended by signal 9 \(SIGKILL\)", result.stderr)


def test_a_log_that_never_appears_is_said_to(submit):
    result = submit("x.log", "rm x.log; kill -KILL $PPID")
    assert result.returncode == 1
    assert result.stderr.endswith("slurm.py: x.log was never written\n")


def test_a_job_begins_in_the_recipe_with_its_path_and_environment(submit, tmp_path):
    (tmp_path / "path.sh").write_text("export FROM_PATH=yes OMP_NUM_THREADS=64\n")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/slurm.conf").write_text("command sbatch --export=NONE\noption disk=* --comment=$0\n")
    show = "echo $PWD $FROM_PATH $OMP_NUM_THREADS $WESPK_PARALLEL_JOBS $WESPK_VENV ${MINE-unset}"
    assert submit("--disk", "fast", "x.log", show, WESPK_VENV="none", MINE="x").returncode == 0
    assert output(tmp_path / "x.log") == [f"{tmp_path} yes 1 1 none unset"]


def test_threads_memory_and_gpus_are_what_was_asked_for(submit, tmp_path):
    show = "echo $OMP_NUM_THREADS $SLURM_CPUS_ON_NODE $SLURM_MEM_PER_NODE $CUDA_VISIBLE_DEVICES"
    options = ("--num-threads", "3", "--mem", "500M", "--gpu", "2")
    assert submit(*options, "x.log", show, SLURM_JOB_ID="1", SLURM_CPUS_PER_TASK="9").returncode == 0
    assert output(tmp_path / "x.log") == ["3 3 500 0,1"]


def test_max_jobs_run_bounds_the_tasks_at_once(submit, tmp_path):
    count_side_by_side = "touch run.JOB; ls run.* | wc -l; sleep 0.5; rm run.JOB"
    assert submit("--max-jobs-run", "2", "JOB=1:5", "x.JOB.log", count_side_by_side).returncode == 0
    assert max(int(output(tmp_path / f"x.{job}.log")[0]) for job in range(1, 6)) == 2


def test_pick_runs_only_what_failed_or_never_ended(submit, tmp_path):
    for job in (1, 2, 3, 4):
        code = 5 if job == 3 else 0
        ended = f"# Ended (code {code}) at 2000-01-01 00:00:00 +0000, elapsed time 0 seconds\n"
        (tmp_path / f"x.{job}.log").write_text("old\n" + (ended if job != 1 else ""))
    assert submit("--pick", "incomplete", "JOB=1:4", "x.JOB.log", "echo", "new").returncode == 0
    assert [output(tmp_path / f"x.{job}.log") for job in (1, 2, 3, 4)] == [["new"], ["old"], ["new"], ["old"]]
    assert submit("--pick", "failed", "JOB=1:4", "x.JOB.log", "echo", "new").stderr == ""


def test_a_refusal_of_sbatch_is_one_line(submit):
    result = submit("--partition", "nowhere", "x.log", "true")
    assert result.returncode == 1
    assert result.stderr.startswith("slurm.py: sbatch could not submit the job: ")
    assert "invalid partition" in result.stderr.lower()
    assert result.stderr.count("\n") == 1


def test_a_job_that_somebody_cancels_is_a_failure_and_hears_of_it(launch, slurm, tmp_path):
    running = launch(tmp_path, "x.log", "trap 'echo heard; exit' TERM; " + TELL_PIDS)
    processes = pids(tmp_path)
    slurm.run("scancel", running.job)
    status, said = running.end()
    assert status == 1
    assert f"slurm.py: job {running.job}: was cancelled (CANCELLED)" in said
    assert "heard" in said and "CANCELLED AT" in said  # the log's end, Slurm's own line included
    wait_until(lambda: not any(map(lives, processes)))


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_cancels_the_job(launch, slurm, tmp_path, name):
    running = launch(tmp_path, "JOB=1:1", "x.JOB.log", TELL_PIDS)
    processes = pids(tmp_path)
    running.process.send_signal(getattr(signal, name))
    status, said = running.end()
    assert status == 128 + getattr(signal, name)
    assert said == f"slurm.py: stopped by {name}; job {running.job} is cancelled, 0 / 1 done\n"
    assert not slurm.active(running.job)
    assert not any(map(lives, processes))


def test_the_job_is_cancelled_when_the_script_that_waits_for_it_is_killed(slurm, tmp_path):
    script = subprocess.Popen(
        ["bash", "-c", f"slurm.py x.log '{TELL_PIDS}'; true"],
        cwd=tmp_path,
        env=slurm.environment(PWD=str(tmp_path)),
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # slurm.py respects nohup
    )
    processes = pids(tmp_path)
    script.kill()
    script.wait()
    wait_until(lambda: not any(map(lives, processes)))
    wait_until(lambda: not (tmp_path / "q/x.job").exists())


def test_the_job_of_a_launcher_that_was_killed_is_ended_by_the_next_run(launch, submit, slurm, tmp_path):
    running = launch(tmp_path, "x.log", TELL_PIDS)
    processes = pids(tmp_path)
    running.process.kill()
    running.process.wait()
    assert slurm.active(running.job)
    result = submit("x.log", "echo", "new")
    assert result.returncode == 0
    first = f"slurm.py: job {running.job} of an earlier run writes to the same log: cancelling it"
    assert result.stderr.splitlines()[0] == first
    assert not any(map(lives, processes))
    assert output(tmp_path / "x.log") == ["new"]
    assert "earlier" not in submit("x.log", "true").stderr


def test_a_node_that_dies_is_a_failure_or_its_task_runs_again_elsewhere(launch, slurm, tmp_path):
    (tmp_path / "fails.conf").write_text("command sbatch --no-requeue --nodelist=n2\n")
    begun = "echo $PPID $(ps -o ppid= $PPID) $$ > ids; mv ids ids.{}; test $SLURMD_NODENAME = n1 || sleep 60"
    slurm.update(nodename="n1", state="drain", reason="test")  # both jobs begin on the other node
    try:
        fails = launch(tmp_path, "--config", "fails.conf", "fails.log", begun.format("fails"))
        wait_until((tmp_path / "ids.fails").exists)
        again = launch(tmp_path, "again.log", "echo $SLURMD_NODENAME; " + begun.format("again"))
        wait_until((tmp_path / "ids.again").exists)
        os.kill(slurm.pid_of("slurmd.n2"), signal.SIGKILL)
        for name in ("fails", "again"):
            for pid in reversed((tmp_path / f"ids.{name}").read_text().split()):
                os.kill(int(pid), signal.SIGKILL)
        slurm.update(nodename="n2", state="down", reason="test")
    finally:
        slurm.update(nodename="n1", state="resume")
    try:
        status, said = fails.end()
        assert status == 1
        assert f"slurm.py: job {fails.job}: its node failed (NODE_FAIL" in said
        slurm.update(jobid=again.job, starttime="now")  # Slurm would wait two minutes
        assert again.end() == (0, "")
        assert output(tmp_path / "again.log") == ["n1"]
    finally:
        slurm.run("slurmd", "-N", "n2", "-f", str(slurm.configuration))
        wait_until(lambda: slurm.run("sinfo", "-h", "-n", "n2", "-o", "%T").strip() in ("idle", "mixed"))


def test_processes_of_two_nodes_train_together(submit, tmp_path):
    (tmp_path / "sum.py").write_text(
        "import os, torch, torch.distributed as dist\n"
        "dist.init_process_group('gloo')\n"
        "total = torch.tensor([dist.get_rank() + 1])\n"
        "dist.all_reduce(total)\n"
        "print(os.environ['SLURMD_NODENAME'], dist.get_world_size(), total.item(), flush=True)\n"
        "dist.destroy_process_group()\n"
    )
    result = submit("--nodes", "2", "--num-threads", "2", "x.log", "distributed.sh", "1", "sum.py")
    assert result.returncode == 0, result.stderr
    assert sorted(output(tmp_path / "x.log")) == ["n1 2 3", "n2 2 3"]


def test_one_failing_process_of_two_nodes_fails_the_job(submit, tmp_path):
    (tmp_path / "fail.py").write_text(
        "import os, time\n"
        "time.sleep(100 if os.environ['SLURMD_NODENAME'] == 'n1' else 0)\n"
        "raise SystemExit('on purpose')\n"
    )
    result = submit("--nodes", "2", "x.log", "distributed.sh", "1", "fail.py")
    assert result.returncode == 1
    assert "on purpose" in (tmp_path / "x.log").read_text()


def test_on_one_node_distributed_needs_no_srun(submit, tmp_path):
    assert submit("x.log", "distributed.sh", "1", "-c", "print('alone')").returncode == 0
    assert output(tmp_path / "x.log") == ["alone"]


def test_a_task_past_its_time_limit_is_a_failure(overrunning):
    status, said = overrunning.end()
    assert status == 1
    lines = said.splitlines()
    assert lines[0] == "slurm.py: 1 / 2 failed, log is in x.*.log"
    assert lines[1] == f"slurm.py: task 2 of job {overrunning.job}: ran past its time limit (TIMEOUT)"
    assert "in 2" in lines and "DUE TO TIME LIMIT" in said


def test_two_slurms_run_side_by_side_and_leave_nothing(slurm, root, tmp_path):
    up, down = root / "tests/slurm/up.sh", root / "tests/slurm/down.sh"
    try:
        printed = subprocess.run(["bash", up, tmp_path / "s"], capture_output=True, text=True)
        assert printed.stdout == f"{tmp_path}/s/slurm.conf\n", printed.stderr
        other = slurm.environment(SLURM_CONF=printed.stdout.strip())
        hello = subprocess.run(["srun", "-N2", "echo", "hello"], env=other, capture_output=True, text=True)
        assert hello.stdout == "hello\nhello\n"
        daemons = [int(path.read_text()) for path in (tmp_path / "s").glob("*.pid")]
        assert len(daemons) == 4
    finally:
        for _ in range(2):
            subprocess.run(["bash", down, tmp_path / "s"], check=True)
    assert not any(map(lives, daemons))
    assert slurm.run("sinfo", "-h") != ""
