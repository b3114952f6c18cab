"""Options of shell scripts: Kaldi's convention, without its defects."""

from __future__ import annotations

import pytest

SCRIPT = """set -euo pipefail
stage=             # first stage to run
stop_stage=8       # last stage to run
nj=4
shuffle=true       # a new order every epoch
cmd="run.pl --mem 4G"   # launcher
set=
HELP=me
message="Usage:
fake=1
"
help_message="Usage: train.sh [options] <data>"
. "$ROOT/tools/parse_options.sh"
later=1
echo "stage=$stage stop_stage=$stop_stage nj=$nj shuffle=$shuffle cmd=$cmd set=$set HELP=$HELP rest=$#:$*"
"""


@pytest.fixture
def train(tmp_path, run, root):
    (tmp_path / "train.sh").write_text(SCRIPT)
    return lambda *arguments: run("bash", "train.sh", *arguments, ROOT=str(root))


def fields(result):
    assert result.returncode == 0, result.stderr
    return dict(part.split("=", 1) for part in result.stdout.split() if "=" in part)


def complaint(result):
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_options_set_variables_and_the_rest_stays_positional(train):
    result = train("--nj", "8", "--stop-stage", "3", "data/train", "--nj", "9")
    assert fields(result)["nj"] == "8"
    assert fields(result)["stop_stage"] == "3"
    assert result.stdout.endswith("rest=3:data/train --nj 9\n")


def test_without_options_the_defaults_hold(train):
    assert fields(train())["nj"] == "4"


def test_an_empty_value_is_a_value(train):
    assert "shuffle=true cmd= set=" in train("--cmd", "").stdout


def test_two_dashes_end_the_options(train):
    assert train("--", "--nj", "8").stdout.endswith("rest=2:--nj 8\n")


def test_an_unknown_option_names_the_nearest(train):
    assert "unknown option --stop_stge; the nearest is --stop_stage" in complaint(train("--stop_stge", "3"))


def test_a_variable_set_later_is_not_an_option(train):
    assert "unknown option --later" in complaint(train("--later", "2"))


@pytest.mark.parametrize("name", ["PATH", "HOME", "HELP"])
def test_variables_in_capitals_are_not_options(train, name):
    assert f"unknown option --{name}" in complaint(train(f"--{name}", "x"))


def test_equals_is_refused(train):
    assert "--name value" in complaint(train("--nj=8"))


def test_a_single_dash_is_refused(train):
    assert "two dashes" in complaint(train("-nj", "8"))


def test_a_missing_value_is_an_error(train):
    assert "--nj needs a value" in complaint(train("--nj"))
    assert "--nj needs a value" in complaint(train("--nj", "--stage", "3"))


def test_a_value_may_look_like_options(train):
    assert "cmd=--mem 2G set=" in train("--cmd", "--mem 2G").stdout


def test_a_boolean_takes_only_true_or_false(train):
    assert fields(train("--shuffle", "false"))["shuffle"] == "false"
    assert "true or false" in complaint(train("--shuffle", "yes"))


def test_values_are_not_evaluated(train, tmp_path):
    value = "$(touch pwned)`touch pwned`;touch pwned"
    assert f"cmd={value}" in train("--cmd", value).stdout
    assert not (tmp_path / "pwned").exists()


def test_set_may_be_repeated(train):
    assert "set=optim.lr=0.1 epochs=3 HELP" in train("--set", "optim.lr=0.1", "--set", "epochs=3").stdout


def test_any_other_option_repeated_takes_its_last_value(train):
    assert fields(train("--nj", "8", "--nj", "9"))["nj"] == "9"


def test_help_prints_the_message_and_the_options_at_the_head(train):
    result = train("--nj", "8", "--help")
    assert result.returncode == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0] == "Usage: train.sh [options] <data>"
    assert '--stage "" first stage to run' in lines
    assert "--nj 4" in lines
    assert '--cmd "run.pl --mem 4G" launcher' in lines
    assert not any("later" in line or "fake" in line or "HELP" in line for line in lines)


def test_help_finds_a_script_that_has_changed_folder(tmp_path, run, root):
    (tmp_path / "egs").mkdir()
    (tmp_path / "egs/run.sh").write_text(
        'set -eu\ncd "$(dirname "$0")"\nnj=4   # jobs\n. "$ROOT/tools/parse_options.sh"\n'
    )
    assert "--nj  4  jobs" in run("bash", "egs/run.sh", "--help", ROOT=str(root)).stdout


def test_config_is_sourced_first_when_the_script_has_no_such_variable(train, tmp_path):
    (tmp_path / "my.conf").write_text("nj=16\nstage=2\n")
    values = fields(train("--stage", "5", "--config", "my.conf"))
    assert (values["nj"], values["stage"]) == ("16", "5")
    assert "no.conf: no such file" in complaint(train("--config", "no.conf"))
    assert "--config needs a value" in complaint(train("--config"))


def test_config_is_an_ordinary_option_when_the_script_has_such_a_variable(tmp_path, run, root):
    (tmp_path / "run.sh").write_text(
        'set -eu\nconfig=conf/a.yaml\n. "$ROOT/tools/parse_options.sh"\necho "$config"\n'
    )
    assert run("bash", "run.sh", "--config", "conf/b.yaml", ROOT=str(root)).stdout == "conf/b.yaml\n"


def test_nothing_is_left_behind_in_the_script(tmp_path, run, root):
    (tmp_path / "run.sh").write_text(
        'set -eu\nnj=4\n. "$ROOT/tools/parse_options.sh"\n'
        "compgen -v | grep _option || true\ncompgen -A function || true\n"
    )
    result = run("bash", "run.sh", "--nj", "3", ROOT=str(root))
    assert (result.returncode, result.stdout) == (0, "")
