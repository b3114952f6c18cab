"""The step curve is exact, and the equal error rate is defined for every score set."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import det_curve, roc_curve

from wespk.metrics import ScoreSet, eer, eer_kaldi, step_curve

# Few distinct whole numbers: ties are frequent, and monotone maps of them stay exact.
some_scores = st.lists(st.integers(-6, 6), min_size=1, max_size=30)
score_sets = st.builds(ScoreSet, some_scores, some_scores)
exactly = settings(deadline=None)

KALDI_EXAMPLE = ScoreSet([2, 1.5, 0.9, 0.2, -0.3], [1, 0.4, 0.1, -0.5, -1, -1.2, -2, -2.5, -3, -4])


@exactly
@given(score_sets)
def test_step_curve_counts_the_errors_at_each_threshold(scores):
    curve = step_curve(scores)
    for point, threshold in enumerate(curve.thresholds):
        misses, false_alarms = (scores.target < threshold).sum(), (scores.nontarget >= threshold).sum()
        assert (curve.misses[point], curve.false_alarms[point]) == (misses, false_alarms)
        assert curve.errors_at(threshold) == (misses, false_alarms)


@exactly
@given(score_sets)
def test_step_curve_has_one_point_a_distinct_score_and_one_beyond(scores):
    curve = step_curve(scores)
    distinct = np.unique(np.concatenate([scores.target, scores.nontarget]))
    np.testing.assert_array_equal(curve.thresholds[:-1], distinct)
    assert np.isfinite(curve.thresholds[-1]) and curve.thresholds[-1] > distinct[-1]
    assert (curve.p_miss[0], curve.p_fa[0]) == (0, 1), "the first point accepts every trial"
    assert (curve.p_miss[-1], curve.p_fa[-1]) == (1, 0), "the last point rejects every trial"


@exactly
@given(score_sets, st.floats(-8, 8))
def test_errors_are_counted_at_thresholds_between_and_beyond_the_scores(scores, threshold):
    expected = (scores.target < threshold).sum(), (scores.nontarget >= threshold).sum()
    assert step_curve(scores).errors_at(threshold) == expected


def test_a_score_equal_to_the_threshold_is_accepted():
    assert step_curve(ScoreSet([1.0], [1.0])).errors_at(1.0) == (0, 1)


@exactly
@given(score_sets)
def test_step_curve_agrees_with_scikit_learn(scores):
    curve = step_curve(scores)
    labels = np.repeat([1, 0], [len(scores.target), len(scores.nontarget)])
    values = np.concatenate([scores.target, scores.nontarget])
    p_fa, p_hit, thresholds = roc_curve(labels, values, drop_intermediate=False)
    np.testing.assert_allclose(curve.p_fa[::-1], p_fa)
    np.testing.assert_allclose(1 - curve.p_miss[::-1], p_hit, atol=1e-12)
    np.testing.assert_array_equal(curve.thresholds[:-1][::-1], thresholds[1:])
    if scores.target.min() < scores.nontarget.max():  # else scikit-learn has but one point, by its own rule
        inner_fa, inner_miss, inner = det_curve(labels, values)
        rates = [curve.rates_at(threshold) for threshold in inner if np.isfinite(threshold)]
        found = np.array(rates).reshape(-1, 2)
        np.testing.assert_allclose(found[:, 0], inner_miss[np.isfinite(inner)])
        np.testing.assert_allclose(found[:, 1], inner_fa[np.isfinite(inner)])


@exactly
@given(score_sets)
def test_eer_is_where_the_joined_points_cross_the_diagonal(scores):
    curve = step_curve(scores)
    path = np.linspace(0, 1, 2001)[:, None]
    p_fa = curve.p_fa[:-1] * (1 - path) + curve.p_fa[1:] * path
    p_miss = curve.p_miss[:-1] * (1 - path) + curve.p_miss[1:] * path
    nearest = np.unravel_index(np.abs(p_fa - p_miss).argmin(), p_fa.shape)
    assert eer(scores).value == pytest.approx(p_fa[nearest], abs=1e-3)


@exactly
@given(score_sets)
def test_eer_threshold_is_where_the_two_rates_differ_least(scores):
    curve = step_curve(scores)
    difference = np.abs(curve.p_miss - curve.p_fa)
    found = np.abs(np.subtract(*curve.rates_at(eer(scores).threshold)))
    assert found == pytest.approx(difference.min())


@pytest.mark.parametrize(
    ("target", "nontarget", "expected"),
    [
        ([3, 3, 3], [3, 3], 0.5),
        ([1], [1], 0.5),
        ([1], [0], 0.0),
        ([0], [1], 1.0),
        ([4, 5, 6], [1, 2, 3], 0.0),
        ([1, 2, 3], [4, 5, 6], 1.0),
        ([2], [0, 1, 3, 4], 0.5),
        ([1, 3], [0, 2], 0.5),
        ([0, 2, 2, 2], [1, 1, 1, 3], 0.25),
        ([-1e-300], [1e-300], 1.0),
    ],
)
def test_eer_of_degenerate_and_small_sets(target, nontarget, expected):
    found = eer(ScoreSet(target, nontarget))
    assert found.value == expected
    assert np.isfinite(found.threshold)


@exactly
@given(score_sets)
def test_eer_is_invariant_to_rising_maps(scores):
    mapped = ScoreSet(scores.target**3 + 7, scores.nontarget**3 + 7)
    assert eer(mapped).value == eer(scores).value
    assert eer(mapped).threshold == pytest.approx(eer(scores).threshold ** 3 + 7)


@exactly
@given(score_sets)
def test_eer_is_kept_when_classes_swap_and_scores_are_negated(scores):
    assert eer(ScoreSet(-scores.nontarget, -scores.target)).value == eer(scores).value


@exactly
@given(score_sets, st.integers(2, 5))
def test_eer_is_kept_when_all_trials_are_duplicated(scores, times):
    assert eer(ScoreSet(np.tile(scores.target, times), np.tile(scores.nontarget, times))) == eer(scores)


@exactly
@given(score_sets, st.randoms(use_true_random=False))
def test_eer_does_not_depend_on_the_order_of_trials(scores, random):
    target, nontarget = scores.target.tolist(), scores.nontarget.tolist()
    random.shuffle(target)
    random.shuffle(nontarget)
    assert eer(ScoreSet(target, nontarget)) == eer(scores)


def test_eer_counts_exactly_where_floats_would_round():
    """Ten misses of 7116 targets (AISHELL): the rate is 10 / 7116, not a neighbour of it."""
    targets = np.arange(7116.0)
    nontargets = np.concatenate([np.full(190, 9.5), np.full(135204 - 190, -1.0)])
    assert eer(ScoreSet(targets, nontargets)).value == 10 / 7116


def test_kaldi_eer_of_the_published_example():
    assert eer_kaldi(KALDI_EXAMPLE) == (0.2, 0.2)
    assert eer(KALDI_EXAMPLE).value == pytest.approx(0.2)


@exactly
@given(score_sets)
def test_kaldi_eer_agrees_with_its_definition_read_aloud(scores):
    targets, nontargets = sorted(scores.target), sorted(scores.nontarget)
    index = 0
    while index + 1 < len(targets):
        if nontargets[len(nontargets) - 1 - len(nontargets) * index // len(targets)] < targets[index]:
            break
        index += 1
    assert eer_kaldi(scores) == (index / len(targets), targets[index])


def test_kaldi_eer_comes_close_to_ours_on_many_trials():
    random = np.random.default_rng(1)
    scores = ScoreSet(random.normal(2, 1, 5000), random.normal(0, 1, 40000))
    assert eer_kaldi(scores).value == pytest.approx(eer(scores).value, abs=1 / 5000)
    assert eer(scores).value == pytest.approx(0.1587, abs=0.01), "the tail of a normal beyond one deviation"
