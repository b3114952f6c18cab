"""The verbs that estimate and apply transforms, on the embeddings that Kaldi was given."""

import json

import kaldiio
import numpy as np
import pytest

from wespk.data.chain_files import write_chain
from wespk.data.kaldi_objects import read_matrix, read_vector, write_matrix, write_vector
from wespk.data.vector_tables import read_vector_table

pytestmark = pytest.mark.usefixtures("kaldi_folder")
CHAIN = ["--mean", "mean.vec", "--lda", "lda.mat"]


@pytest.fixture
def golden(root):
    return root / "tests/backend/golden"


@pytest.fixture
def domains(kaldi_folder):
    """utt2domain: every third training utterance is `far`, the rest `near`."""
    keys = [line.split()[0] for line in (kaldi_folder / "train.scp").read_text().splitlines()]
    lines = [f"{key} {'far' if i % 3 == 0 else 'near'}\n" for i, key in enumerate(keys)]
    (kaldi_folder / "utt2domain").write_text("".join(lines))
    return np.array(["far" if i % 3 == 0 else "near" for i in range(len(keys))])


@pytest.fixture
def estimated(kaldi_folder, golden):
    """Kaldi's own mean.vec and lda.mat."""
    write_vector(kaldi_folder / "mean.vec", read_vector(golden / "mean.vec"))
    write_matrix(kaldi_folder / "lda.mat", read_matrix(golden / "lda.mat"))
    return kaldi_folder


def test_the_mean_is_kaldis(kaldi_folder, golden, verb):
    assert verb("compute-mean", "train.scp", "m") == "m: mean of 430 embeddings of 24 dimensions\n"
    np.testing.assert_allclose(read_vector(kaldi_folder / "m"), read_vector(golden / "mean.vec"), atol=5e-7)


def test_text_and_binary_hold_the_same_and_archives_do_for_an_scp(kaldi_folder, verb):
    verb("compute-mean", "train.scp", "m")
    verb("compute-mean", "--text", "ark:train.ark", "t")
    assert (kaldi_folder / "t").read_text().startswith(" [ ")
    text = read_vector(kaldi_folder / "t").astype(np.float32)
    np.testing.assert_array_equal(read_vector(kaldi_folder / "m"), text)
    verb("compute-whitening", "--text", "train.ark", "w.txt")
    assert (kaldi_folder / "w.txt").read_text().startswith(" [\n")


def test_the_means_of_domains_are_subtracted_from_their_utterances(kaldi_folder, domains, verb):
    shown = verb("compute-mean", "--utt2domain", "utt2domain", "train.scp", "means.ark")
    assert shown == "means.ark: means of 2 domains, 430 embeddings of 24 dimensions (far 144, near 286)\n"
    keys, rows = read_vector_table("train.scp")
    _, means = read_vector_table("means.ark")
    expected = np.stack([rows[domains == name].mean(axis=0) for name in ("far", "near")])
    np.testing.assert_allclose(means, expected, atol=1e-5)
    options = ["--domain-means", "means.ark", "--utt2domain", "utt2domain"]
    shown = verb("transform-vectors", *options, "--length", "unit", "train.scp", "out")
    assert shown == "out/xvector.scp: 430 embeddings, 24 to 24 dimensions; steps: domain means, length unit\n"
    centred = rows - expected[(domains == "near").astype(int)]
    found_keys, found = read_vector_table("out/xvector.scp")
    assert found_keys == keys
    np.testing.assert_allclose(found, centred / np.linalg.norm(centred, axis=1, keepdims=True), atol=1e-5)


def test_a_table_on_the_standard_output_has_nothing_else_beside_it(domains, verb):
    shown = verb("compute-mean", "--utt2domain", "utt2domain", "train.scp", "ark,t:-")
    assert [line.split()[0] for line in shown.splitlines()] == ["far", "near"]


