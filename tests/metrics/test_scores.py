"""A score set is two vectors of finite numbers, neither empty; everything else is told in one line."""

from __future__ import annotations

import numpy as np
import pytest

from wespk.core.errors import WespkError
from wespk.metrics import ScoreSet


def test_labels_split_the_scores_and_keep_their_order():
    scores = ScoreSet.from_labels([0.1, 0.9, 0.3, 0.7], np.array([False, True, False, True]))
    assert scores.target.tolist() == [0.9, 0.7]
    assert scores.nontarget.tolist() == [0.1, 0.3]
    assert str(scores) == "2 target and 2 nontarget scores"


def test_float32_scores_become_float64():
    assert ScoreSet(np.ones(2, np.float32), np.zeros(2, np.float32)).target.dtype == np.float64


@pytest.mark.parametrize(
    ("target", "nontarget", "message"),
    [
        ([], [1, 2], "0 target and 2 nontarget scores: no target trial"),
        ([1, 2, 3], [], "3 target and 0 nontarget scores: no nontarget trial"),
        ([1, np.nan, np.nan], [0], "2 of 3 target scores are not finite.*position 1"),
        ([1], [0, 0, -np.inf], "1 of 3 nontarget scores are not finite.*position 2"),
        ([1], [1e100], "1 of 1 nontarget scores"),
        ([[1.0]], [0], r"target scores have shape \(1, 1\)"),
        (["a"], [0], "target scores are not numbers"),
    ],
)
def test_unusable_scores_are_refused_with_their_count(target, nontarget, message):
    with pytest.raises(WespkError, match=message) as caught:
        ScoreSet(np.array(target), np.array(nontarget))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([1.0, 2.0], [1, 0], "it must hold booleans"),
        ([1.0, 2.0], [True], r"\(2,\) scores and \(1,\) labels do not match"),
        ([1.0, 2.0], [True, True], "no nontarget trial"),
    ],
)
def test_labels_that_do_not_fit_are_refused(scores, labels, message):
    with pytest.raises(WespkError, match=message):
        ScoreSet.from_labels(scores, labels)
