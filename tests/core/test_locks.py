import subprocess
import sys

import pytest

from wespk.core.errors import WespkError
from wespk.core.locks import exclusive


def test_a_second_run_is_refused_while_the_first_goes_on(tmp_path):
    lock = tmp_path / "jobs" / ".feats.lock"
    with exclusive(lock, "data/feats.scp"):
        second = exclusive(lock, "data/feats.scp")
        with pytest.raises(WespkError, match="data/feats.scp is being made by another run"):
            second.__enter__()
    with exclusive(lock, "data/feats.scp"):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    lock = tmp_path / "lock"
    code = f"""
import os, signal
from wespk.core.locks import exclusive
with exclusive({str(lock)!r}, "x"):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    with exclusive(lock, "x"):
        pass
