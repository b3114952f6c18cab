"""The front door, run.sh, and path.sh."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def front(run, checkout, tmp_path):
    """Call run.sh from another folder; the environment's set-up is replaced by a line that says so."""
    (checkout / "tools/setup_env.sh").write_text('echo "set up $* in ${WESPK_VENV:-the default}"\n')
    (tmp_path / "elsewhere").mkdir()
    return lambda *arguments: run("bash", checkout / "run.sh", *arguments, cwd=tmp_path / "elsewhere")


def test_the_environment_comes_first_and_mini_is_the_default(front):
    assert front().stdout == "set up --extras recipes in the default\nmini: nj=4 corpus= venv=\n"


def test_all_options_reach_the_recipe(front):
    assert front("--nj", "7", "--recipe", "an4").stdout.endswith("an4: nj=7 corpus= venv=\n")
    assert "unknown option --njj; the nearest is --nj" in front("--njj", "7").stderr


def test_a_corpus_is_taken_relative_to_the_user(front, tmp_path):
    assert f"corpus={tmp_path}/elsewhere/data/an4" in front("--corpus", "data/an4").stdout
    assert "corpus=/data/an4" in front("--corpus", "/data/an4").stdout


def test_the_recipe_uses_the_environment_that_was_asked_for(front, tmp_path):
    assert front("--venv", "none").stdout.endswith("venv=none\n")
    assert front("--venv", "mine").stdout.endswith(f"venv={tmp_path}/elsewhere/mine\n")


def test_an_unknown_recipe_names_those_that_exist_nearest_first(front):
    result = front("--recipe", "an5")
    assert result.returncode == 1
    assert result.stderr == "run.sh: there is no recipe 'an5' in egs/; there are: an4 mini\n"
    assert front("--recipe", "minni").stderr.endswith("there are: mini an4\n")


@pytest.mark.parametrize("name", ["", "..", "../egs/mini", "mini/"])
def test_a_recipe_is_a_plain_name(front, name):
    assert front("--recipe", name).returncode == 1


def test_help_is_shown_without_an_environment(front):
    result = front("--help")
    assert result.returncode == 0
    assert result.stdout.startswith("From a fresh checkout")
    assert "--recipe NAME" in result.stdout
    assert result.stdout.endswith("Recipes: an4 mini\n")


def test_help_of_a_recipe_is_shown_without_an_environment(front):
    result = front("--recipe", "an4", "--help")
    assert result.returncode == 0
    assert result.stdout.startswith("Usage: bash run.sh of an4\n")
    assert "jobs side by side" in result.stdout


@pytest.mark.parametrize("argument", ["--recipe", "--venv", "--corpus", "--recipe=an4"])
def test_a_wrong_call_is_one_line(front, argument):
    result = front(argument)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1


def path_sh(run, checkout, **environment):
    show = (
        'set -eu; . "$0/path.sh"; . "$0/path.sh"; '
        'echo "$WESPK_ROOT|$PATH|$PYTHONPATH|$LC_ALL|$PYTHONUTF8|$OMP_NUM_THREADS"'
    )
    result = run("bash", "-c", show, checkout, **environment)
    assert result.returncode == 0, result.stderr
    names = ("root", "path", "pythonpath", "lc_all", "utf8", "threads")
    return dict(zip(names, result.stdout.strip().split("|"), strict=True))


def test_path_sh_sets_the_environment_of_a_recipe(run, checkout):
    (checkout / ".venv/bin").mkdir(parents=True)
    found = path_sh(run, checkout, PATH="/usr/bin:/bin", PYTHONPATH="/mine", OMP_NUM_THREADS="")
    assert found["root"] == str(checkout)
    assert found["path"] == f"{checkout}/.venv/bin:{checkout}/tools:/usr/bin:/bin"
    assert found["pythonpath"] == f"{checkout}:/mine"
    assert (found["lc_all"], found["utf8"]) == ("C", "1")
    assert found["threads"] == str(len(os.sched_getaffinity(0)))
    assert path_sh(run, checkout, OMP_NUM_THREADS="3")["threads"] == "3"


def test_path_sh_adds_the_tools_alone_without_an_environment_or_with_none(run, checkout):
    tools_only = f"{checkout}/tools:/usr/bin:/bin"
    assert path_sh(run, checkout, PATH="/usr/bin:/bin")["path"] == tools_only
    (checkout / ".venv/bin").mkdir(parents=True)
    assert path_sh(run, checkout, PATH="/usr/bin:/bin", WESPK_VENV="none")["path"] == tools_only


def test_path_sh_takes_the_environment_that_is_named(run, checkout, tmp_path):
    (tmp_path / "mine/bin").mkdir(parents=True)
    found = path_sh(run, checkout, PATH="/usr/bin:/bin", WESPK_VENV=str(tmp_path / "mine"))
    assert found["path"] == f"{tmp_path}/mine/bin:{checkout}/tools:/usr/bin:/bin"


@pytest.mark.parametrize("recipe", ["mini", "an4"])
def test_a_recipe_finds_its_launcher(run, root, recipe):
    source = f'set -eu; cd "$0/egs/{recipe}"; . ./path.sh; . ./cmd.sh; $train_cmd --help'
    assert "Usage: local.py" in run("bash", "-c", source, root).stdout
