"""The environment's set-up, against a stand-in for pip: no network and no torch."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STUB_OF_PIP = """
import os, pathlib, sys, time
site = pathlib.Path(__file__).parents[1]
if "--version" not in sys.argv:
    with open(site / "calls", "a") as calls:
        print(*sys.argv[1:], file=calls)
    if "FAIL" in os.environ:
        sys.exit("ERROR: no matching distribution")
    time.sleep(float(os.environ.get("SLOW", 0)))
    if "--editable" in sys.argv:
        (site / "wespk.pth").write_text(os.getcwd())
"""


@pytest.fixture
def venv(tmp_path):
    """An environment whose pip only notes how it was called."""
    folder = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    pip = site(folder) / "pip"
    pip.mkdir()
    (pip / "__init__.py").touch()
    (pip / "__main__.py").write_text(STUB_OF_PIP)
    return folder


def site(venv: Path) -> Path:
    return next(venv.glob("lib/python3*/site-packages"))


def calls(venv: Path) -> list[str]:
    return (site(venv) / "calls").read_text().splitlines()


@pytest.fixture
def setup(run, checkout, venv):
    """Call setup_env.sh on that environment."""

    def setup(*arguments, **environment):
        return run(checkout / "tools/setup_env.sh", "--venv", venv, *arguments, **environment)

    return setup


def test_the_first_run_installs_with_the_constraints_and_the_second_does_nothing(setup, venv):
    first = setup()
    assert first.returncode == 0, first.stderr
    assert "is ready (wespk[recipes])" in first.stdout
    assert len(calls(venv)) == 2
    assert all("-c tools/constraints.txt" in call for call in calls(venv))
    assert "--editable .[recipes]" in calls(venv)[1]
    second = setup()
    assert second.stdout == f"setup_env.sh: {venv} is up to date (wespk[recipes])\n"
    assert len(calls(venv)) == 2


def test_more_extras_are_added_and_then_serve_both(setup, venv):
    setup("--extras", "recipes")
    assert "is ready (wespk[dev,recipes])" in setup("--extras", "dev").stdout
    before = len(calls(venv))
    for extras in ("recipes", "dev", "recipes,dev"):
        assert "up to date" in setup("--extras", extras).stdout
    assert len(calls(venv)) == before


@pytest.mark.parametrize("name", ["setup.py", "tools/constraints.txt"])
def test_a_change_of_what_it_is_made_from_installs_again(setup, checkout, name):
    setup()
    with open(checkout / name, "a") as stream:
        stream.write("# another version\n")
    assert "is ready" in setup().stdout
    assert "up to date" in setup().stdout


def test_an_installation_that_fails_is_an_error_and_is_continued(setup):
    failed = setup(FAIL="1")
    assert failed.returncode == 1
    assert "no matching distribution" in failed.stderr
    assert failed.stderr.endswith("pip has failed, see above; run this again to continue\n")
    assert "is ready" in setup().stdout


def test_a_package_that_has_gone_missing_is_installed_again(setup, venv):
    setup()
    (site(venv) / "wespk.pth").unlink()
    assert "is ready" in setup().stdout


def test_runs_at_the_same_time_wait_for_each_other(setup, checkout, venv):
    command = [checkout / "tools/setup_env.sh", "--venv", venv]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"SLOW": "0.2"}) for _ in "12"]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert len(calls(venv)) == 2
    assert sorted(text.splitlines()[-1].split(venv.name)[1].split(" (")[0] for text in said) == [
        " is ready",
        " is up to date",
    ]


def test_a_folder_with_other_things_in_it_is_left_alone(run, checkout, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/thesis.tex").touch()
    result = run(checkout / "tools/setup_env.sh", "--venv", "precious")
    assert result.returncode == 1
    assert "name a new or empty folder" in result.stderr
    assert [path.name for path in (tmp_path / "precious").iterdir()] == ["thesis.tex"]


def test_a_broken_environment_of_somebody_else_is_left_alone(setup, venv):
    (venv / "bin/python").unlink()
    result = setup()
    assert result.returncode == 1
    assert "was not made by this script" in result.stderr
    assert (site(venv) / "pip").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--extra", "dev"], "unknown option --extra"),
        (["--venv"], "--venv needs a value"),
        (["--extras", "dev recipes"], "commas"),
    ],
)
def test_a_wrong_call_is_one_line(run, checkout, arguments, problem):
    result = run(checkout / "tools/setup_env.sh", *arguments)
    assert (result.returncode, result.stdout) == (1, "")
    assert problem in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_wrong_python_is_one_line(run, checkout):
    result = run(checkout / "tools/setup_env.sh", "--venv", "new", PYTHON="no-such-python")
    assert result.returncode == 1
    assert result.stderr == "setup_env.sh: no-such-python is not a Python of 3.10 or later\n"


def test_no_python_at_all_is_one_line(run, checkout, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "mkdir", "find", "flock"):
        (tools / name).symlink_to(shutil.which(name))
    result = run(tools / "bash", checkout / "tools/setup_env.sh", "--venv", "new", PATH=str(tools))
    assert result.returncode == 1
    assert "no Python 3.10 to 3.14 on PATH" in result.stderr
    assert result.stderr.count("\n") == 1
