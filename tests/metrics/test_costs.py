"""Detection costs never exceed doing without, calibration never costs less than nothing."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from wespk.metrics import (
    EmpiricalPoint,
    OperatingPoint,
    ScoreSet,
    actual_dcf,
    best_accuracy,
    cllr,
    min_cllr,
    min_dcf,
    step_curve,
)

some_scores = st.lists(st.integers(-6, 6), min_size=1, max_size=30)
score_sets = st.builds(ScoreSet, some_scores, some_scores)
points = st.builds(OperatingPoint, st.floats(0.001, 0.999), st.sampled_from([1, 10]), st.sampled_from([1, 3]))
exactly = settings(deadline=None)

KALDI_EXAMPLE = ScoreSet([2, 1.5, 0.9, 0.2, -0.3], [1, 0.4, 0.1, -0.5, -1, -1.2, -2, -2.5, -3, -4])


def cost_by_definition(scores, point, threshold):
    """The formula of the NIST plans, spelled out."""
    p_miss, p_fa = np.mean(scores.target < threshold), np.mean(scores.nontarget >= threshold)
    miss, false_alarm = point.c_miss * point.p_target, point.c_fa * (1 - point.p_target)
    return (miss * p_miss + false_alarm * p_fa) / min(miss, false_alarm)


def test_min_dcf_of_the_published_kaldi_example():
    assert min_dcf(KALDI_EXAMPLE, OperatingPoint(0.01)).value == pytest.approx(0.6)
    assert min_dcf(KALDI_EXAMPLE, OperatingPoint(0.5)).value == pytest.approx(0.3)


@exactly
@given(score_sets, points)
def test_min_dcf_is_the_lowest_cost_over_all_thresholds(scores, point):
    thresholds = np.unique(np.concatenate([scores.target, scores.nontarget, [-99, 99]]))
    lowest = min(cost_by_definition(scores, point, threshold) for threshold in thresholds)
    found = min_dcf(scores, point)
    assert found.value == pytest.approx(lowest)
    assert cost_by_definition(scores, point, found.threshold) == pytest.approx(lowest)
    assert found.value <= 1
    assert np.isfinite(found.threshold)


@exactly
@given(score_sets, points, st.floats(-8, 8))
def test_actual_dcf_is_the_cost_at_the_threshold_and_never_below_the_minimum(scores, point, threshold):
    found = actual_dcf(scores, point, threshold)
    assert found == pytest.approx(cost_by_definition(scores, point, threshold))
    assert found >= min_dcf(scores, point).value - 1e-12


@exactly
@given(score_sets, points)
def test_min_dcf_is_invariant_to_rising_maps_and_duplication(scores, point):
    mapped = ScoreSet(np.tile(scores.target**3, 3), np.tile(scores.nontarget**3, 3))
    assert min_dcf(mapped, point).value == pytest.approx(min_dcf(scores, point).value)


@exactly
@given(score_sets, st.floats(0.001, 0.999))
def test_min_dcf_is_kept_when_classes_swap_and_scores_are_negated(scores, p_target):
    swapped = min_dcf(ScoreSet(-scores.nontarget, -scores.target), OperatingPoint(1 - p_target))
    assert swapped.value == pytest.approx(min_dcf(scores, OperatingPoint(p_target)).value)


@exactly
@given(score_sets)
def test_at_the_empirical_prior_the_threshold_of_least_cost_is_that_of_most_right_decisions(scores):
    # Of equal costs both take the lowest threshold, though these costs differ by rounding.
    assert min_dcf(scores, EmpiricalPoint()).threshold == best_accuracy(scores).threshold


def test_min_dcf_may_be_reached_by_accepting_or_rejecting_everything():
    useless = ScoreSet([0.0, 0.0], [1.0, 1.0])
    reject_all, accept_all = min_dcf(useless, OperatingPoint(0.01)), min_dcf(useless, OperatingPoint(0.99))
    assert reject_all == (1.0, np.nextafter(1.0, 2.0))
    assert accept_all == (1.0, 0.0)


def test_actual_dcf_uses_the_bayes_threshold_unless_told_otherwise():
    point = OperatingPoint(0.01, c_miss=10)
    assert point.bayes_threshold == pytest.approx(log(0.99 / 0.1))
    scores = ScoreSet([2.2, 2.4], [2.2, 2.4])
    assert actual_dcf(scores, point) == actual_dcf(scores, point, 2.3) == pytest.approx(0.5 + 9.9 * 0.5)


def test_calibrated_scores_cost_little_more_than_the_minimum():
    random = np.random.default_rng(3)
    shift = 3.0  # targets N(d^2/2, d^2), nontargets N(-d^2/2, d^2) are log-likelihood ratios of themselves
    target = random.normal(shift**2 / 2, shift, 20000)
    scores = ScoreSet(target, random.normal(-(shift**2) / 2, shift, 200000))
    assert cllr(scores) == pytest.approx(min_cllr(scores), rel=0.02)
    point = OperatingPoint(0.01)
    assert actual_dcf(scores, point) == pytest.approx(min_dcf(scores, point).value, rel=0.05)


@exactly
@given(score_sets, points, st.floats(-8, 8))
def test_without_normalisation_a_cost_is_the_expected_cost_of_a_trial(scores, point, threshold):
    p_miss, p_fa = step_curve(scores).rates_at(threshold)
    expected = point.c_miss * point.p_target * p_miss + point.c_fa * (1 - point.p_target) * p_fa
    assert actual_dcf(scores, point, threshold, normalised=False) == pytest.approx(expected)
    least, lowest = min_dcf(scores, point), min_dcf(scores, point, normalised=False)
    assert lowest.threshold == least.threshold
    assert lowest.value == pytest.approx(actual_dcf(scores, point, least.threshold, normalised=False))


@exactly
@given(score_sets)
def test_the_empirical_point_makes_the_cost_the_share_of_wrong_decisions(scores):
    point = EmpiricalPoint()
    trials = len(scores.target) + len(scores.nontarget)
    wrong = [(scores.target < t).sum() + (scores.nontarget >= t).sum() for t in range(-7, 8)]
    assert min_dcf(scores, point, normalised=False).value == pytest.approx(min(wrong) / trials)
    resolved = OperatingPoint.empirical(len(scores.target), len(scores.nontarget))
    assert min_dcf(scores, point) == min_dcf(scores, resolved)
    assert actual_dcf(scores, point) == actual_dcf(scores, resolved)


@exactly
@given(score_sets, st.randoms(use_true_random=False))
def test_costs_do_not_depend_on_the_order_of_trials(scores, random):
    target, nontarget = scores.target.tolist(), scores.nontarget.tolist()
    random.shuffle(target)
    random.shuffle(nontarget)
    shuffled = ScoreSet(target, nontarget)
    assert min_dcf(shuffled, OperatingPoint(0.05)) == min_dcf(scores, OperatingPoint(0.05))
    assert min_cllr(shuffled) == min_cllr(scores)
    assert cllr(shuffled) == pytest.approx(cllr(scores))


def test_cllr_of_scores_that_say_nothing_is_one_bit():
    assert cllr(ScoreSet(np.zeros(5), np.zeros(9))) == pytest.approx(1)


def test_cllr_is_stable_for_huge_scores():
    assert cllr(ScoreSet([1e4], [-1e4])) == pytest.approx(0, abs=1e-12)
    assert cllr(ScoreSet([-1e4], [1e4])) == pytest.approx(1e4 / log(2))


@exactly
@given(score_sets)
def test_cllr_agrees_with_its_formula(scores):
    target = np.log2(1 + np.exp(-scores.target)).mean()
    nontarget = np.log2(1 + np.exp(scores.nontarget)).mean()
    assert cllr(scores) == pytest.approx((target + nontarget) / 2)


@exactly
@given(score_sets, st.floats(0.01, 5), st.floats(-5, 5))
def test_min_cllr_is_below_the_cllr_of_every_affine_calibration(scores, scale, offset):
    calibrated = ScoreSet(scale * scores.target + offset, scale * scores.nontarget + offset)
    assert 0 <= min_cllr(scores) <= min(cllr(calibrated), 1) + 1e-12


@exactly
@given(score_sets)
def test_min_cllr_is_what_isotonic_regression_gives(scores):
    distinct = np.unique(np.concatenate([scores.target, scores.nontarget]))
    targets, nontargets = (
        (each[:, None] == distinct).sum(axis=0) for each in (scores.target, scores.nontarget)
    )
    share = isotonic_regression(targets / (targets + nontargets), weights=targets + nontargets).x
    with np.errstate(divide="ignore"):
        ratio = np.log(share) - np.log1p(-share) - log(len(scores.target) / len(scores.nontarget))
    ratio = ratio.clip(-500, 500)
    optimal = ScoreSet(np.repeat(ratio, targets), np.repeat(ratio, nontargets))
    assert min_cllr(scores) == pytest.approx(cllr(optimal), abs=1e-9)


@pytest.mark.parametrize(
    ("target", "nontarget", "expected"),
    [([2, 3], [0, 1], 0), ([0, 1], [2, 3], 1), ([1, 1, 1], [1], 1), ([5], [5], 1)],
)
def test_min_cllr_at_the_extremes(target, nontarget, expected):
    assert min_cllr(ScoreSet(target, nontarget)) == pytest.approx(expected)


@exactly
@given(score_sets)
def test_min_cllr_is_invariant_to_rising_maps_and_duplication(scores):
    mapped = ScoreSet(np.tile(scores.target**3, 2), np.tile(scores.nontarget**3, 2))
    assert min_cllr(mapped) == pytest.approx(min_cllr(scores))


def test_cllr_of_float32_scores_is_computed_in_float64():
    random = np.random.default_rng(0)
    target, nontarget = random.normal(4, 2, 1000), random.normal(-4, 2, 100_000)
    single = ScoreSet(target.astype(np.float32), nontarget.astype(np.float32))
    double = ScoreSet(single.target.astype(np.float64), single.nontarget.astype(np.float64))
    assert cllr(single) == cllr(double)
