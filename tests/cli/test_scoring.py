"""The verbs that train, adapt and score: Kaldi's figures through files, forms of enrolment, bad input."""

import json
from pathlib import Path

import kaldiio
import numpy as np
import pytest

from wespk.cli.main import main
from wespk.data.archives import write_archive
from wespk.data.kaldi_objects import read_plda, write_plda
from wespk.metrics import OperatingPoint, ScoreSet, eer, min_dcf

GOLDEN = Path(__file__).parents[1] / "backend" / "golden"
CHAIN = ["--mean", GOLDEN / "mean.vec", "--lda", GOLDEN / "lda.mat"]
RNG = np.random.default_rng(6)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a verb in `tmp_path`; return what it printed, or for status 1 its one line of complaint."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, status=0):
        capsys.readouterr()
        code = 0
        try:
            main([str(each) for each in arguments])
        except SystemExit as ended:
            code = ended.code
        printed = capsys.readouterr()
        assert code == status, printed
        if status:
            assert printed.err.count("\n") == 1, printed.err
        return printed.err if status else printed.out

    return call


def write_lines(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines))


def read_scores(path):
    return {tuple(line.split()[:2]): float(line.split()[2]) for line in path.read_text().splitlines()}


@pytest.fixture
def golden(tmp_path):
    """Kaldi's embeddings in one file, both.scp; the enrolment list; the trials; Kaldi's scores by name."""
    both = dict(kaldiio.load_ark(str(GOLDEN / "enrol_utts.ark"))) | dict(
        kaldiio.load_ark(str(GOLDEN / "test.ark"))
    )
    write_archive(tmp_path / "both.ark", tmp_path / "both.scp", sorted(both.items()))
    (tmp_path / "enrol").write_bytes((GOLDEN / "enrol_spk2utt").read_bytes())
    scores = {path.stem: read_scores(path) for path in GOLDEN.glob("scores_*.txt")}
    write_lines(tmp_path / "trials", [f"{enrol} {test} nontarget" for enrol, test in scores["scores_plda"]])
    return scores


def assert_kaldis(path, expected, atol=1e-5):
    """Compare with Kaldi's; `atol` is for scores near 0, where terms of 1e4 cancel (see test_plda.py)."""
    found = read_scores(path)
    assert list(found) == list(expected)
    np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-4, atol=atol)


def test_score_plda_gives_kaldis_scores(golden, run, tmp_path):
    inputs = ["--enrol", "enrol", "both.scp", "trials"]
    run("score-plda", *CHAIN, "--plda", GOLDEN / "plda", *inputs, "counted")
    assert_kaldis(tmp_path / "counted", golden["scores_plda_numutts"])
    shown = run("score-plda", *CHAIN, "--plda", GOLDEN / "plda_adapt", *inputs, "adapted")
    assert_kaldis(tmp_path / "adapted", golden["scores_plda_adapt"])
    assert f"adapted: PLDA {GOLDEN / 'plda_adapt'}, length expected; " in shown and "560 trials in" in shown
    assert "utterances averaged raw; steps: mean.vec, lda.mat, length sqrt-dim" in shown


def test_models_averaged_before_score_as_kaldis_with_and_without_their_counts(golden, run, tmp_path):
    run("average-enrolment", "both.scp", "enrol", "models")
    inputs = ["--enrol-vectors", "models/xvector.scp", "both.scp", "trials"]
    plda = ["score-plda", *CHAIN, "--plda", GOLDEN / "plda"]
    run(*plda, *inputs, "uncounted")
    assert_kaldis(tmp_path / "uncounted", golden["scores_plda"])
    run(*plda, "--num-utts", "models/num_utts", *inputs, "counted")
    assert_kaldis(tmp_path / "counted", golden["scores_plda_numutts"])
    run(*plda, "--plda-length", "none", *inputs, "nonorm")
    assert_kaldis(tmp_path / "nonorm", golden["scores_plda_nonorm"])


