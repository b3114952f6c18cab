import os
import subprocess
import sys

PROBE = (
    "import os, sys\nfrom wespk.core.process import restart_with_tuned_malloc as tune\n"
    "print(os.getpid(), os.environ.get('MALLOC_TRIM_THRESHOLD_'), flush=True)\n"
    "os.environ.get('DONE') or os.environ.update(DONE='1') or tune('tests_probe', ['x'])\n"
)


def test_process_restarts_once_with_tuned_malloc_and_keeps_its_id(tmp_path):
    (tmp_path / "tests_probe.py").write_text(PROBE)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_") and k != "LD_PRELOAD"}
    done = subprocess.run(
        [sys.executable, "-m", "tests_probe"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.getcwd()])},
    )
    (first, untuned), (second, tuned) = (line.split() for line in done.stdout.splitlines())
    assert first == second
    assert untuned == "None"
    assert int(tuned) > 1 << 30
