"""`wespk calibrate`: learning on development trials, applying to others, fusions, quality, and errors."""

import json
import re

import numpy as np
import pytest

from wespk.cli.calibration_file import as_written
from wespk.data.scores import read_scores
from wespk.data.trials import read_trials
from wespk.metrics.costs import cllr
from wespk.metrics.scores import ScoreSet

SETS = {"dev": 1, "test": 2}
SPEAKERS, UTTS = 6, 4


@pytest.fixture
def folder(tmp_path):
    """Trials, enrolment, scores of systems a, b and c, and durations of the sets dev and test."""
    for name, seed in SETS.items():
        write_set(tmp_path, name, np.random.default_rng(seed))
    return tmp_path


def write_set(folder, name, rng):
    utts = [f"s{s}-{u}" for s in range(SPEAKERS) for u in range(UTTS)]
    models = [f"m{s}" for s in range(SPEAKERS)]
    (folder / f"{name}.enrol").write_text("".join(f"{m} s{m[1:]}-0 s{m[1:]}-1\n" for m in models))
    pairs = [(m, u) for m in models for u in utts if u[-1] in "23"]
    is_target = np.array([m[1:] == u[1 : u.index("-")] for m, u in pairs])
    labels = np.where(is_target, "target", "nontarget")
    (folder / f"{name}.trials").write_text(
        "".join(f"{m} {u} {label}\n" for (m, u), label in zip(pairs, labels, strict=True))
    )
    for system, noise in (("a", 0.25), ("b", 0.4), ("c", 0.3)):
        scores = 0.4 * is_target + rng.normal(0, noise, len(pairs))
        lines = [f"{m} {u} {score:.7g}\n" for (m, u), score in zip(pairs, scores.tolist(), strict=True)]
        (folder / f"{name}.{system}.score").write_text("".join(lines))
    rows = [f"{u} {1 + 9 * rng.random():.3f} {rng.normal():.4f}\n" for u in utts]
    (folder / f"{name}.quality").write_text("utt-id duration snr\n" + "".join(rows))


def learn(verb, *options):
    return verb("calibrate", *options, "cal.json", "dev.trials", *(f"dev.{s}.score" for s in "abc"))


def apply(verb, *options, systems="abc", status=0):
    files = [f"test.{s}.score" for s in systems]
    return verb("calibrate", "--apply", *options, "cal.json", "test.trials", *files, status=status)


QUALITY = ("--quality", "dev.quality", "--enrol", "dev.enrol")
TEST_QUALITY = ("--quality", "test.quality", "--enrol", "test.enrol")


def read(folder, list_name, system, ending):
    trials = read_trials(folder / f"{list_name}.trials")
    return read_scores(folder / f"{list_name}.{system}.{ending}", trials), trials


@pytest.mark.parametrize("method", ["linear", "pav"])
def test_each_system_gets_a_map_thresholds_and_a_line(folder, verb, method):
    lines = learn(verb, "--method", method).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["a", "b", "c"]
    assert all("EER" in line and "minDCF(0.01)" in line and "Cllr" in line for line in lines)
    learnt = json.loads((folder / "cal.json").read_text())
    assert sorted(learnt) == ["a", "b", "c"]
    names = ["eer", "far(0.001)", "far(0.01)", "min_dcf(0.01)", "min_dcf(0.05)"]
    for system, record in learnt.items():
        assert record["method"] == method and record["inputs"] == [system] and record["quality"] == []
        assert record["dev_trials"] == "dev.trials"
        assert sorted(record["thresholds"]) == sorted(record["score_thresholds"]) == names
    apply(verb)
    raw, _ = read(folder, "test", "a", "score")
    ratios, _ = read(folder, "test", "a", "llr")
    if method == "linear":
        (weight,) = learnt["a"]["weights"]
        np.testing.assert_allclose(ratios, weight * raw + learnt["a"]["offset"], rtol=1e-6)
    else:
        expected = np.interp(raw, learnt["a"]["scores"], learnt["a"]["llrs"])
        np.testing.assert_allclose(ratios, expected, rtol=1e-6)