def test_train_and_adapt_plda_give_models_that_score_as_kaldis(golden, run, tmp_path):
    shown = run("train-plda", *CHAIN, GOLDEN / "train.ark", GOLDEN / "train_utt2spk", "plda")
    assert "16 dimensions from" in shown and "10 iterations took the log-likelihood" in shown
    scales = ["--within-covar-scale", 0.75, "--between-covar-scale", 0.25]
    run("adapt-plda", *CHAIN, *scales, GOLDEN / "plda", GOLDEN / "adapt.ark", "adapted")
    record = json.loads((tmp_path / "adapted.json").read_text())
    assert record["method"] == "unsupervised" and record["steps"] == "mean.vec, lda.mat, length sqrt-dim"
    settings = {"within_covar_scale": 0.75, "between_covar_scale": 0.25, "mean_diff_scale": 1.0}
    assert record["settings"] == settings
    for model, name in (("plda", "scores_plda_numutts"), ("adapted", "scores_plda_adapt")):
        run("score-plda", *CHAIN, "--plda", model, "--enrol", "enrol", "both.scp", "trials", "scores")
        assert_kaldis(tmp_path / "scores", golden[name], atol=2e-4)


@pytest.mark.parametrize(
    "command",
    [
        ["train-plda", GOLDEN / "train.ark", GOLDEN / "train_utt2spk"],
        ["adapt-plda", GOLDEN / "plda", GOLDEN / "adapt.ark"],
    ],
)
def test_models_are_the_same_in_kaldis_text_form(run, tmp_path, command):
    for form, name in (([], "binary"), (["--text"], "text")):
        run(*command[:1], *CHAIN, *form, *command[1:], name)
    assert (tmp_path / "text").read_text().startswith("<Plda>")
    for binary, text in zip(read_plda(tmp_path / "binary"), read_plda(tmp_path / "text"), strict=True):
        np.testing.assert_array_equal(text, binary)


def test_a_plda_of_kaldi_is_written_back_byte_for_byte(tmp_path):
    for name in ("plda", "plda_adapt"):
        write_plda(tmp_path / name, *read_plda(GOLDEN / name))
        assert (tmp_path / name).read_bytes() == (GOLDEN / name).read_bytes()


@pytest.fixture
def small(tmp_path):
    """Embeddings (5-d) of 8 speakers, 6 utterances each, as all.scp with utt2spk, enrol and trials."""
    speakers = [f"s{number}" for number in range(8)]
    utts = {f"{spk}-u{number}": spk for spk in speakers for number in range(6)}
    centres = dict(zip(speakers, RNG.standard_normal((8, 5)), strict=True))
    vectors = {
        utt: (centres[spk] + 0.7 * RNG.standard_normal(5)).astype(np.float32) for utt, spk in utts.items()
    }
    write_archive(tmp_path / "all.ark", tmp_path / "all.scp", vectors.items())
    write_lines(tmp_path / "utt2spk", [f"{utt} {spk}" for utt, spk in utts.items()])
    write_lines(tmp_path / "enrol", [f"m-{spk} {spk}-u0 {spk}-u1" for spk in speakers])
    trials = [
        f"m-{spk} {utt} {'target' if owner == spk else 'nontarget'}"
        for spk in speakers
        for utt, owner in utts.items()
        if utt[-1] not in "01"
    ]
    write_lines(tmp_path / "trials", trials)
    return vectors, utts


def unit(vector):
    return vector / np.linalg.norm(vector)


def test_the_two_averages_are_of_raw_and_of_unit_vectors(small, run, tmp_path):
    vectors, _ = small
    for policy in ("raw", "length-normalised"):
        shown = run("score-cosine", "--average", policy, "--enrol", "enrol", "all.scp", "trials", policy)
        assert f"8 models, utterances averaged {policy}; steps: none" in shown
        found = read_scores(tmp_path / policy)["m-s3", "s5-u4"]
        pair = [vectors["s3-u0"], vectors["s3-u1"]]
        model = sum(pair) if policy == "raw" else unit(pair[0]) + unit(pair[1])
        assert found == pytest.approx(unit(model) @ unit(vectors["s5-u4"]), abs=1e-6)


