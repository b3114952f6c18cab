import numpy as np
import pytest

from wespk.core.errors import WespkError
from wespk.data.trials import read_scores, read_trials, write_scores


@pytest.fixture
def trials(tmp_path):
    (tmp_path / "trials").write_text("a t1 target\na t2 nontarget\nb t1 nontarget\n")
    return read_trials(tmp_path / "trials")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a t target\na t\n", "trials:2: expected"),
        ("a t target\nb t imposter\n", "trials:2: label 'imposter' is neither"),
        ("a t target\nb t target\na t nontarget\n", "trials:3: duplicate trial 'a t'"),
        ("a t\nb t target target\n", "trials:1: expected"),
    ],
)
def test_malformed_trials_are_refused_with_their_line(tmp_path, text, message):
    (tmp_path / "trials").write_text(text)
    with pytest.raises(WespkError, match=message):
        read_trials(tmp_path / "trials")


def test_scores_round_trip_in_any_order(tmp_path, trials):
    scores = np.array([1.25, -3.5e-8, 1e6])
    write_scores(tmp_path / "s", trials, scores)
    np.testing.assert_allclose(read_scores(tmp_path / "s", trials), scores, rtol=1e-6)
    lines = (tmp_path / "s").read_text().splitlines(True)
    (tmp_path / "s").write_text("".join(reversed(lines)))
    np.testing.assert_allclose(read_scores(tmp_path / "s", trials), scores, rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a t1 1\na t2 2\n", "1 trials of .* have no score, first 'b t1'"),
        ("a t1 1\na t2 2\nb t1 3\nb t2 4\n", "4 scores for 3 trials"),
        ("a t1 1\na t1 2\nb t1 3\n", "s:2: duplicate trial 'a t1'"),
        ("a t1 1\na t2 x\nb t1 3\n", "s:2: score 'x' is not a number"),
        ("a t1 1\na t2 nan\nb t1 3\n", "s:2: score 'nan' is not finite"),
        ("a t1 1\na t2 2\nz t1 3\n", "s:3: 'z' is in no trial"),
    ],
)
def test_scores_that_do_not_fit_the_trials_are_refused(tmp_path, trials, text, message):
    (tmp_path / "s").write_text(text)
    with pytest.raises(WespkError, match=message):
        read_scores(tmp_path / "s", trials)