@pytest.mark.parametrize("method", ["linear", "pav"])
def test_thresholds_decide_the_development_trials_in_the_file_as_they_did_when_found(folder, verb, method):
    learn(verb, "--method", method, "--point", "0.2")
    verb("calibrate", "--apply", "cal.json", "dev.trials", "dev.b.score")
    record = json.loads((folder / "cal.json").read_text())["b"]
    (raw, trials), (ratios, _) = read(folder, "dev", "b", "score"), read(folder, "dev", "b", "llr")
    for name, threshold in record["thresholds"].items():
        accepted = ratios >= threshold
        if method == "linear":
            np.testing.assert_array_equal(accepted, raw >= record["score_thresholds"][name])
        if name.startswith("far"):
            assert accepted[~trials.is_target].mean() <= float(name[4:-1])
    assert "min_dcf(0.2)" in record["thresholds"] and "min_dcf(0.01)" not in record["thresholds"]


def test_ratios_as_written_are_those_that_are_read_back():
    rng = np.random.default_rng(0)
    values = np.append(
        rng.normal(0, 1, 10_000) * 10.0 ** rng.integers(-8, 6, 10_000), [0.0, 1e-12, -123456.75]
    )
    np.testing.assert_array_equal(as_written(values), [float(f"{value:.7g}") for value in values])


def test_a_fusion_is_learnt_and_applied_beside_its_systems(folder, verb):
    lines = learn(verb, "--fuse", "both=a,c", "--fuse", "all=a,b,c").splitlines()
    assert lines[3].startswith("both: llr = ") and " a + " in lines[3] and "from a alone: EER" in lines[3]
    assert lines[4].startswith("all: llr = ")
    learnt = json.loads((folder / "cal.json").read_text())
    assert learnt["both"]["inputs"] == ["a", "c"] and learnt["both"]["score_thresholds"] is None
    assert apply(verb) == "test.trials: log-likelihood ratios of a, b, c, all, both\n"
    scores = np.column_stack([read(folder, "test", system, "score")[0] for system in "ac"])
    ratios, trials = read(folder, "test", "both", "llr")
    expected = scores @ learnt["both"]["weights"] + learnt["both"]["offset"]
    np.testing.assert_allclose(ratios, expected, rtol=1e-6, atol=1e-6)
    alone, _ = read(folder, "test", "b", "llr")
    labels = trials.is_target
    assert cllr(ScoreSet.from_labels(ratios, labels)) < cllr(ScoreSet.from_labels(alone, labels))


def test_a_fusion_without_some_of_its_systems_is_named_and_refused_if_asked_for(folder, verb):
    learn(verb, "--fuse", "both=a,c")
    lines = apply(verb, systems="ab").splitlines()
    assert lines[1] == "test.trials: no fusion 'both', which needs the scores of c too"
    assert not (folder / "test.both.llr").exists()
    refused = apply(verb, "--fuse", "both", systems="ab", status=1)
    assert "fusion 'both' needs the scores of c; give them too" in refused


def test_quality_enters_by_the_lower_and_the_higher_value_of_both_sides(folder, verb):
    line = learn(verb, *QUALITY, "--fuse", "q=a,duration,snr").splitlines()[3]
    assert all(name in line for name in ("lower log duration", "higher log duration", "lower snr"))
    record = json.loads((folder / "cal.json").read_text())["q"]
    assert record["quality"] == [{"log": True, "measure": "duration"}, {"log": False, "measure": "snr"}]
    apply(verb, *TEST_QUALITY)
    rows = [line.split() for line in (folder / "test.quality").read_text().splitlines()[1:]]
    seconds, snr = ({row[0]: float(row[column]) for row in rows} for column in (1, 2))
    raw, trials = read(folder, "test", "a", "score")
    expected = []
    for model, test, score in zip(trials.enrol_index, trials.test_index, raw, strict=True):
        speaker, utt = trials.enrol_ids[model][1:], trials.test_ids[test]
        of_model = [np.mean([table[f"s{speaker}-{u}"] for u in (0, 1)]) for table in (seconds, snr)]
        logs, levels = sorted(np.log([of_model[0], seconds[utt]])), sorted([of_model[1], snr[utt]])
        expected.append(np.dot(record["weights"], [score, *logs, *levels]) + record["offset"])
    np.testing.assert_allclose(read(folder, "test", "q", "llr")[0], expected, rtol=1e-6, atol=1e-6)


