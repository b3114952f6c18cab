"""Which stages of a recipe run, and what is remembered of them."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest

RECIPE = """set -euo pipefail
stage=
stop_stage=8
nj=4
break_at=
. "$ROOT/tools/parse_options.sh"
. "$ROOT/tools/stages.sh"

if begin_stage 1 "data preparation" --out data/train --in corpus; then
  mkdir -p data/train
  cp corpus/words data/train/wav.scp
  end_stage
fi

if begin_stage 2 "features" --out data/train/feats.scp --in data/train conf/fbank.conf \\
    --set "nj=$nj" --log exp/fbank.log; then
  [ "$break_at" != exit ] || exit 0
  [ "$break_at" != command ] || false
  [ "$break_at" != output ] || rm -f data/train/feats.scp
  [ "$break_at" != sleep ] || sleep 60
  [ "$break_at" = output ] || sort data/train/wav.scp > data/train/feats.scp
  date +%N > data/train/num_frames    # a file of the stage's own among its inputs, other bytes every time
  end_stage
fi
"""
STAMP = "data/train/.2.features.stage.json"


@pytest.fixture
def recipe(tmp_path, run, root):
    for name, text in (("corpus/words", "b\na\n"), ("conf/fbank.conf", "bins=80\n"), ("run.sh", RECIPE)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return lambda *options: run("bash", "run.sh", *options, ROOT=str(root))


def started(result):
    """Map the stages that ran to the reasons for it."""
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if line.startswith("== stage ")]
    return {int(line[9]): line.split("(", 1)[1][:-1] for line in lines}


def test_the_first_run_runs_all_and_the_second_nothing(recipe):
    first = recipe()
    assert started(first) == {1: "never run", 2: "never run"}
    assert "== stage 2: features (never run)\n" in first.stdout
    assert "stage 2 (features): done in 0:00:0" in first.stdout
    second = recipe()
    assert started(second) == {}
    assert second.stdout == "stage 1: data preparation: up to date\nstage 2: features: up to date\n"


def test_a_missing_output_is_made_again(recipe, tmp_path):
    recipe()
    (tmp_path / "data/train/feats.scp").unlink()
    assert started(recipe()) == {2: "output data/train/feats.scp missing"}


def test_a_changed_input_counts_by_its_content(recipe, tmp_path):
    recipe()
    (tmp_path / "conf/fbank.conf").touch()
    assert started(recipe()) == {}
    (tmp_path / "conf/fbank.conf").write_text("bins=40\n")
    assert started(recipe()) == {2: "input conf/fbank.conf changed"}
    assert started(recipe()) == {}


def test_a_folder_stands_for_the_files_directly_in_it(recipe, tmp_path):
    recipe()
    (tmp_path / "corpus/.hidden").write_text("x")
    (tmp_path / "corpus/deep").mkdir()
    (tmp_path / "corpus/deep/er").write_text("x")
    assert started(recipe()) == {}
    (tmp_path / "corpus/more").write_text("x")
    assert started(recipe()) == {1: "input corpus/more new"}
    (tmp_path / "corpus/more").unlink()
    assert started(recipe()) == {1: "input corpus/more missing"}


def test_what_a_stage_changes_is_an_input_of_the_next(recipe, tmp_path):
    recipe()
    (tmp_path / "corpus/words").write_text("c\n")
    assert started(recipe()) == {1: "input corpus/words changed", 2: "input data/train/wav.scp changed"}


def test_a_changed_setting_is_named(recipe):
    recipe()
    assert started(recipe("--nj", "8")) == {2: "setting changed: nj=8 (was nj=4)"}


def test_an_explicit_stage_runs_from_there_to_the_last(recipe):
    recipe()
    forced = "forced by --stage"
    assert started(recipe("--stage", "1")) == {1: forced, 2: forced}
    assert started(recipe("--stage", "2")) == {2: forced}
    assert started(recipe("--stage", "1", "--stop_stage", "1")) == {1: forced}
    assert started(recipe("--stop_stage", "1", "--nj", "8")) == {}


def test_impossible_ranges_are_errors(recipe):
    assert "nothing would run" in recipe("--stage", "3", "--stop_stage", "2").stderr
    assert recipe("--stage", "two").returncode == 1


def test_a_failing_command_stops_the_run_and_leaves_no_stamp(recipe, tmp_path):
    recipe()
    assert (tmp_path / STAMP).exists()
    result = recipe("--stage", "2", "--break_at", "command")
    assert result.returncode == 1
    assert result.stderr == "run.sh: stage 2 (features) failed; see exp/fbank.log\n"
    assert not (tmp_path / STAMP).exists()
    assert started(recipe()) == {2: "no record of a finished run"}


def test_a_stage_that_does_not_make_its_output_fails(recipe, tmp_path):
    result = recipe("--break_at", "output")
    assert result.returncode == 1
    assert "without making data/train/feats.scp" in result.stderr
    assert not (tmp_path / STAMP).exists()


def test_a_stage_cannot_be_left_without_its_end(recipe):
    result = recipe("--break_at", "exit")
    assert result.returncode == 1
    assert "left without end_stage" in result.stderr


def test_a_killed_stage_is_not_taken_for_a_finished_one(recipe, tmp_path, root):
    recipe()
    command = ["bash", "run.sh", "--stage", "2", "--break_at", "sleep"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env={"ROOT": str(root), "PATH": "/usr/bin:/bin"}, start_new_session=True
    )
    while (tmp_path / STAMP).exists():
        time.sleep(0.01)
    subprocess.os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert started(recipe()) == {2: "no record of a finished run"}


def test_an_input_edited_during_the_stage_counts_as_changed(recipe, tmp_path):
    (tmp_path / "run.sh").write_text(
        RECIPE.replace("  date +%N", "  echo bins=60 > conf/fbank.conf; date +%N")
    )
    recipe()
    assert started(recipe()) == {2: "input conf/fbank.conf changed"}
    assert started(recipe()) == {}


def test_the_stamp_lies_in_an_output_folder_or_beside_an_output_file(recipe, tmp_path):
    recipe()
    for stamp in ("data/train/.1.data-preparation.stage.json", STAMP):
        assert json.loads((tmp_path / stamp).read_text())["inputs"]


def test_a_broken_stamp_means_that_the_stage_runs(recipe, tmp_path):
    recipe()
    (tmp_path / STAMP).write_text("{")
    assert list(started(recipe())) == [2]


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("--in conf", "--out is missing"),
        ("--output x", "--output: expected --out"),
        ("x", "x: expected --out"),
    ],
)
def test_a_wrong_call_is_explained(tmp_path, run, root, call, problem):
    (tmp_path / "run.sh").write_text(
        f'set -eu\n. "$ROOT/tools/stages.sh"\nif begin_stage 1 "x" {call}; then echo ran; fi\necho after\n'
    )
    result = run("bash", "run.sh", ROOT=str(root))
    assert (result.returncode, result.stdout) == (1, "")
    assert problem in result.stderr


def test_a_setting_may_look_like_options(tmp_path, run, root):
    (tmp_path / "run.sh").write_text(
        'set -eu\n. "$ROOT/tools/stages.sh"\n'
        'if begin_stage 1 "x" --set "--in 3" --out a.txt; then echo > a.txt; end_stage; fi\n'
    )
    assert run("bash", "run.sh", ROOT=str(root)).returncode == 0
    assert "up to date" in run("bash", "run.sh", ROOT=str(root)).stdout
