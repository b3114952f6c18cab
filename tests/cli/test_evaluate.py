"""`wespk evaluate`: what it prints and writes, and what it refuses."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest

from wespk.cli.main import main
from wespk.core.errors import WespkError
from wespk.core.files import read_json
from wespk.metrics.systems import ListResults

SPEAKERS, UTTS = 8, 4


@pytest.fixture
def folder(tmp_path):
    """Trials of 8 speakers in a data directory, and the scores of a good and a bad system."""
    random = np.random.default_rng(0)
    utts = [f"s{s}-u{u}" for s in range(SPEAKERS) for u in range(UTTS)]
    data, scores = tmp_path / "data", tmp_path / "exp/scores"
    data.mkdir()
    scores.mkdir(parents=True)
    pairs = list(combinations(utts, 2))
    is_target = np.array([a[:2] == b[:2] for a, b in pairs])
    labels = np.where(is_target, "target", "nontarget")
    (data / "trials").write_text("".join(f"{a} {b} {c}\n" for (a, b), c in zip(pairs, labels, strict=True)))
    (data / "utt2spk").write_text("".join(f"{utt} {utt[:2]}\n" for utt in utts))
    (data / "spk2gender").write_text("".join(f"s{s} {'fm'[s % 2]}\n" for s in range(SPEAKERS)))
    (data / "wav.scp").write_text("".join(f"{utt} wav/{utt}.flac\n" for utt in utts))
    seconds = "".join(f"{utt} {1 + n % 5}.5\n" for n, utt in enumerate(utts))
    (data / "utt2dur").write_text(seconds)
    for system, noise in (("good", 1.0), ("bad", 2.5)):
        values = 4 * is_target - 2 + random.normal(0, noise, len(pairs))
        rows = [f"{a} {b} {score:.6f}\n" for (a, b), score in zip(pairs, values, strict=True)]
        (scores / f"test.{system}.llr").write_text("".join(rows))
    return tmp_path


GOOD, BAD = "exp/scores/test.good.llr", "exp/scores/test.bad.llr"


def results(folder):
    return ListResults.from_json(read_json(folder / "results.json"))


def test_a_table_with_intervals_and_where_they_come_from(folder, verb):
    lines = verb("evaluate", "--draws", 200, "data/trials", GOOD, BAD).splitlines()
    assert lines[0] == "data/trials: 48 target and 448 nontarget trials"
    row = next(line for line in lines if line.startswith("good"))
    assert "[" in row and "]" in row
    assert "95 % intervals: bootstrap over 8 speakers of data/utt2spk, 200 draws" in lines
    assert "warning: 8 speakers: an interval from fewer than 30 is rough" in lines


def test_without_speakers_a_line_says_how_to_get_intervals(folder, verb):
    (folder / "data/utt2spk").unlink()
    said = verb("evaluate", "data/trials", GOOD)
    assert "no 95 % intervals: nothing says who speaks; see --utt2spk" in said and "[" not in said


def test_the_results_hold_all_that_the_report_draws(folder, verb):
    options = ["--by", "gender=data/spk2gender", "--by", "seconds=data/utt2dur", "--bins", "seconds=3"]
    said = verb("evaluate", *options, "--draws", 50, "--results", "results.json", "data/trials", GOOD)
    assert "by gender" in said and "f / m" in said and "by seconds" in said and "< 3" in said
    found = results(folder)
    assert (found.trials, found.calibration, found.speakers.num_speakers) == ("data/trials", "", 8)
    (system,) = found.systems
    assert (system.trials, system.system, system.score_file) == ("results", "good", GOOD)
    assert set(system.evaluation.intervals) >= {"eer", "min_dcf(0.01)", "cllr"}
    assert [[row.value for row in each.rows] for each in system.breakdowns] == [
        ["f", "m", "f / m"],
        ["< 3", ">= 3"],
    ]
    assert system.breakdowns[0].rows[2].eer is None
    worst = system.worst.false_alarms[0]
    assert worst.enrol_audio == f"wav/{worst.enrol_id}.flac" and worst.errors > 0


def test_development_thresholds_are_those_of_the_kind_of_scores(folder, verb):
    (folder / GOOD).rename(folder / "exp/scores/test.good.score")
    score = "exp/scores/test.good.score"
    verb("calibrate", "calibration.json", "data/trials", score)
    verb("calibrate", "--apply", "calibration.json", "data/trials", score)
    thresholds = read_json(folder / "calibration.json")["good"]
    for path, name in ((score, "score_thresholds"), (GOOD, "thresholds")):
        verb(
            "evaluate", "--calibration", "calibration.json", "--results", "results.json", "data/trials", path
        )
        (system,) = results(folder).systems
        assert {each.name: each.threshold for each in system.evaluation.at_dev} == thresholds[name]
        assert system.worst.is_dev and system.worst.threshold == thresholds[name]["eer"]
    details = verb("evaluate", "--details", "--calibration", "calibration.json", "data/trials", GOOD)
    assert "dev threshold" in details and "taken for" in details and "actDCF(0.01)" in details


def test_details_show_every_rule_and_measure(folder, verb):
    said = verb("evaluate", "--details", "--rule", "kaldi", "data/trials", GOOD)
    for word in (
        "interpolated",
        "convex_hull",
        "kaldi",
        "nearest",
        "AUC",
        "best F1",
        "best accuracy",
        "Cllr",
    ):
        assert word in said


def test_points_are_evaluated_as_asked_for(folder, verb):
    options = [
        "--point",
        "1:999",
        "--point",
        "0.01,10,1",
        "--point",
        "empirical",
        "--results",
        "results.json",
    ]
    verb("evaluate", *options, "data/trials", GOOD)
    costs = results(folder).systems[0].evaluation.costs
    assert [cost.point.name for cost in costs] == ["0.001", "0.01,10,1", "empirical"]
    assert costs[2].point.p_target == pytest.approx(48 / 496)


def test_nontargets_are_drawn_by_seed_and_alike_for_every_system(folder, verb):
    drawn = ["--nontargets-per-target", 2, "--seed", 5, "--results", "results.json", "data/trials"]
    verb("evaluate", *drawn, GOOD)
    first = results(folder).systems[0].evaluation
    assert (first.num_target, first.num_nontarget) == (48, 96)
    verb("evaluate", *drawn, GOOD)
    assert results(folder).systems[0].evaluation == first


def test_trials_without_score_are_refused_or_counted(folder, verb):
    lines = (folder / GOOD).read_text().splitlines(keepends=True)
    (folder / GOOD).write_text("".join(lines[3:]))
    assert "3 trials of data/trials have no score" in verb("evaluate", "data/trials", GOOD, status=1)
    said = verb("evaluate", "--allow-missing", "data/trials", GOOD)
    listed = f"{GOOD}.missing"
    assert f"good: 3 of 496 trials have no score and are left out, listed in {listed}" in said
    trials = (folder / "data/trials").read_text().splitlines(keepends=True)
    assert (folder / listed).read_text() == "".join(trials[:3])


def test_a_stream_gives_the_same_rates_without_intervals(folder, verb):
    said = verb("evaluate", "--streamed", "data/trials", GOOD)
    whole = verb("evaluate", "--draws", 0, "data/trials", GOOD)
    rate = said.split("EER ")[1].split(" ")[0]
    assert rate in whole and "no 95 % intervals" in said and "496 trials in" in said
    assert "lies between" in said


def test_a_text_dependent_list_is_measured_by_kind(folder, verb):
    (folder / "trials").write_text(
        "a x1 target\na x2 target-wrong\na x3 impostor-correct\nb x1 impostor-wrong\nb x2 target\n"
    )
    (folder / "scores").write_text("a x1 3\na x2 2\na x3 1\nb x1 0\nb x2 1.5\n")
    said = verb("evaluate", "trials", "scores")
    assert "scores: targets against the 1 target-wrong trials alone: EER 50.000 %" in said
    assert "scores: targets against the 1 impostor-wrong trials alone: EER 0.000 %" in said


def test_values_that_a_table_lacks_are_counted(folder, verb):
    table = (folder / "data/utt2dur").read_text().splitlines(keepends=True)
    (folder / "data/utt2dur").write_text("".join(table[:-2]))
    said = verb("evaluate", "--by", "seconds=data/utt2dur", "data/trials", GOOD)
    assert "unknown" in said and "seconds: no value of 2 ids, counted as unknown: s7-u2, s7-u3" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bins", "age=2", "data/trials", GOOD], "--bins age: there is no --by age=TABLE"),
        (["data/trials", GOOD, GOOD], f"system 'good' has been given before, by {GOOD}"),
        (["--streamed", "--details", "data/trials", GOOD], "--details needs all trials in memory"),
        (["--streamed", "--enrol", "e", "data/trials", GOOD], "--enrol needs all trials in memory"),
        (["--utt2spk", "data/some", "data/trials", GOOD], "or evaluate without speakers by --draws 0"),
        (["--streamed", "--results", "x", "data/trials", GOOD], "--results needs all trials in memory"),
        (["--utt2spk", "none", "data/trials", GOOD], "none: no such file"),
        (["--by", "x=none", "data/trials", GOOD], "none: no such file"),
    ],
)
def test_wrong_use_is_one_clear_line(folder, verb, arguments, message):
    (folder / "data/some").write_text("s0-u0 s0\n")
    assert message in verb("evaluate", *arguments, status=1)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--bins", "age=3,2", "rising numbers"),
        ("--by", "age", "'age' is not NAME=TABLE"),
        ("--point", "7", "p_target is 7"),
        ("--point", "much", "'much' is not an operating point"),
        ("--rule", "best", "invalid choice"),
        ("--nontargets-per-target", "0", "not a number above 0"),
        ("--draws", "-1", "not a whole number"),
    ],
)
def test_a_malformed_option_is_refused(capsys, option, value, message):
    with pytest.raises(SystemExit):
        main(["evaluate", f"{option}={value}", "trials", "scores"])
    assert message in capsys.readouterr().err


def test_labels_that_contradict_the_speakers_are_refused(folder, verb):
    text = (folder / "data/trials").read_text().replace("s0-u0 s1-u0 nontarget", "s0-u0 s1-u0 target")
    (folder / "data/trials").write_text(text)
    refused = verb("evaluate", "data/trials", GOOD, status=1)
    assert (
        "'s0-u0 s1-u0' is labelled target, but its speakers are s0 and s1 by data/utt2spk (1 labels"
        in refused
    )


def test_a_system_without_calibration_is_named(folder, verb):
    (folder / "test.good.score").write_text((folder / GOOD).read_text())
    verb("calibrate", "calibration.json", "data/trials", "test.good.score")
    for more in ((), ("--streamed",)):
        refused = verb("evaluate", *more, "--calibration", "calibration.json", "data/trials", BAD, status=1)
        assert f"{BAD}: no development thresholds for 'bad'; there are: good" in refused


@pytest.mark.parametrize("more", [(), ("--streamed",)])
def test_scores_of_targets_alone_are_named_by_their_file(folder, verb, more):
    for path in ("data/trials", GOOD):
        lines = (folder / path).read_text().splitlines(keepends=True)
        same = [line for line in lines if line[:2] == line.split()[1][:2]]
        (folder / path).write_text("".join(same))
    assert f"error: {GOOD}: " in verb("evaluate", *more, "data/trials", GOOD, status=1)


def test_results_of_another_version_are_refused(folder):
    with pytest.raises(WespkError, match="another version"):
        ListResults.from_json(json.loads('{"trials": "x", "systems": []}'))
