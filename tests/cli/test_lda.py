"""The back-end verbs on the embeddings that Kaldi was given: from files, by mean, LDA and PLDA, to scores."""

import kaldiio
import numpy as np
import pytest

from wespk.data.kaldi_objects import read_matrix, write_matrix

MEAN = ["--mean", "mean.vec"]
LDA = ["--lda", "lda.mat"]


@pytest.fixture
def folder(root, tmp_path):
    """The golden inputs as archives with lists: train.scp, utt2spk, both.scp, enrol, trials."""
    golden = root / "tests/backend/golden"
    for name, archives in (("train", ["train"]), ("both", ["enrol_utts", "test"])):
        with kaldiio.WriteHelper(f"ark,scp:{tmp_path}/{name}.ark,{tmp_path}/{name}.scp") as write:
            for archive in archives:
                for utt, vector in kaldiio.load_ark(str(golden / f"{archive}.ark")):
                    write(utt, vector)
    (tmp_path / "utt2spk").write_text((golden / "train_utt2spk").read_text())
    (tmp_path / "enrol").write_text((golden / "enrol_spk2utt").read_text())
    pairs = [line.split() for line in (golden / "scores_plda_numutts.txt").read_text().splitlines()]
    (tmp_path / "expected").write_text("".join(f"{score}\n" for _, _, score in pairs))
    (tmp_path / "trials").write_text("".join(f"{enrol} {test} target\n" for enrol, test, _ in pairs))
    return tmp_path


@pytest.fixture
def trained(folder, wespk):
    """The same with mean.vec, lda.mat and plda, as a recipe makes them."""
    wespk("compute-mean", "train.scp", "mean.vec")
    shown = wespk("train-lda", "--dim", 16, *MEAN, "train.scp", "utt2spk", "lda.mat").stdout
    assert shown == "lda.mat: 24 to 16 dimensions, 430 embeddings of 40 speakers\n"
    wespk("train-plda", *MEAN, *LDA, "train.scp", "utt2spk", "plda")
    return folder


def scores(path):
    return np.array([float(line.split()[2]) for line in path.read_text().splitlines()])


def test_the_verbs_in_a_row_give_kaldis_scores(trained, wespk):
    wespk("score-plda", *MEAN, *LDA, "--plda", "plda", "--enrol", "enrol", "both.scp", "trials", "out")
    np.testing.assert_allclose(
        scores(trained / "out"), np.loadtxt(trained / "expected"), rtol=1e-4, atol=2e-4
    )


def test_every_scorer_takes_the_matrix(trained, wespk):
    inputs = ["--enrol", "enrol", "both.scp", "trials"]
    wespk("score-cosine", *MEAN, *inputs, "plain")
    wespk("score-cosine", *MEAN, *LDA, *inputs, "projected")
    cohort = ["--cohort", "train.scp", "--cohort-utt2spk", "utt2spk", "--top-k", 10]
    wespk("normalise-scores", *MEAN, *cohort, *inputs, "plain_normalised")
    wespk("normalise-scores", *MEAN, *LDA, *cohort, *inputs, "normalised")
    names = ("plain", "projected", "plain_normalised", "normalised")
    found = {name: scores(trained / name) for name in names}
    assert all(np.isfinite(each).all() for each in found.values())
    assert not np.allclose(found["plain"], found["projected"], atol=0.01)
    assert not np.allclose(found["plain_normalised"], found["normalised"], atol=0.01)


def test_the_total_covariance_factor_changes_the_matrix(trained, wespk):
    arguments = ["--dim", 16, *MEAN, "train.scp", "utt2spk", "other.mat"]
    wespk("train-lda", "--total-covariance-factor", 0.2, *arguments)
    assert not np.allclose(read_matrix(trained / "lda.mat"), read_matrix(trained / "other.mat"), rtol=0.01)


def test_floored_directions_are_told_of(folder, wespk):
    lines = (folder / "train.scp").read_text().splitlines(keepends=True)
    (folder / "few.scp").write_text("".join(line for line in lines if line.startswith(("s00", "s01"))))
    shown = wespk("train-lda", "--dim", 1, "few.scp", "utt2spk", "few.mat").stdout
    assert "directions hardly vary within speakers and were floored; give more utterances" in shown


def test_a_matrix_or_model_of_other_embeddings_is_refused_by_name(trained, wespk):
    write_matrix(trained / "narrow.mat", np.ones((3, 9)))
    refused = wespk("train-plda", "--lda", "narrow.mat", "train.scp", "utt2spk", "p", status=1).stderr
    assert "narrow.mat: is 3 x 9, and the 24 dimensions of train.scp need 25 columns" in refused
    assert refused.count("\n") == 1
    inputs = ["--plda", "plda", "--enrol", "enrol", "both.scp", "trials", "out"]
    refused = wespk("score-plda", *MEAN, *inputs, status=1).stderr
    assert "plda: a PLDA of 16 dimensions, the embeddings have 24; give the --mean and --lda" in refused
    refused = wespk("train-lda", "--dim", 40, "train.scp", "utt2spk", "m", status=1).stderr
    assert "dim: 40 is too many; the embeddings have 24 dimensions" in refused
