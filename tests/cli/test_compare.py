"""`wespk compare`: two experiments, or two systems of one, on the same trials."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

SPEAKERS = 6


@pytest.fixture
def folder(tmp_path, verb):
    """Experiments a and b with the systems good and bad each, evaluated on the list test."""
    random = np.random.default_rng(0)
    utts = [f"s{s}-u{u}" for s in range(SPEAKERS) for u in range(4)]
    pairs = [(x, y) for x in utts for y in utts if x < y]
    (tmp_path / "utt2spk").write_text("".join(f"{utt} {utt[:2]}\n" for utt in utts))
    labels = ["target" if x[:2] == y[:2] else "nontarget" for x, y in pairs]
    rows = [f"{x} {y} {label}\n" for (x, y), label in zip(pairs, labels, strict=True)]
    (tmp_path / "trials").write_text("".join(rows))
    for exp in ("a", "b"):
        for system, noise in (("good", 0.5), ("bad", 4.0)):
            (tmp_path / exp / "scores").mkdir(parents=True, exist_ok=True)
            values = [4 * (label == "target") + random.normal(0, noise) for label in labels]
            text = "".join(f"{x} {y} {score:.5f}\n" for (x, y), score in zip(pairs, values, strict=True))
            (tmp_path / exp / f"scores/test.{system}.llr").write_text(text)
        files = [f"{exp}/scores/test.{system}.llr" for system in ("good", "bad")]
        verb("evaluate", "--draws", 20, "--results", f"{exp}/results/test.json", "trials", *files)
    return tmp_path


def test_systems_of_both_stand_side_by_side(folder, verb):
    lines = verb("compare", "--draws", 50, "--json", "c.json", "a", "b").splitlines()
    assert any("a:good" in line and "b:good" in line and "EER %" in line for line in lines)
    assert "95 % intervals and p-values: paired bootstrap over speakers, 50 draws" in lines
    assert "warning: 6 speakers: an interval from fewer than 30 is rough" in lines
    record = json.loads((folder / "c.json").read_text())
    assert [(each["a"], each["b"]) for each in record] == [("a:good", "b:good"), ("a:bad", "b:bad")]
    assert [each["measure"] for each in record[0]["differences"]] == ["eer", "min_dcf(0.01)", "min_dcf(0.05)"]


def test_two_systems_of_one_experiment_differ_significantly(folder, verb):
    verb("compare", "--draws", 99, "--json", "c.json", "--list", "test", "a:good", "a:bad")
    (found,) = json.loads((folder / "c.json").read_text())
    rate = found["differences"][0]
    assert (found["a"], found["b"]) == ("good", "bad")
    assert rate["difference"] < 0 and rate["p_value"] == pytest.approx(0.02)


def test_one_system_of_both(folder, verb):
    said = verb("compare", "--draws", 20, "--system", "bad", "--markdown", "a", "b")
    assert "| test | a:bad | b:bad | EER % |" in said and "good" not in said


def test_experiments_of_one_name_are_told_apart(folder, verb):
    shutil.copytree(folder / "a", folder / "other/a")
    assert "other/a:bad" in verb("compare", "--draws", 20, "a:good", "other/a:bad")


def test_without_speakers_there_are_differences_only(folder, verb):
    (folder / "utt2spk").unlink()
    for exp in "ab":
        verb("evaluate", "--results", f"{exp}/results/test.json", "trials", f"{exp}/scores/test.good.llr")
    said = verb("compare", "a", "b")
    assert "no intervals and p-values" in said and "[" not in said.replace("[95 %]", "")


def test_different_trials_are_refused(folder, verb):
    text = (folder / "trials").read_text().splitlines(keepends=True)
    (folder / "fewer").write_text("".join(text[1:]))
    scores = (folder / "b/scores/test.good.llr").read_text().splitlines(keepends=True)
    (folder / "b/scores/test.good.llr").write_text("".join(scores[1:]))
    verb("evaluate", "--results", "b/results/test.json", "fewer", "b/scores/test.good.llr")
    refused = verb("compare", "a", "b", status=1)
    assert "trials and fewer are different trials (276 and 275)" in refused


def test_the_same_trials_under_another_name_are_compared(folder, verb):
    shutil.copy(folder / "trials", folder / "copy")
    verb(
        "evaluate",
        "--utt2spk",
        "utt2spk",
        "--results",
        "b/results/test.json",
        "copy",
        "b/scores/test.good.llr",
    )
    assert "b:good" in verb("compare", "--draws", 20, "a", "b")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none", "b"], "none: no such experiment"),
        (["none:good", "b"], "none: no such experiment"),
        (["a:best", "b:good"], "a: no system 'best' on test; there are: good, bad"),
        (["a:good", "b"], "name a system of both"),
        (["a", "scores"], "scores: no such experiment"),
        (["--list", "dev", "a", "b"], "error: a/results/dev.json: no such file"),
    ],
)
def test_wrong_use_is_one_clear_line(folder, verb, arguments, message):
    refused = verb("compare", *arguments, status=1)
    assert message in refused


def test_no_draws_are_refused(folder, verb):
    assert "argument --draws: '0' is not a whole number above 0" in verb(
        "compare", "--draws", 0, "a", "b", status=2
    )


def test_trials_without_score_are_refused_or_counted(folder, verb):
    path = folder / "b/scores/test.good.llr"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[2:]))
    refused = verb("compare", "a", "b", status=1)
    assert "b/scores/test.good.llr: 2 trials of trials have no score" in refused
    said = verb("compare", "--draws", 20, "--allow-missing", "a", "b")
    assert "test: good, good: 2 of 276 trials have no score of one of the two and are left out" in said


def test_trials_that_are_elsewhere_are_told_of(folder, verb, monkeypatch):
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    refused = verb("compare", "../a", "../b", status=1)
    assert "../a/results/test.json: names the trials trials, which are not there; run this in" in refused


def test_experiments_without_a_common_list_are_named(folder, verb):
    (folder / "b/results/test.json").rename(folder / "b/results/dev.json")
    assert "a and b have no list in common" in verb("compare", "a", "b", status=1)


def test_results_of_an_earlier_version_are_named(folder, verb):
    (folder / "b/results/test.json").write_text('{"trials": "trials", "systems": []}')
    refused = verb("compare", "a", "b", status=1)
    assert "b/results/test.json: ListResults: " in refused and "run `wespk evaluate --results" in refused
