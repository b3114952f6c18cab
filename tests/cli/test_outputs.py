"""No verb of the back-end replaces a file that it is told to read."""

import pytest

PLDA_CHAIN = ("--plda", "plda", "x.scp", "trials")


@pytest.mark.parametrize(
    "arguments",
    [
        ("score-cosine", "x.scp", "trials", "x.scp"),
        ("score-cosine", "x.scp", "trials", "x.ark"),
        ("score-cosine", "scp:x.scp", "trials", "./trials"),
        ("score-plda", *PLDA_CHAIN, "plda"),
        ("score-matrix", "--top-k", "2", "x.scp", "x.scp"),
        ("score-matrix", "--out", "x.scp", "x.scp"),
        ("normalise-scores", "--cohort", "c.scp", "--scores", "a.score", "x.scp", "trials", "a.score"),
        ("transform-vectors", "--mean", "mean.vec", "x.scp", "x.scp"),
        ("transform-vectors", "--mean", "mean.vec", "set/xvector.scp", "set"),
        ("transform-vectors", "x.scp", "ark,scp:y.ark,x.scp"),
        ("transform-vectors", "--chain", "c.json", "--save-chain", "c.json", "x.scp", "y.scp"),
        ("average-enrolment", "x.scp", "enrol", "x.scp"),
        ("compute-mean", "--mean", "mean.vec", "x.scp", "mean.vec"),
        ("compute-lda", "--dim", "2", "x.scp", "utt2spk", "utt2spk"),
        ("compute-wccn", "--lda", "lda.mat", "x.scp", "utt2spk", "lda.mat"),
        ("compute-whitening", "x.scp", "x.ark"),
        ("compute-coral", "x.scp", "y.scp", "y.scp"),
        ("compute-quality", "data", "x.scp", "x.scp"),
        ("train-plda", "x.scp", "utt2spk", "utt2spk"),
        ("adapt-plda", "plda", "x.scp", "plda"),
        ("calibrate", "trials", "trials", "dev.a.score"),
        ("evaluate", "--results", "trials", "trials", "a.score"),
        ("evaluate", "--results", "gender", "--by", "g=gender", "trials", "a.score"),
        ("identify", "--confusion", "a.score", "trials", "a.score"),
        ("map-embeddings", "x.scp", "utt2spk", "utt2spk"),
    ],
)
def test_an_output_that_is_an_input_is_refused_before_anything_is_read(verb, arguments):
    assert "another option or argument names it too" in verb(*arguments, status=1)


@pytest.mark.parametrize(
    "arguments",
    [("transform-vectors", "x.scp", "-"), ("compute-mean", "x.scp", "-"), ("train-plda", "x", "y", "-")],
)
def test_a_dash_is_no_name_of_a_file(verb, arguments):
    assert "'-': name a file; a table can go to the standard output, as ark:-" in verb(*arguments, status=1)


def test_words_of_options_are_no_files(tmp_path, verb):
    (tmp_path / "raw").write_text("of an earlier run")  # --average is "raw" as long as it is not given
    assert "x.scp: no such file" in verb("score-cosine", "x.scp", "trials", "raw", status=1)
