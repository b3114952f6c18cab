import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.data.scores import read_scores, write_scores
from wespk.data.trials import read_trials


@pytest.fixture
def trials(tmp_path):
    (tmp_path / "trials").write_text("a t1 target\na t2 nontarget\nb t1 nontarget\n")
    return read_trials(tmp_path / "trials")


def test_scores_round_trip_in_any_order(tmp_path, trials):
    scores = np.array([1.25, -3.5e-8, 1e6])
    write_scores(tmp_path / "s", trials, scores)
    assert (tmp_path / "s").read_text() == "a t1 1.25\na t2 -3.5e-08\nb t1 1000000\n"
    np.testing.assert_allclose(read_scores(tmp_path / "s", trials), scores, rtol=1e-6)
    lines = (tmp_path / "s").read_text().splitlines(True)
    (tmp_path / "s").write_text("".join(reversed(lines)))
    np.testing.assert_allclose(read_scores(tmp_path / "s", trials), scores, rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "s: is empty; expected lines `enrol-id test-id score`"),
        ("a t1\n", "s:1: expected `enrol-id test-id score`"),
        ("a t1 1\na t2 2\n", "1 trials of .* have no score, first 'b t1'; .*--allow-missing"),
        ("b t1 2\n", "2 trials of .* have no score, first 'a t1'"),
        ("a t1 1\na t2 2\nb t1 3\nb t2 4\n", "4 scores for 3 trials of .*, 1 of them for no trial"),
        ("a t1 1\na t1 2\nb t1 3\n", "s:2: duplicate trial 'a t1', with another score than in line 1"),
        (
            "a t2 1\nb t1 7\na t1 2\nb t1 7.0\n",
            "s:4: duplicate trial 'b t1', with the same score as in line 2",
        ),
        ("a t1 1\na t2 x\nb t1 3\n", "s:2: score 'x' is not a number"),
        ("a t1 1\na t2 nan\nb t1 3\n", "s:2: score 'nan' is not finite"),
        ("a t1 1\na t2 -inf\nb t1 3\n", "s:2: score '-inf' is not finite"),
        ("a t1 1\na t2 2\nz t1 3\n", "s:3: 'z' is in no trial"),
        ("a t1 1\na b 2\nb t1 3\n", "s:2: 'b' is in no trial"),
        ("a t1 1\na y 2\n", "s:2: 'y' is in no trial"),
        ("a t1 1\na t2 2\nt1 t1 3\n", "s:3: 't1' is in no trial"),
    ],
)
def test_scores_that_do_not_fit_the_trials_are_refused(tmp_path, trials, text, message):
    (tmp_path / "s").write_text(text)
    with pytest.raises(WespkError, match=message):
        read_scores(tmp_path / "s", trials)


def test_missing_scores_are_nan_where_they_are_allowed(tmp_path, trials):
    (tmp_path / "s").write_text("b t1 3\na t1 1\n")
    scores = read_scores(tmp_path / "s", trials, allow_missing=True)
    np.testing.assert_equal(scores, [1, np.nan, 3])
    (tmp_path / "s").write_text("b t2 3\na t1 1\n")
    with pytest.raises(WespkError, match="2 scores for 3 trials .* 1 of them for no trial"):
        read_scores(tmp_path / "s", trials, allow_missing=True)


def test_scores_that_are_not_finite_are_not_written(tmp_path, trials):
    with pytest.raises(WespkError, match="s: 2 scores are not finite, first that of 'a t2' .nan."):
        write_scores(tmp_path / "s", trials, np.array([1, np.nan, np.inf]))
    assert not (tmp_path / "s").exists()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("scores")


@given(order=st.permutations(range(12)), missing=st.integers(0, 11))
def test_each_trial_gets_its_own_score(folder, order, missing):
    pairs = [f"%d{n % 3} %é{n // 3}" for n in range(12)]
    (folder / "t").write_text("".join(f"{pair} target\n" for pair in pairs))
    trials = read_trials(folder / "t")
    (folder / "s").write_text("".join(f"{pairs[n]} {n}\n" for n in order if n >= missing))
    expected = [n if n >= missing else np.nan for n in range(12)]
    np.testing.assert_equal(read_scores(folder / "s", trials, allow_missing=True), expected)
    write_scores(folder / "s", trials, np.arange(12))
    assert (folder / "s").read_text() == "".join(f"{pair} {n}\n" for n, pair in enumerate(pairs))