def test_steps_are_applied_in_the_order_of_the_command_line(estimated, verb):
    mean, lda = read_vector("mean.vec"), read_matrix("lda.mat")
    write_vector("later.vec", np.arange(16.0))
    keys, rows = read_vector_table("train.scp")
    verb("transform-vectors", *CHAIN, "--length", "unit", "--mean", "later.vec", "train.scp", "out.scp")
    mapped = (rows - mean) @ lda[:, :-1].T + lda[:, -1]
    expected = mapped / np.linalg.norm(mapped, axis=1, keepdims=True) - np.arange(16.0)
    np.testing.assert_allclose(read_vector_table("out.scp")[1], expected, atol=1e-5)
    assert dict(kaldiio.load_scp("out.scp"))[keys[3]].shape == (16,)
    write_matrix("linear.mat", lda[:, :-1])  # without the offset
    verb("transform-vectors", "--matrix", "linear.mat", "train.scp", "out.ark")
    np.testing.assert_allclose(read_vector_table("out.ark")[1], rows @ lda[:, :-1].T, rtol=1e-5, atol=1e-4)


def test_a_saved_chain_does_what_its_steps_did(estimated, verb):
    steps = [*CHAIN, "--length", "sqrt-dim", "--save-chain", "final/chain.json"]
    shown = verb("transform-vectors", *steps, "both.scp", "a.scp")
    assert shown.splitlines()[0] == "final/chain.json: matrix 16 x 25, length sqrt-dim"
    verb("transform-vectors", "--chain", "final/chain.json", "both.scp", "b.scp")
    assert (estimated / "a.ark").read_bytes() == (estimated / "b.ark").read_bytes()
    assert kaldiio.load_mat("final/chain.1.mat").shape == (16, 25)


def test_estimates_take_the_steps_before_them(estimated, verb):
    shown = verb("compute-wccn", *CHAIN, "--length", "unit", "train.scp", "utt2spk", "wccn.mat")
    assert shown == "wccn.mat: WCCN of 16 dimensions, 430 embeddings of 40 speakers\n"
    verb("transform-vectors", *CHAIN, "--length", "unit", "--matrix", "wccn.mat", "train.scp", "out.scp")
    keys, rows = read_vector_table("out.scp")
    speakers = dict(line.split() for line in (estimated / "utt2spk").read_text().splitlines())
    labels = np.array([speakers[key] for key in keys])
    rest = np.concatenate([rows[labels == s] - rows[labels == s].mean(axis=0) for s in set(labels)])
    np.testing.assert_allclose(rest.T @ rest / len(rows), np.eye(16), atol=1e-4)
    verb("compute-mean", *CHAIN, "train.scp", "later.vec")
    np.testing.assert_allclose(read_vector("later.vec"), np.zeros(16), atol=1e-5)


def test_whitening_and_coral_do_what_they_are_for(kaldi_folder, verb):
    shown = verb("compute-whitening", "--kind", "pca", "--dim", 10, "train.scp", "w.mat")
    assert shown == "w.mat: pca whitening, 24 to 10 dimensions, 430 embeddings\n"
    verb("transform-vectors", "--matrix", "w.mat", "train.scp", "white.scp")
    rows = read_vector_table("white.scp")[1].astype(float)
    np.testing.assert_allclose(rows.T @ rows / len(rows), np.eye(10), atol=1e-4)
    shown = verb("compute-coral", "train.scp", "both.scp", "coral.mat")
    assert shown == "coral.mat: CORAL of 24 dimensions, 430 embeddings to the domain of 203\n"
    verb("transform-vectors", "--matrix", "coral.mat", "train.scp", "moved.scp")
    moved, target = read_vector_table("moved.scp")[1], read_vector_table("both.scp")[1]
    np.testing.assert_allclose(np.cov(moved.T, bias=True), np.cov(target.T, bias=True), atol=1e-3)
    np.testing.assert_allclose(moved.mean(axis=0), target.mean(axis=0), atol=1e-4)


