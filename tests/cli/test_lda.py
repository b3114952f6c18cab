"""The back-end verbs on the embeddings that Kaldi was given: from files, by mean, LDA and PLDA, to scores."""

import numpy as np
import pytest

from wespk.data.kaldi_objects import read_matrix, write_matrix

MEAN = ["--mean", "mean.vec"]
LDA = ["--lda", "lda.mat"]


@pytest.fixture
def trained(kaldi_folder, verb):
    """The same with mean.vec, lda.mat and plda, as a recipe makes them."""
    verb("compute-mean", "train.scp", "mean.vec")
    shown = verb("compute-lda", "--dim", 16, *MEAN, "train.scp", "utt2spk", "lda.mat")
    assert shown == "lda.mat: 24 to 16 dimensions, 430 embeddings of 40 speakers\n"
    verb("train-plda", *MEAN, *LDA, "train.scp", "utt2spk", "plda")
    return kaldi_folder


def scores(path):
    return np.array([float(line.split()[2]) for line in path.read_text().splitlines()])


def test_the_verbs_in_a_row_give_kaldis_scores(trained, verb):
    verb("score-plda", *MEAN, *LDA, "--plda", "plda", "--enrol", "enrol", "both.scp", "trials", "out")
    np.testing.assert_allclose(
        scores(trained / "out"), np.loadtxt(trained / "expected"), rtol=1e-4, atol=2e-4
    )


def test_models_averaged_beforehand_give_kaldis_scores(trained, verb):
    verb("average-enrolment", "both.scp", "enrol", "models")
    models = ["--enrol-vectors", "models/xvector.scp", "--num-utts", "models/num_utts"]
    verb("score-plda", *MEAN, *LDA, "--plda", "plda", *models, "both.scp", "trials", "out")
    np.testing.assert_allclose(
        scores(trained / "out"), np.loadtxt(trained / "expected"), rtol=1e-4, atol=2e-4
    )


def test_every_scorer_takes_the_matrix(trained, verb):
    inputs = ["--enrol", "enrol", "both.scp", "trials"]
    verb("score-cosine", *MEAN, *inputs, "plain")
    verb("score-cosine", *MEAN, *LDA, *inputs, "projected")
    cohort = ["--cohort", "train.scp", "--cohort-utt2spk", "utt2spk", "--top-k", 10]
    verb("normalise-scores", *MEAN, *cohort, *inputs, "plain_normalised")
    verb("normalise-scores", *MEAN, *LDA, *cohort, *inputs, "normalised")
    names = ("plain", "projected", "plain_normalised", "normalised")
    found = {name: scores(trained / name) for name in names}
    assert all(np.isfinite(each).all() for each in found.values())
    assert not np.allclose(found["plain"], found["projected"], atol=0.01)
    assert not np.allclose(found["plain_normalised"], found["normalised"], atol=0.01)


def test_the_total_covariance_factor_changes_the_matrix(trained, verb):
    arguments = ["--dim", 16, *MEAN, "train.scp", "utt2spk", "other.mat"]
    verb("compute-lda", "--total-covariance-factor", 0.2, *arguments)
    assert not np.allclose(read_matrix(trained / "lda.mat"), read_matrix(trained / "other.mat"), rtol=0.01)


def test_floored_directions_are_told_of(kaldi_folder, verb):
    lines = (kaldi_folder / "train.scp").read_text().splitlines(keepends=True)
    (kaldi_folder / "few.scp").write_text("".join(line for line in lines if line.startswith(("s00", "s01"))))
    shown = verb("compute-lda", "--dim", 1, "few.scp", "utt2spk", "few.mat")
    assert "directions hardly vary within speakers and were floored; give more utterances" in shown


def test_a_matrix_or_model_of_other_embeddings_is_refused_by_name(trained, verb):
    write_matrix(trained / "narrow.mat", np.ones((3, 9)))
    refused = verb("train-plda", "--lda", "narrow.mat", "train.scp", "utt2spk", "p", status=1)
    assert "narrow.mat: is 3 x 9, and the 24 dimensions of train.scp need 25 columns" in refused
    assert refused.count("\n") == 1
    inputs = ["--plda", "plda", "--enrol", "enrol", "both.scp", "trials", "out"]
    refused = verb("score-plda", *MEAN, *inputs, status=1)
    assert "plda: a PLDA of 16 dimensions, and the embeddings of both.scp have 24" in refused
    refused = verb("compute-lda", "--dim", 40, "train.scp", "utt2spk", "m", status=1)
    assert "dim: 40 is too many; the embeddings have 24 dimensions" in refused
