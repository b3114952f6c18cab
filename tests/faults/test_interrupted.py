"""Archives made by jobs that are killed, or that run out of disk: nothing half-made, nothing done twice."""

import filecmp
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from wespk.data.archives import write_archive
from wespk.data.jobs import Job, Piece, merge_jobs, one_by_one

ROOT = Path(__file__).resolve().parents[2]
ITEMS = [f"utt{number:02d}" for number in range(22)]
JOBS = 4

# Runs job 2 of 4 below the current folder and kills itself at a given place: while it makes its n-th item, or
# before or after it puts its n-th file under the final name.
DRIVER = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import test_interrupted
place, number = sys.argv[2], int(sys.argv[3])
count = 0
def die_at(here):
    global count
    if here == place:
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
replace = os.replace
def watched(*paths):
    die_at("before rename")
    replace(*paths)
    die_at("after rename")
os.replace = watched
test_interrupted.run_job(2, lambda item: die_at("item"))
"""


def run_job(index, watch=lambda item: None):
    """Make job `index` of 4 of an archive below ./data; `watch` sees each item that is made."""

    def make(item):
        watch(item)
        return np.random.default_rng(int(item[3:])).random((40, 5), dtype=np.float32)

    piece = Piece(Path("data"), "feats", ITEMS, {"kind": "random"}, str, one_by_one(make), "automatic")
    piece.run(Job(index, JOBS), lambda items, total, what: items)


@pytest.fixture
def undisturbed(tmp_path, monkeypatch):
    """What an undisturbed run leaves."""
    folder = tmp_path / "undisturbed"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for index in range(1, JOBS + 1):
        run_job(index)
    merge_jobs("data", "feats", 0)
    return folder / "data"


def assert_same_files(folder, expected):
    names = [sorted(str(path.relative_to(top)) for path in top.rglob("*")) for top in (folder, expected)]
    assert names[0] == names[1]
    files = [name for name in names[1] if (expected / name).is_file()]
    assert filecmp.cmpfiles(folder, expected, files, shallow=False) == (files, [], [])


@pytest.mark.parametrize(
    ("place", "number"),
    [("item", 1), ("item", 4)]
    + [(f"{side} rename", number) for side in ("before", "after") for number in (1, 2, 3, 4)],
)
def test_killed_job_is_made_again_to_the_same_bytes_and_the_others_are_not(
    undisturbed, tmp_path, monkeypatch, place, number
):
    folder = tmp_path / "killed"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for index in (1, 3, 4):
        run_job(index)
    arguments = [sys.executable, "-c", DRIVER, str(Path(__file__).parent), place, str(number)]
    killed = subprocess.run(arguments, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    made = []
    for index in range(1, JOBS + 1):
        run_job(index, made.append)
    merge_jobs("data", "feats", 0)
    # Only what the killed job was to make, and not even that when its record was already in place.
    finished = (place, number) == ("after rename", 4)
    assert made == ([] if finished else Job(2, JOBS).share(ITEMS))
    assert_same_files(folder / "data", undisturbed)


@pytest.mark.slow
def test_jobs_of_compute_fbank_killed_in_the_middle_end_with_the_same_bytes(make_corpus, tmp_path, wespk):
    data = make_corpus("data", speakers=4, utts=20, seconds=3)

    def start(index):
        command = [sys.executable, "-m", "wespk", "compute-fbank", "--job", f"{index}/{JOBS}", "data"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)

    def run_all():
        assert [job.wait(timeout=120) for job in [start(index) for index in range(1, JOBS + 1)]] == [0] * JOBS
        wespk("merge-jobs", "data", "feats")
        return {path.name: path.read_bytes() for path in [*(data / "jobs").iterdir(), data / "feats.scp"]}

    assert start(1).wait(timeout=120) == 0
    finished = (data / "jobs" / "feats.1.ark").stat().st_mtime_ns
    jobs = [start(index) for index in range(2, JOBS + 1)]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list((data / "jobs").glob(".feats.*.ark.*.tmp")):
        time.sleep(0.001)
    for job in jobs:
        job.kill()
    assert -signal.SIGKILL in [job.wait() for job in jobs]
    after_kill = run_all()
    assert (data / "jobs" / "feats.1.ark").stat().st_mtime_ns == finished
    for path in (data / "jobs").iterdir():
        path.unlink()
    assert run_all() == after_kill


@pytest.fixture(params=["limit", "tmpfs"])
def small_disk(request, tmp_path):
    """A folder and a function for a child process, which together leave no room for more than 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "limit":
        yield folder, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (256 << 10, 256 << 10))
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not permitted here; the limit on file sizes is tested")
    yield folder, lambda: None
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_is_one_line_and_leaves_nothing(small_disk, tmp_path):
    folder, prepare = small_disk
    matrix = np.ones((1000, 80), dtype=np.float32)
    write_archive(tmp_path / "in.ark", tmp_path / "in.scp", [(f"u{number}", matrix) for number in range(3)])
    arguments = ["copy-feats", f"scp:{tmp_path}/in.scp", f"ark,scp:{folder}/out.ark,{folder}/out.scp"]
    done = subprocess.run(
        [sys.executable, "-m", "wespk", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=prepare,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert f"{folder}/out.ark: cannot be written" in done.stderr and "make room" in done.stderr
    assert os.listdir(folder) == []


def test_job_on_a_full_disk_is_made_again_when_there_is_room(undisturbed, tmp_path, monkeypatch):
    folder = tmp_path / "full"
    folder.mkdir()
    monkeypatch.chdir(folder)
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))\n"
        "sys.path.insert(0, sys.argv[1]); import test_interrupted; test_interrupted.run_job(2)"
    )
    arguments = [sys.executable, "-c", script, str(Path(__file__).parent)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert "data/jobs/feats.2.ark: cannot be written (File too large)" in done.stderr
    assert [path.name for path in folder.rglob("*")] == ["data", "jobs"]
    for index in range(1, JOBS + 1):
        run_job(index)
    merge_jobs("data", "feats", 0)
    assert_same_files(folder / "data", undisturbed)


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="there is no /dev/full")
def test_full_standard_output_is_one_line(tmp_path):
    write_archive(tmp_path / "in.ark", tmp_path / "in.scp", [("u", np.ones((9, 9)))])
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "wespk", "copy-feats", f"scp:{tmp_path}/in.scp", "ark,t:-"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr and "Traceback" not in done.stderr