def test_length_normalised_averages_have_the_length_that_plda_was_trained_on(small, run, tmp_path):
    vectors, _ = small
    run("train-plda", "all.scp", "utt2spk", "plda")
    policy = ["--average", "length-normalised", "--plda-length", "none"]
    run("score-plda", "--plda", "plda", *policy, "--enrol", "enrol", "all.scp", "trials", "scores")
    model = unit(unit(vectors["s3-u0"]) + unit(vectors["s3-u1"])).astype(np.float32)
    write_archive(tmp_path / "m.ark", tmp_path / "m.scp", [("m-s3", model)])
    (tmp_path / "count").write_text("m-s3 2\n")
    (tmp_path / "one").write_text("m-s3 s5-u4 target\n")
    before = ["--enrol-vectors", "m.scp", "--num-utts", "count", "--plda-length", "none"]
    run("score-plda", "--plda", "plda", *before, "all.scp", "one", "again")
    again = read_scores(tmp_path / "again")["m-s3", "s5-u4"]
    assert read_scores(tmp_path / "scores")["m-s3", "s5-u4"] == pytest.approx(again, abs=1e-4)


def test_without_an_enrolment_list_an_utterance_is_a_model(small, run, tmp_path):
    vectors, _ = small
    (tmp_path / "pairs").write_text("s0-u0 s1-u1 nontarget\ns1-u1 s0-u0 nontarget\n")
    assert "each utterance a model" in run("score-cosine", "all.scp", "pairs", "scores")
    expected = pytest.approx(unit(vectors["s0-u0"]) @ unit(vectors["s1-u1"]), abs=1e-6)
    assert list(read_scores(tmp_path / "scores").values()) == [expected, expected]


def test_smoothing_and_the_kind_of_length_change_the_scores_and_are_told(small, run, tmp_path):
    run("train-plda", "all.scp", "utt2spk", "plda")
    told = {}
    options = {"plain": [], "simple": ["--plda-length", "simple"], "smooth": ["--smoothing", 0.5]}
    for name, extra in options.items():
        inputs = ["--plda", "plda", "--enrol", "enrol", "all.scp", "trials", name]
        told[name] = run("score-plda", *extra, *inputs)
    values = {name: tuple(read_scores(tmp_path / name).values()) for name in options}
    assert len(set(values.values())) == 3
    assert "length simple;" in told["simple"] and "length expected, smoothing 0.5;" in told["smooth"]


def test_each_method_of_adaptation_records_its_settings(small, run, tmp_path):
    run("train-plda", "all.scp", "utt2spk", "plda")
    given = {"unsupervised": [], "coral-plus": [], "interpolate": ["--utt2spk", "utt2spk", "--weight", 0.25]}
    for method, options in given.items():
        shown = run("adapt-plda", "--method", method, *options, "plda", "all.scp", "adapted")
        record = json.loads((tmp_path / "adapted.json").read_text())
        assert record["method"] == method and method in shown and record["num_embeddings"] == 48
        read_plda(tmp_path / "adapted")
    expected = {"utt2spk": "utt2spk", "weight": 0.25, "iterations": 10}
    assert record["settings"] == expected


def matrix_of(vectors):
    """Return the cosines of all pairs."""
    rows = np.stack([unit(vector) for vector in vectors.values()])
    return rows @ rows.T


def test_the_matrix_holds_a_vector_of_scores_for_each_model(small, run, tmp_path):
    vectors, _ = small
    run("score-matrix", "--out", "m.scp", "all.scp")
    table = kaldiio.load_scp(str(tmp_path / "m.scp"))
    assert (tmp_path / "m.ids").read_text().split() == list(vectors) == list(table)
    np.testing.assert_allclose(np.stack([table[utt] for utt in vectors]), matrix_of(vectors), atol=1e-6)


