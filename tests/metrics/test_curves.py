"""The step curve counts errors exactly at every threshold, from no more points than the corners."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import det_curve, roc_curve

from wespk.metrics import ScoreSet, step_curve
from wespk.metrics.curves import Ascending, curve_of

# Few distinct whole numbers: ties are frequent.
some_scores = st.lists(st.integers(-6, 6), min_size=1, max_size=30)
spread_scores = st.lists(st.integers(-60, 60), min_size=1, max_size=30)  # runs of one class are frequent
score_sets = st.builds(ScoreSet, some_scores, some_scores) | st.builds(ScoreSet, spread_scores, some_scores)
exactly = settings(deadline=None)


def errors(scores, threshold):
    return (scores.target < threshold).sum(), (scores.nontarget >= threshold).sum()


@exactly
@given(score_sets)
def test_the_points_lie_on_the_staircase(scores):
    curve = step_curve(scores)
    for point, threshold in enumerate(curve.thresholds):
        assert (curve.misses[point], curve.false_alarms[point]) == errors(scores, threshold)
    assert (np.diff(curve.thresholds) > 0).all()
    assert np.isin(curve.thresholds[:-1], np.concatenate([scores.target, scores.nontarget])).all()
    assert (curve.p_miss[0], curve.p_fa[0]) == (0, 1), "the first point accepts every trial"
    assert (curve.p_miss[-1], curve.p_fa[-1]) == (1, 0), "the last point rejects every trial"


@exactly
@given(score_sets)
def test_all_corners_are_among_the_points_and_runs_of_one_class_have_no_inner_point(scores):
    curve = step_curve(scores)
    distinct = np.unique(np.concatenate([scores.target, scores.nontarget]))
    classes = [tuple(score in each for each in (scores.target, scores.nontarget)) for score in distinct]
    inner = [before == here != (True, True) for before, here in pairwise(classes)]
    expected = distinct[~np.array([False, *inner])]
    np.testing.assert_array_equal(curve.thresholds[:-1], expected)
    assert np.isfinite(curve.thresholds[-1]) and curve.thresholds[-1] > distinct[-1]


def test_a_curve_of_many_nontargets_has_few_points():
    random = np.random.default_rng(0)
    scores = ScoreSet(random.normal(2, 1, 50), random.normal(0, 1, 100_000))
    assert len(step_curve(scores).thresholds) <= 2 * 50 + 2


@exactly
@given(score_sets, st.floats(-80, 80) | st.integers(-61, 61))
def test_errors_are_counted_at_any_threshold(scores, threshold):
    curve, expected = step_curve(scores), errors(scores, threshold)
    assert curve.errors_at(threshold) == expected
    assert curve.rates_at(threshold) == (expected[0] / curve.num_target, expected[1] / curve.num_nontarget)


def test_a_score_equal_to_the_threshold_is_accepted():
    assert step_curve(ScoreSet([1.0], [1.0])).errors_at(1.0) == (0, 1)


def test_thresholds_beyond_all_numbers_accept_or_reject_everything():
    curve = step_curve(ScoreSet([1.0, 2.0], [0.0]))
    assert curve.errors_at(-np.inf) == (0, 1)
    assert curve.errors_at(np.inf) == curve.errors_at(np.nan) == (2, 0)


@exactly
@given(
    st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=20),
    st.sampled_from([-1e300, -1e-9, 0.0, 1e-9, 1e300]),
    st.data(),
)
def test_float32_scores_are_compared_with_thresholds_that_float32_cannot_hold(values, offset, data):
    single = np.array(values, dtype=np.float32)
    threshold = float(data.draw(st.sampled_from(values))) + offset
    curve = step_curve(ScoreSet(single, single[:1]))
    assert curve.errors_at(threshold)[0] == (single.astype(np.float64) < threshold).sum()


@exactly
@given(score_sets)
def test_float32_and_float64_scores_have_the_same_curve(scores):
    single = step_curve(ScoreSet(scores.target.astype(np.float32), scores.nontarget.astype(np.float32)))
    double = step_curve(scores)
    for name in ("thresholds", "misses", "false_alarms"):
        np.testing.assert_array_equal(getattr(single, name), getattr(double, name))


@exactly
@given(score_sets)
def test_scores_given_with_their_counts_have_the_same_curve(scores):
    classes = [np.unique(each, return_counts=True) for each in (scores.target, scores.nontarget)]
    counted = [Ascending(values, np.append(0, np.cumsum(counts))) for values, counts in classes]
    listed = step_curve(scores)
    curve = curve_of(*counted, float(listed.thresholds[-1]))
    for name in ("thresholds", "misses", "false_alarms"):
        np.testing.assert_array_equal(getattr(curve, name), getattr(listed, name))
    for one, other in ((curve.target, listed.target), (curve.nontarget, listed.nontarget)):
        ranks = np.arange(len(other))
        np.testing.assert_array_equal(one.score_at(ranks), other.score_at(ranks))
        assert [one.tie_at(rank) for rank in ranks] == [other.tie_at(rank) for rank in ranks]
        np.testing.assert_array_equal(one.below(np.arange(-7, 8)), other.below(np.arange(-7, 8)))


@exactly
@given(score_sets)
def test_the_next_threshold_is_the_next_score_or_above_all(scores):
    curve = step_curve(scores)
    distinct = np.unique(np.concatenate([scores.target, scores.nontarget]))
    for score, following in zip(distinct, [*distinct[1:], curve.thresholds[-1]], strict=True):
        assert curve.next_threshold(score) == following


@exactly
@given(score_sets)
def test_the_curve_agrees_with_scikit_learn(scores):
    curve = step_curve(scores)
    labels = np.repeat([1, 0], [len(scores.target), len(scores.nontarget)])
    values = np.concatenate([scores.target, scores.nontarget])
    p_fa, p_hit, thresholds = roc_curve(labels, values, drop_intermediate=False)
    rates = np.array([curve.rates_at(threshold) for threshold in thresholds])
    np.testing.assert_allclose(rates[:, 1], p_fa)
    np.testing.assert_allclose(1 - rates[:, 0], p_hit, atol=1e-12)
    assert set(curve.thresholds[:-1]) <= set(thresholds)
    if scores.target.min() < scores.nontarget.max():  # else scikit-learn has but one point, by its own rule
        inner_fa, inner_miss, inner = det_curve(labels, values)
        rates = [curve.rates_at(threshold) for threshold in inner if np.isfinite(threshold)]
        found = np.array(rates).reshape(-1, 2)
        np.testing.assert_allclose(found[:, 0], inner_miss[np.isfinite(inner)])
        np.testing.assert_allclose(found[:, 1], inner_fa[np.isfinite(inner)])


def test_a_curve_is_its_own_curve():
    curve = step_curve(ScoreSet([1], [0]))
    assert step_curve(curve) is curve


@pytest.mark.parametrize("few", ["target", "nontarget"])
def test_either_class_may_be_the_larger(few):
    random = np.random.default_rng(2)
    sizes = (20, 300) if few == "target" else (300, 20)
    scores = ScoreSet(*(random.integers(0, 60, size) for size in sizes))
    curve = step_curve(scores)
    for threshold in range(-1, 62):
        assert curve.errors_at(threshold) == errors(scores, threshold)