def test_directions_that_hardly_vary_are_told_of(kaldi_folder, verb):
    lines = (kaldi_folder / "train.scp").read_text().splitlines(keepends=True)
    (kaldi_folder / "few.scp").write_text("".join(line for line in lines if line.startswith(("s00", "s01"))))
    shown = verb("compute-whitening", "few.scp", "few.mat")
    assert "few.mat: 6 directions hardly vary and were floored" in shown
    shown = verb("compute-wccn", "few.scp", "utt2spk", "few.mat")
    assert "directions hardly vary within speakers and were floored" in shown
    shown = verb("compute-coral", "few.scp", "train.scp", "few.mat")
    assert "few.mat: 6 directions hardly vary in few.scp and were floored" in shown
    (kaldi_folder / "few.scp").write_text("".join(lines[:5]))
    shown = verb("compute-coral", "train.scp", "few.scp", "few.mat")
    assert "few.scp: 5 embeddings span at most 4 of 24 dimensions" in shown
    shown = verb("compute-coral", "--regularisation", 0.1, "train.scp", "few.scp", "few.mat")
    assert "span at most" not in shown


def test_averages_of_enrolment_have_kaldis_counts(kaldi_folder, golden, verb):
    shown = verb("average-enrolment", "both.scp", "enrol", "out")
    assert shown == (
        "out/xvector.scp: 50 models of 24 dimensions, raw averages of 123 enrolment utterances; steps: none\n"
    )
    kaldis = [line.split() for line in (golden / "num_utts.txt").read_text().splitlines()]
    ours = [line.split() for line in (kaldi_folder / "out/num_utts").read_text().splitlines()]
    assert ours == kaldis
    rows = dict(zip(*read_vector_table("both.scp"), strict=True))
    models, averages = read_vector_table("out/xvector.scp")
    lists = [line.split() for line in (kaldi_folder / "enrol").read_text().splitlines()]
    assert models == [model for model, *_ in lists]
    expected = np.stack([np.mean([rows[utt] for utt in utts], axis=0) for _, *utts in lists])
    np.testing.assert_allclose(averages, expected, atol=1e-6)


def test_the_policy_of_averages_is_recorded_and_steps_come_before(estimated, verb):
    verb("average-enrolment", "--policy", "length-normalised", *CHAIN, "--text", "both.scp", "enrol", "e.scp")
    record = json.loads((estimated / "e.json").read_text())
    assert record == {
        "embeddings": "both.scp",
        "enrolment": "enrol",
        "policy": "length-normalised",
        "transforms": "mean.vec, lda.mat",
        "models": 50,
        "utterances": 123,
        "missing": {},
    }
    assert (estimated / "e.ark").read_text().startswith("e00  [ ")
    assert (estimated / "e.num_utts").exists()
    norms = np.linalg.norm(read_vector_table("e.scp")[1], axis=1)
    assert (norms <= 1.0 + 1e-6).all()
    assert norms[0] == pytest.approx(1.0)  # of one utterance