def test_the_best_models_of_each_test_come_in_order_without_itself(small, run, tmp_path):
    vectors, _ = small
    run("score-matrix", "--top-k", 3, "best", "all.scp")
    lines = [line.split() for line in (tmp_path / "best").read_text().splitlines()]
    scores = matrix_of(vectors)
    np.fill_diagonal(scores, -2.0)
    names = list(vectors)
    for row, utt in enumerate(names):
        expected = np.argsort(-scores[row])[:3]
        part = lines[3 * row : 3 * row + 3]
        assert [(test, model) for test, model, _ in part] == [(utt, names[place]) for place in expected]
        np.testing.assert_allclose([float(score) for *_, score in part], scores[row, expected], atol=1e-6)
    run("score-matrix", "--include-self", "--top-k", 1, "best", "all.scp")
    assert all(
        test == model for test, model, _ in map(str.split, (tmp_path / "best").read_text().splitlines())
    )


@pytest.mark.parametrize("block", [1 << 23, 100])
@pytest.mark.parametrize("sides", ["one file", "with itself", "two files", "models", "plda models"])
def test_figures_of_all_pairs_are_those_of_the_scores_themselves(
    small, run, tmp_path, monkeypatch, block, sides
):
    monkeypatch.setattr("wespk.cli.score_matrix.BLOCK_CELLS", block)
    _, utts = small
    options = {
        "one file": ["all.scp"],
        "with itself": ["--include-self", "all.scp"],
        "two files": ["all.scp", "all.scp"],
        "models": ["--enrol", "enrol", "all.scp"],
        "plda models": ["--enrol", "enrol", "--plda", "plda", "all.scp"],
    }[sides]
    run("train-plda", "all.scp", "utt2spk", "plda")
    points = ["--point", "0.01", "--point", "0.1,10,1"]
    shown = run("score-matrix", *options, "--utt2spk", "utt2spk", *points, "--out", "m.scp")
    table = kaldiio.load_scp(str(tmp_path / "m.scp"))
    scores = np.stack([table[name] for name in table])
    of_models = np.array([utts.get(name, name.removeprefix("m-")) for name in table])
    of_tests = np.array(list(utts.values()))
    keep = np.ones(scores.shape, dtype=bool)
    if sides in ("one file", "with itself"):
        keep = np.triu(keep, k=1 if sides == "one file" else 0)
    elif "models" in sides:
        keep[:, [utt[-1] in "01" for utt in utts]] = True
        for row, speaker in enumerate(of_models):
            keep[row, [list(utts).index(f"{speaker}-u{number}") for number in (0, 1)]] = False
    same = of_models[:, None] == of_tests
    exact = ScoreSet(scores[keep & same], scores[keep & ~same])
    assert f"{(keep & same).sum()} target and {(keep & ~same).sum()} nontarget pairs" in shown
    low, high = (float(text) for text in shown.split("EER ")[1].split("[")[1].split("]")[0].split(","))
    assert low - 1e-4 <= 100 * eer(exact).value <= high + 1e-4
    for point in ("0.01", "0.1,10,1"):
        cost = min_dcf(exact, OperatingPoint.parse(point)).value
        low, high = (
            float(text) for text in shown.split(f"minDCF({point}) ")[1].split("[")[1].split("]")[0].split(",")
        )
        assert low - 1e-5 <= cost <= high + 1e-5


def spoil(path, key, vector):
    """Write all.scp again with another vector at one key."""
    vectors = {name: np.array(value) for name, value in kaldiio.load_scp(str(path / "all.scp")).items()}
    vectors[key] = np.asarray(vector, dtype=np.float32)
    write_archive(path / "all.ark", path / "all.scp", vectors.items())


