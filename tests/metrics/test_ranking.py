"""AUC and average precision count pairs; ties are nobody's win."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn.metrics import average_precision_score, roc_auc_score

from wespk.metrics import ScoreSet, auc, average_precision, step_curve

some_scores = st.lists(st.integers(-6, 6), min_size=1, max_size=30)
score_sets = st.builds(ScoreSet, some_scores, some_scores)
exactly = settings(deadline=None)


def labelled(scores):
    labels = np.repeat([1, 0], [len(scores.target), len(scores.nontarget)])
    return labels, np.concatenate([scores.target, scores.nontarget])


@exactly
@given(score_sets)
def test_auc_is_the_share_of_pairs_won_with_ties_half(scores):
    difference = scores.target[:, None] - scores.nontarget
    assert auc(scores) == ((difference > 0).sum() + (difference == 0).sum() / 2) / difference.size


@exactly
@given(score_sets)
def test_auc_agrees_with_scikit_learn_and_the_mann_whitney_statistic(scores):
    assert auc(scores) == pytest.approx(roc_auc_score(*labelled(scores)))
    statistic = mannwhitneyu(scores.target, scores.nontarget, method="asymptotic").statistic
    assert auc(scores) == pytest.approx(statistic / (len(scores.target) * len(scores.nontarget)))


@exactly
@given(score_sets)
def test_auc_is_kept_by_rising_maps_label_swap_and_duplication(scores):
    mapped = ScoreSet(np.tile(scores.target**3, 2), np.tile(scores.nontarget**3, 2))
    assert auc(mapped) == auc(scores) == auc(ScoreSet(-scores.nontarget, -scores.target))
    assert auc(ScoreSet(scores.nontarget, scores.target)) == pytest.approx(1 - auc(scores))


@exactly
@given(score_sets)
def test_average_precision_agrees_with_scikit_learn(scores):
    assert average_precision(scores) == pytest.approx(average_precision_score(*labelled(scores)))


@exactly
@given(score_sets)
def test_average_precision_is_the_mean_precision_at_the_targets(scores):
    _, values = labelled(scores)
    at_targets = [(scores.target >= own).sum() / (values >= own).sum() for own in scores.target]
    assert average_precision(scores) == pytest.approx(np.mean(at_targets))
    assert average_precision(step_curve(scores)) == average_precision(scores)


@pytest.mark.parametrize(
    ("target", "nontarget", "area", "precision"),
    [([1], [0], 1, 1), ([0], [1], 0, 0.5), ([2, 2], [2], 0.5, 2 / 3), ([5], [1, 9], 0.5, 0.5)],
)
def test_rankings_at_the_extremes(target, nontarget, area, precision):
    scores = ScoreSet(target, nontarget)
    assert (auc(scores), average_precision(scores)) == pytest.approx((area, precision))


def test_auc_of_many_pairs_does_not_overflow():
    ones, zeros = np.ones(70_000, np.float32), np.zeros(70_000, np.float32)  # 4.9e9 pairs
    assert auc(ScoreSet(ones, zeros)) == 1
    assert auc(ScoreSet(zeros, zeros)) == 0.5