def test_enrolment_utterances_without_embedding_are_refused_or_listed(kaldi_folder, verb):
    lists = (kaldi_folder / "enrol").read_text().splitlines(keepends=True)
    lists[1] = lists[1].rstrip() + " lost-1 lost-2\n"
    (kaldi_folder / "enrol").write_text("".join(lists))
    refused = verb("average-enrolment", "both.scp", "enrol", "out", status=1)
    assert (
        "enrol: utterance 'lost-1' of model 'e01' is not in both.scp (2 missing, in 1 of 50 models)"
        in refused
    )
    assert not (kaldi_folder / "out").exists()
    shown = verb("average-enrolment", "--allow-missing", "both.scp", "enrol", "out")
    assert "out/enrolment.json: 2 utterances, of 1 models, have no embedding; listed there" in shown
    record = json.loads((kaldi_folder / "out/enrolment.json").read_text())
    assert record["missing"] == {"e01": ["lost-1", "lost-2"]}
    assert (record["models"], record["utterances"]) == (50, 123)
    (kaldi_folder / "enrol").write_text("m lost-1\n")
    refused = verb("average-enrolment", "--allow-missing", "both.scp", "enrol", "out", status=1)
    assert "none of the utterances of model 'm' is in both.scp (1 models so)" in refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lda", "lda.mat", "--mean", "mean.vec"], "mean.vec: is a vector of 24, and the embeddings of"),
        (["--lda", "lda.mat", "--mean", "mean.vec"], "of train.scp after lda.mat have 16 dimensions"),
        (["--matrix", "narrow.mat"], "narrow.mat: is 3 x 9, and the 24 dimensions of train.scp need 25"),
        (["--matrix", "nan.mat"], "nan.mat: matrix: row 0 holds NaN"),
        (["--mean", "lost.vec"], "lost.vec: no such file"),
        (["--lda", "lda.mat", "--chain", "wide.json"], "wide.json: takes 24 dimensions, and the embeddings"),
        (["--chain", "odd.json"], "odd.json: length: unknown value 'unti'; did you mean 'unit'"),
        (["--chain", "lost.json"], "lost.json: no such file"),
        (["--matrix", "zero.mat", "--length", "unit"], "is a zero vector where its length is normalised"),
        (["--domain-means", "means.ark"], "--domain-means needs --utt2domain MAP"),
        (["--utt2domain", "utt2domain"], "--utt2domain is for --domain-means TABLE; give both"),
        (
            ["--domain-means", "one.ark", "--utt2domain", "utt2domain"],
            "one.ark: no mean of domain 'near', of which",
        ),
        (["--domain-means", "thin.ark", "--utt2domain", "utt2domain"], "thin.ark: means of 2 dimensions"),
        (["--domain-means", "one.ark", "--utt2domain", "few"], "few: 's00-u01' of train.scp has no domain"),
        (
            ["--save-chain", "c.json", "--domain-means", "one.ark", "--utt2domain", "utt2domain"],
            "--save-chain: means of domains depend on the utterance",
        ),
        (["--save-chain", "chain.mat"], "chain.mat: a chain is saved as FILE.json"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(estimated, domains, verb, arguments, message):
    write_matrix("narrow.mat", np.ones((3, 9)))
    write_matrix("zero.mat", np.zeros((2, 24)))
    write_chain("wide.json", [np.ones((3, 25))])
    write_chain("odd.json", ["unti"])
    write_matrix("nan.mat", np.full((2, 24), np.nan))
    (estimated / "one.ark").write_text("far  [ " + "0 " * 24 + "]\n")
    (estimated / "thin.ark").write_text("far  [ 1 2 ]\nnear  [ 1 2 ]\n")
    (estimated / "few").write_text((estimated / "utt2domain").read_text().splitlines(keepends=True)[0])
    assert message in verb("transform-vectors", *arguments, "train.scp", "out", status=1)


def test_estimates_that_cannot_be_made_name_their_embeddings(kaldi_folder, verb):
    lines = (kaldi_folder / "train.scp").read_text().splitlines(keepends=True)
    (kaldi_folder / "one.scp").write_text(lines[0])
    refused = verb("compute-whitening", "one.scp", "m", status=1)
    assert "one.scp: whitening: the embeddings do not vary (1 are given)" in refused
    refused = verb("compute-wccn", "one.scp", "utt2spk", "m", status=1)
    assert "one.scp: WCCN needs at least 2 speakers, the labels name 1" in refused
    refused = verb("compute-coral", "train.scp", "one.scp", "m", status=1)
    assert "train.scp to one.scp: CORAL target: the embeddings do not vary" in refused
    (kaldi_folder / "thin.ark").write_text("a  [ 1 2 ]\nb  [ 2 1 ]\n")
    refused = verb("compute-coral", "train.scp", "thin.ark", "m", status=1)
    assert "thin.ark: embeddings of 2 dimensions, those of train.scp have 24" in refused
    (kaldi_folder / "twice.ark").write_text("a  [ 1 2 ]\na  [ 2 1 ]\n")
    assert "twice.ark: 'a' comes twice" in verb("compute-mean", "twice.ark", "m", status=1)
    refused = verb("average-enrolment", "train.scp", "enrol", "ark,t:-", status=1)
    assert "OUT: averages go with their counts in a file beside them" in refused
