import os
import subprocess
import sys

import pytest

from wespk.cli.main import main

TUNED = ("MALLOC_", "LD_PRELOAD", "GOMP_", "OMP_WAIT")
PROBE = (
    "import os, sys\nfrom wespk.core.process import restart_tuned as tune\n"
    "show = os.environ.get\n"
    "print(os.getpid(), show('MALLOC_TRIM_THRESHOLD_'), show('GOMP_SPINCOUNT'), flush=True)\n"
    "os.environ.get('DONE') or os.environ.update(DONE='1') or tune('tests_probe', ['x'])\n"
)


def test_process_restarts_once_with_tuned_settings_and_keeps_its_id(tmp_path):
    (tmp_path / "tests_probe.py").write_text(PROBE)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(TUNED)}
    done = subprocess.run(
        [sys.executable, "-m", "tests_probe"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.getcwd()])},
    )
    (first, *untuned), (second, *tuned) = (line.split() for line in done.stdout.splitlines())
    assert first == second
    assert untuned == ["None", "None"]
    assert int(tuned[0]) > 1 << 30 and int(tuned[1]) > 0


def test_a_verb_called_from_python_never_replaces_the_process(tmp_path, monkeypatch):
    monkeypatch.setattr("os.execve", lambda *_: pytest.fail("the caller's process would be gone"))
    for name in [name for name in os.environ if name.startswith(TUNED)]:
        monkeypatch.delenv(name)
    with pytest.raises(SystemExit):
        main(["train", str(tmp_path / "none"), str(tmp_path / "exp")])