COSINE = ["score-cosine", "--enrol", "enrol", "all.scp", "trials", "scores"]
PLDA = ["score-plda", "--plda", "plda", "--enrol", "enrol", "all.scp", "trials", "scores"]


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (lambda d: spoil(d, "s3-u4", [np.nan] * 5), COSINE, "all.scp: 's3-u4' holds NaN or infinity"),
        (lambda d: spoil(d, "s3-u4", [1.0] * 4), COSINE, "all.scp: 's3-u4' has shape (4,), expected (5,)"),
        (lambda d: spoil(d, "s3-u4", [0.0] * 5), COSINE, "all.scp: 's3-u4' is a zero vector after all steps"),
        (lambda d: spoil(d, "s3-u4", [0.0] * 5), PLDA, "all.scp: 's3-u4' is a zero vector where its length"),
        (
            lambda d: (d / "enrol").write_text("m-s0 s0-u0 s0-u9\n"),
            COSINE,
            "enrol: utterance 's0-u9' of model 'm-s0' is not in all.scp (1 of 1 models lack some)",
        ),
        (
            lambda d: (d / "trials").write_text("m-s0 s1-u2 nontarget\nm-s9 s1-u2 target\n"),
            COSINE,
            "trials:2: enrol-id 'm-s9' is not among the 8 with embeddings; 1 trials cannot be scored",
        ),
        (
            lambda d: (d / "trials").write_text("m-s0 s1-u2 target\nm-s0 s1-u7 target\n"),
            PLDA,
            "trials:2: test-id 's1-u7' is not",
        ),
        (
            lambda d: (d / "trials").write_text("m-s0 s1-u2 target\n" * 2),
            COSINE,
            "trials:2: duplicate",
        ),
        (
            lambda d: (d / "count").write_text("m-s0 2\n"),
            ["score-plda", "--num-utts", "count", *PLDA[1:]],
            "--num-utts is for --enrol-vectors",
        ),
        (
            lambda d: (d / "count").write_text("s0-u0 two\n"),
            ["score-plda", "--num-utts", "count", "--enrol-vectors", "all.scp", *PLDA[1:3], *PLDA[5:]],
            "count: 'two' of 's0-u0' is not a whole number above 0",
        ),
        (
            lambda d: (d / "count").write_text("s0-u0 2\n"),
            ["score-plda", "--num-utts", "count", "--enrol-vectors", "all.scp", *PLDA[1:3], *PLDA[5:]],
            "count: no count of 's0-u1' of all.scp; add it",
        ),
        (
            None,
            ["score-cosine", "--enrol-vectors", GOLDEN / "test.ark", "all.scp", "trials", "scores"],
            "test.ark: embeddings of 24 dimensions, those of all.scp have 5; both must come from one model",
        ),
        (
            None,
            ["score-plda", "--plda", GOLDEN / "plda", "all.scp", "trials", "scores"],
            "plda: a PLDA of 16 dimensions, and the embeddings of all.scp have 5 after all steps; give",
        ),
        (
            lambda d: write_plda(d / "plda", np.zeros(5), np.eye(5), -np.ones(5)),
            PLDA,
            "plda: PLDA psi: item 0 is -1; a variance is at least 0",
        ),
        (lambda d: (d / "plda").write_text("no"), PLDA, "plda: not a Kaldi PLDA"),
        (
            None,
            ["score-plda", "--keep-length", "--average", "length-normalised", *PLDA[1:]],
            "--average length-normalised gives models of length 1; leave --keep-length away",
        ),
        (
            lambda d: write_lines(d / "utt2spk", [f"s{i}-u{j} one" for i in range(8) for j in range(6)]),
            ["train-plda", "all.scp", "utt2spk", "plda"],
            "all.scp: PLDA training needs at least 2 speakers, the labels name 1",
        ),
        (
            lambda d: write_lines(
                d / "utt2spk", [f"s{i}-u{j} s{i}-u{j}" for i in range(8) for j in range(6)]
            ),
            ["train-plda", "all.scp", "utt2spk", "plda"],
            "leave 0 degrees of freedom for a within-class covariance of 5 dimensions, which is singular",
        ),
        (
            lambda d: (d / "utt2spk").write_text("s0-u0 s0\n"),
            ["train-plda", "all.scp", "utt2spk", "plda"],
            "utt2spk: 's0-u1' of all.scp has no speaker (47 so)",
        ),
        (
            None,
            ["adapt-plda", "--method", "coral-plus", "--weight", 0.5, "plda", "all.scp", "out"],
            "--weight is for interpolate, not for coral-plus",
        ),
        (
            None,
            ["adapt-plda", "--method", "interpolate", "plda", "all.scp", "out"],
            "interpolate needs --utt2spk FILE",
        ),
        (None, ["adapt-plda", GOLDEN / "plda", "all.scp", "out"], "a PLDA of 16 dimensions"),
        (
            None,
            ["score-cosine", "--average", "length-normalised", "all.scp", "trials", "scores"],
            "--average length-normalised is for --enrol LIST",
        ),
        (
            None,
            ["score-matrix", "all.scp"],
            "no output: give --out OUT.scp, --top-k K FILE or --utt2spk FILE",
        ),
        (None, ["score-matrix", "--out", "out", "all.scp"], "--out out: name it OUT.scp"),
        (None, ["score-matrix", "--top-k", 48, "f", "all.scp"], "--top-k 48: a test has 47 models to be"),
        (
            None,
            ["score-matrix", "--top-k", "x", "f", "all.scp"],
            "--top-k: 'x' is not a whole number above 0",
        ),
        (
            None,
            ["score-matrix", "--smoothing", 0.5, "--top-k", 1, "f", "all.scp"],
            "--smoothing, --plda-length and --keep-length are for --plda PLDA",
        ),
        (
            lambda d: (d / "utt2spk").write_text("s0-u0 s0\n"),
            ["score-matrix", "--utt2spk", "utt2spk", "all.scp"],
            "utt2spk: no speaker of test 's0-u1'; add it",
        ),
        (
            lambda d: (d / "enrol").write_text("m s0-u0 s1-u0\n"),
            ["score-matrix", "--enrol", "enrol", "--utt2spk", "utt2spk", "all.scp"],
            "enrol: model 'm' has utterances of 2 speakers; mend the list",
        ),
        (
            lambda d: write_lines(d / "utt2spk", [f"s{i}-u{j} one" for i in range(8) for j in range(6)]),
            ["score-matrix", "--utt2spk", "utt2spk", "all.scp"],
            "utt2spk: no nontarget trial has been counted",
        ),
        (
            None,
            ["score-matrix", "--out", "m.scp", "all.scp", GOLDEN / "test.ark"],
            "test.ark: embeddings of 24",
        ),
        (None, ["score-matrix", "--point", "0.1", "--out", "m.scp", "all.scp"], "--point is for --utt2spk"),
        (lambda d: (d / "enrol").write_text(""), COSINE, "enrol: is empty; expected lines `model-id utt"),
        (
            lambda d: (d / "enrol").write_text("m-s0 s0-u0 s0-u0\n"),
            COSINE,
            "enrol:1: 'm-s0' has 's0-u0' twice",
        ),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_wrong(small, run, tmp_path, change, arguments, message):
    write_plda(tmp_path / "plda", np.zeros(5), np.eye(5), np.ones(5))
    if change:
        change(tmp_path)
    assert message in run(*arguments, status=1)
    assert not (tmp_path / "scores").exists() and not (tmp_path / "m.scp").exists()


def test_allow_missing_counts_and_lists_what_cannot_be_scored(small, run, tmp_path):
    (tmp_path / "enrol").write_text("m-s0 s0-u0\nm-s1 s1-u0 s1-u9\n")
    kept, lost = "m-s0 s1-u2 nontarget", ["m-s1 s1-u2 target", "m-s0 s1-u7 nontarget"]
    write_lines(tmp_path / "trials", [lost[0], kept, lost[1]])
    shown = run("score-cosine", "--allow-missing", *COSINE[1:])
    assert "1 of 2 models lack some and are left out" in shown
    assert "1 trials in" in shown and "2 without embedding left out, listed in scores.missing" in shown
    assert list(read_scores(tmp_path / "scores")) == [("m-s0", "s1-u2")]
    assert (tmp_path / "scores.missing").read_text().splitlines() == lost
