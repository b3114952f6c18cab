"""A score set is two vectors of finite numbers, neither empty; everything else is told in one line."""

from __future__ import annotations

import numpy as np
import pytest

from wespk.core.errors import WespkError
from wespk.metrics import ScoreSet, subsample_nontargets


def test_labels_split_the_scores_and_keep_their_order():
    scores = ScoreSet.from_labels([0.1, 0.9, 0.3, 0.7], np.array([False, True, False, True]))
    assert scores.target.tolist() == [0.9, 0.7]
    assert scores.nontarget.tolist() == [0.1, 0.3]
    assert str(scores) == "2 target and 2 nontarget scores"


@pytest.mark.parametrize(
    ("target", "nontarget", "kept"),
    [
        (np.float32, np.float32, np.float32),
        (np.float32, np.float64, np.float64),
        (np.int64, np.float32, np.float64),
        (np.float16, np.float16, np.float64),
    ],
)
def test_scores_stay_float32_only_if_both_classes_are(target, nontarget, kept):
    scores = ScoreSet(np.ones(2, target), np.zeros(2, nontarget))
    assert scores.target.dtype == scores.nontarget.dtype == kept


def test_float32_scores_are_taken_as_they_are_without_a_copy():
    target, nontarget = np.ones(2, np.float32), np.zeros(3, np.float32)
    scores = ScoreSet(target, nontarget)
    assert np.shares_memory(scores.target, target) and np.shares_memory(scores.nontarget, nontarget)


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


MANY = ScoreSet(np.arange(10.0), np.arange(1000.0))


def test_subsampling_keeps_targets_and_draws_distinct_nontargets_in_their_order():
    drawn = subsample_nontargets(MANY, per_target=20, seed=3)
    np.testing.assert_array_equal(drawn.target, MANY.target)
    assert len(drawn.nontarget) == 200
    assert (np.diff(drawn.nontarget) > 0).all()


def test_the_same_seed_draws_the_same_and_another_seed_others():
    first, again, other = (subsample_nontargets(MANY, 20, seed).nontarget for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_every_nontarget_is_as_likely_to_be_drawn():
    times = np.zeros(1000)
    for seed in range(200):
        times[subsample_nontargets(MANY, 50, seed).nontarget.astype(int)] += 1
    assert times.mean() == 100
    assert np.abs(times - 100).max() < 5 * np.sqrt(200 * 0.5 * 0.5)


@pytest.mark.parametrize(("per_target", "expected"), [(100, 1000), (1e9, 1000), (0.25, 2), (0.001, 1)])
def test_a_request_for_more_than_there_are_leaves_all_and_one_is_the_least(per_target, expected):
    assert len(subsample_nontargets(MANY, per_target, seed=0).nontarget) == expected


@pytest.mark.parametrize("per_target", [0, -1, float("nan"), float("inf")])
def test_a_request_that_is_no_positive_number_is_refused(per_target):
    with pytest.raises(WespkError, match="nontargets a target: a positive number is needed"):
        subsample_nontargets(MANY, per_target, seed=0)