def test_without_an_enrolment_list_a_model_is_an_utterance(folder, verb):
    for name in SETS:
        table = folder / f"{name}.quality"
        rows = "".join(f"m{s} 2.{s}\n" for s in range(SPEAKERS))
        utts = "".join(f"{line.rsplit(' ', 1)[0]}\n" for line in table.read_text().splitlines()[1:])
        table.write_text("utt-id duration\n" + rows + utts)
    learn(verb, "--quality", "dev.quality", "--fuse", "q=a,duration")
    apply(verb, "--quality", "test.quality")
    assert (folder / "test.q.llr").exists()


@pytest.mark.parametrize("option", [("--method", "pav"), ("--p-target", 0.5), ("--point", "0.1")])
def test_options_of_learning_are_refused_where_nothing_is_learnt(folder, verb, option):
    learn(verb)
    assert "are for learning; leave them away with --apply" in apply(verb, *option, status=1)


@pytest.mark.parametrize("option", [(), ("--apply",)])
def test_ratios_are_not_calibrated_again(folder, verb, option):
    learn(verb)
    apply(verb, systems="a")
    before = (folder / "test.a.llr").read_bytes()
    refused = verb("calibrate", *option, "cal.json", "test.trials", "test.a.llr", status=1)
    assert "test.a.llr: holds ratios that are calibrated already; give the scores, test.a.score" in refused
    assert (folder / "test.a.llr").read_bytes() == before


def test_a_fusion_that_was_not_learnt_is_named(folder, verb):
    learn(verb)
    assert "cal.json: no fusion 'both'; there are: none" in apply(verb, "--fuse", "both", status=1)


def edit(folder, **changes):
    learnt = json.loads((folder / "cal.json").read_text())
    learnt["a"] = {key: value for key, value in {**learnt["a"], **changes}.items() if value is not ...}
    (folder / "cal.json").write_text(json.dumps(learnt))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: edit(d, method=..., scale=2.0), "cal.json: 'a' lacks 'method'; run `wespk calibrate` aga"),
        (lambda d: edit(d, offset="x"), "'a' is not in the form of a calibration; run `wespk calibrate`"),
        (lambda d: edit(d, quality=["x"]), "'a' is not in the form of a calibration; run `wespk calibrate`"),
        (lambda d: edit(d, inputs=["b"]), "'a' is no fusion, and has other inputs than its own scores"),
        (lambda d: edit(d, inputs="b"), "'a' is no fusion, and has other inputs than its own scores"),
        (lambda d: edit(d, thresholds={"far(0.01)": 1.0}), "'a' lacks the threshold 'eer'"),
        (lambda d: edit(d, weights=[-1.0]), "cal.json: 'a' calibration: scale -1 .* must be positive"),
        (lambda d: edit(d, weights=[1.0, 2.0]), "cal.json: 'a' has 2 weights for 1 inputs"),
        (lambda d: edit(d, weights="x"), "cal.json: 'a' "),
        (lambda d: edit(d, thresholds=3), "cal.json: 'a' thresholds: expected a map"),
        (lambda d: edit(d, method="forest"), "cal.json: 'a' is not in the form of a calibration"),
        (lambda d: edit(d, inputs=...), "cal.json: 'a' lacks 'inputs'"),
        (lambda d: (d / "cal.json").write_text("[]"), "cal.json: holds no calibration"),
        (lambda d: (d / "cal.json").unlink(), "cal.json: no such file"),
        (
            lambda d: (d / "test.a.score").rename(d / "test.z.score"),
            "no calibration of 'z'; there are: a, b, c",
        ),
    ],
)
def test_a_record_that_cannot_be_applied_is_named(folder, verb, spoil, message):
    learn(verb)
    spoil(folder)
    system = "z" if (folder / "test.z.score").exists() else "a"
    assert re.search(message, apply(verb, systems=system, status=1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fuse", "both=a,d"], "'d' is no system and no quality measure"),
        (["--fuse", "both"], "write NAME=INPUT,INPUT"),
        (["--fuse", "bo.th=a,b"], "without dots in NAME"),
        (["--fuse", "both=a,,b"], "write NAME=INPUT,INPUT"),
        (["--fuse", "a=b,c"], "the name 'a' is taken"),
        (["--fuse", "both=a,b", "--fuse", "both=a,c"], "the name 'both' is taken"),
        (["--fuse", "both=a,a"], "'a' names two inputs"),
        ([*QUALITY, "--fuse", "q=snr"], "quality knows no speaker"),
        ([*QUALITY, "--fuse", "both=a,b"], "no --fuse names a column; there are: duration, snr"),
        (
            [*QUALITY, "--quality", "dev.quality", "--fuse", "q=a,snr"],
            "column 'duration' is in dev.quality too",
        ),
        (["--quality", "dev.quality", "--fuse", "q=a,snr"], "dev.quality: no snr of 'm0' (6 utterances"),
        (["--quality", "dev.enrol", "--fuse", "q=a,dev.enrol"], "dev.enrol: no dev.enrol of 's0-2'"),
        (["--enrol", "dev.enrol"], "--enrol is for the quality of models; give --quality TABLE too"),
        (["--p-target", "1"], "dev.a.score: p_target is 1.0"),
    ],
)
def test_bad_options_are_one_line(folder, verb, options, message):
    arguments = ["calibrate", *options, "cal.json", "dev.trials", "dev.a.score", "dev.b.score", "dev.c.score"]
    if "dev.enrol" in options:
        (folder / "dev.enrol").write_text("".join(f"m{s} 1\n" for s in range(SPEAKERS)))
    assert message in verb(*arguments, status=1)
    assert not (folder / "cal.json").exists()


