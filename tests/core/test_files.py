import errno
import os
import signal
import subprocess
import sys

import pytest

from wespk.core.errors import WespkError
from wespk.core.files import (
    atomic_path,
    digest,
    file_digest,
    read_json,
    read_text,
    remove_stale,
    write_json,
    write_text,
)
from wespk.core.rejections import Rejections


def test_failed_write_leaves_the_old_content_and_no_rest(tmp_path):
    path = tmp_path / "file"
    write_text(path, "old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_killed_write_leaves_the_old_content(tmp_path):
    path = tmp_path / "file"
    write_text(path, "old")
    script = (
        "import os, signal, sys\nfrom wespk.core.files import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


def test_what_a_killed_process_left_is_removed_and_a_living_ones_is_not(tmp_path):
    path = tmp_path / "file"
    script = (
        "import os, signal, sys\nfrom wespk.core.files import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    for name in ("file", "file2"):
        subprocess.run([sys.executable, "-c", script, str(tmp_path / name)], check=False)
    with atomic_path(path) as living:
        living.write_text("mine")
        assert len(os.listdir(tmp_path)) == 3
        remove_stale(path)
        left = sorted(os.listdir(tmp_path))
        assert len(left) == 2 and living.name in left and any(name.startswith(".file2.") for name in left)
    assert path.read_text() == "mine"


def test_a_device_or_pipe_is_not_replaced_by_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WespkError, match="pipe: is not an ordinary file"):
        write_text(tmp_path / "pipe", "text")
    assert (tmp_path / "pipe").is_fifo()


def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path):
    told = "file: cannot be written .No space left on device.; make room"
    with pytest.raises(WespkError, match=told), atomic_path(tmp_path / "file") as temporary:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert os.listdir(tmp_path) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(WespkError, match=r"file/out.txt: its folder cannot be made \(.*file: "):
        write_text(tmp_path / "file" / "out.txt", "y")
    with pytest.raises(WespkError, match=r"^/proc/out.txt: cannot be written \(.*\); name another place$"):
        write_text("/proc/out.txt", "y")


def test_equal_values_give_equal_json(tmp_path):
    write_json(tmp_path / "a", {"x": 1, "y": [2, "é"]})
    write_json(tmp_path / "b", {"y": [2, "é"], "x": 1})
    assert file_digest(tmp_path / "a") == file_digest(tmp_path / "b")
    assert read_json(tmp_path / "a") == {"x": 1, "y": [2, "é"]}


def test_digest_depends_on_the_borders_between_parts():
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("ab", "c") == digest(b"ab", "c") == digest(memoryview(b"ab"), "c")


def test_unreadable_text_is_named_with_its_line(tmp_path):
    (tmp_path / "latin").write_bytes(b"fine\n\xe9\n")
    with pytest.raises(WespkError, match="latin:2: not valid UTF-8"):
        read_text(tmp_path / "latin")
    (tmp_path / "bad.json").write_text("{\n,")
    with pytest.raises(WespkError, match=r"bad.json:2: not valid JSON"):
        read_json(tmp_path / "bad.json")


def test_ledger_accounts_for_every_item(tmp_path):
    ledger = Rejections()
    ledger.add("b", "silent: all samples\nare equal")
    ledger.reconcile("feats", ["a", "b"], ["a"])
    with pytest.raises(WespkError, match="1 lost, first c"):
        ledger.reconcile("feats", ["a", "b", "c"], ["a"])
    with pytest.raises(WespkError, match="1 not asked for, first z"):
        ledger.reconcile("feats", ["a", "b"], ["a", "z"])
    with pytest.raises(WespkError, match="both made and rejected"):
        ledger.reconcile("feats", ["a", "b"], ["a", "b"])
    ledger.write(tmp_path / "rejected.txt")
    assert (tmp_path / "rejected.txt").read_text() == "b silent: all samples are equal\n"
    assert Rejections.read(tmp_path / "rejected.txt") == ledger


@pytest.mark.parametrize(("most", "fine"), [(0, False), (0.01, False), (0.5, True), (1, True)])
def test_ledger_enforces_a_count_or_a_share(most, fine):
    ledger = Rejections({"a": "empty: x"})
    if fine:
        ledger.enforce("feats", 10, most)
    else:
        with pytest.raises(WespkError, match=r"1 of 10 rejected.*first a: empty"):
            ledger.enforce("feats", 10, most)