def replace(path, old, new):
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: flip(d / "dev.a.score"), "dev.a.score: calibration: target scores do not lie above"),
        (lambda d: level(d / "dev.a.score"), "dev.a.score: calibration: all 72 scores are equal"),
        (lambda d: replace(d / "dev.quality", "s3-1 ", "s9-1 "), "dev.quality: no duration of 's3-1' (1 utt"),
        (
            lambda d: constant(d / "dev.quality"),
            "dev.trials: fusion 'q': calibration: all 72 values of lower",
        ),
        (lambda d: zero(d / "dev.quality"), "duration of 's0-0' is '0.0'; it must be a positive number"),
        (lambda d: replace(d / "dev.enrol", "m5 ", "m6 "), "dev.enrol: no model 'm5' of dev.trials (1 so)"),
        (lambda d: replace(d / "dev.trials", " target", " nontarget"), "no target trial"),
    ],
)
@pytest.mark.parametrize("method", ["linear", "pav"])
def test_inputs_that_cannot_be_learnt_from_are_named(folder, verb, spoil, message, method):
    spoil(folder)
    arguments = [
        "--method",
        method,
        *QUALITY,
        "--fuse",
        "q=a,duration",
        "cal.json",
        "dev.trials",
        "dev.a.score",
    ]
    assert message in verb("calibrate", *arguments, status=1)
    assert not (folder / "cal.json").exists()


def rewrite(path, change, header=False):
    lines = path.read_text().splitlines()
    path.write_text("".join(f"{line}\n" for line in [*lines[:header], *map(change, lines[header:])]))


def flip(path):
    rewrite(path, lambda line: "{} {} {}".format(*line.split()[:2], -float(line.split()[2])))


def level(path):
    rewrite(path, lambda line: "{} {} 0.5".format(*line.split()[:2]))


def constant(path):
    rewrite(path, lambda line: f"{line.split()[0]} 3.0 0.1", header=True)


def zero(path):
    rewrite(path, lambda line: f"{line.split()[0]} 0.0 0.1", header=True)
