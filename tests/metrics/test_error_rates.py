"""The equal error rate, by each of its rules, and a rate at a given rate are defined for every score set."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from wespk.core.errors import WespkError
from wespk.metrics import (
    EER_RULES,
    ScoreSet,
    eer,
    eer_bounds,
    far_at_frr,
    frr_at_far,
    step_curve,
    threshold_at_far,
    threshold_at_frr,
)

# Few distinct whole numbers: ties are frequent, and monotone maps of them stay exact.
some_scores = st.lists(st.integers(-6, 6), min_size=1, max_size=30)
score_sets = st.builds(ScoreSet, some_scores, some_scores)
exactly = settings(deadline=None)

KALDI_EXAMPLE = ScoreSet([2, 1.5, 0.9, 0.2, -0.3], [1, 0.4, 0.1, -0.5, -1, -1.2, -2, -2.5, -3, -4])


def staircase(scores):
    """Return p_fa, p_miss and the thresholds of the whole staircase, spelled out."""
    distinct = np.unique(np.concatenate([scores.target, scores.nontarget]))
    thresholds = np.append(distinct, np.nextafter(distinct[-1], np.inf))
    p_fa = (scores.nontarget[:, None] >= thresholds).mean(axis=0)
    p_miss = (scores.target[:, None] < thresholds).mean(axis=0)
    return p_fa, p_miss, thresholds


@exactly
@given(score_sets)
def test_eer_is_where_the_joined_points_cross_the_diagonal(scores):
    corner_fa, corner_miss, _ = staircase(scores)
    path = np.linspace(0, 1, 2001)[:, None]
    p_fa = corner_fa[:-1] * (1 - path) + corner_fa[1:] * path
    p_miss = corner_miss[:-1] * (1 - path) + corner_miss[1:] * path
    nearest = np.unravel_index(np.abs(p_fa - p_miss).argmin(), p_fa.shape)
    assert eer(scores).value == pytest.approx(p_fa[nearest], abs=1e-3)


@exactly
@given(score_sets)
def test_eer_threshold_is_where_the_two_rates_differ_least_and_the_stricter_of_two(scores):
    p_fa, p_miss, thresholds = staircase(scores)
    targets, nontargets = len(scores.target), len(scores.nontarget)
    difference = np.abs(np.rint((p_miss - p_fa) * targets * nontargets))  # whole numbers
    stricter = thresholds[difference == difference.min()].max()
    for rule in ("interpolated", "nearest"):
        assert eer(scores, rule).threshold == stricter
    found = np.flatnonzero(thresholds == stricter)[0]
    assert eer(scores, "nearest").value == pytest.approx((p_fa[found] + p_miss[found]) / 2)


@exactly
@given(score_sets)
def test_convex_hull_eer_is_the_greatest_least_cost_with_equal_costs(scores):
    p_fa, p_miss, _ = staircase(scores)
    priors = np.linspace(0, 1, 4001)[:, None]
    least = (priors * p_miss + (1 - priors) * p_fa).min(axis=1)
    found = eer(scores, "convex_hull")
    assert found.value == pytest.approx(least.max(), abs=5e-4)
    assert found.value <= min(0.5, eer(scores).value) + 1e-12
    at_threshold = step_curve(scores).rates_at(found.threshold)
    assert min(at_threshold) <= found.value + 1e-12 and max(at_threshold) >= found.value - 1e-12


@exactly
@given(score_sets, st.sampled_from(EER_RULES))
def test_every_rule_takes_a_curve_and_gives_a_share_and_a_finite_threshold(scores, rule):
    found = eer(scores, rule)
    assert 0 <= found.value <= 1 and np.isfinite(found.threshold)
    assert eer(step_curve(scores), rule) == found


def test_another_rule_is_refused_with_the_names_of_all():
    with pytest.raises(
        WespkError, match="no EER rule 'best'; there are: interpolated, convex_hull, kaldi, nea"
    ):
        eer(KALDI_EXAMPLE, "best")


@exactly
@given(score_sets)
def test_eer_bounds_enclose_the_eer(scores):
    low, high = eer_bounds(step_curve(scores))
    assert low <= eer(scores).value <= high


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
    for rule in EER_RULES:
        assert eer(mapped, rule).value == eer(scores, rule).value
        assert eer(mapped, rule).threshold == pytest.approx(eer(scores, rule).threshold ** 3 + 7)


@exactly
@given(score_sets)
def test_eer_is_kept_when_classes_swap_and_scores_are_negated(scores):
    swapped = ScoreSet(-scores.nontarget, -scores.target)
    assert eer(swapped).value == eer(scores).value
    assert eer(swapped, "convex_hull").value == eer(scores, "convex_hull").value


@exactly
@given(score_sets, st.integers(2, 5))
def test_eer_is_kept_when_all_trials_are_duplicated(scores, times):
    duplicated = ScoreSet(np.tile(scores.target, times), np.tile(scores.nontarget, times))
    for rule in ("interpolated", "convex_hull", "nearest"):
        assert eer(duplicated, rule) == eer(scores, rule)


@exactly
@given(score_sets, st.randoms(use_true_random=False))
def test_eer_does_not_depend_on_the_order_of_trials(scores, random):
    target, nontarget = scores.target.tolist(), scores.nontarget.tolist()
    random.shuffle(target)
    random.shuffle(nontarget)
    for rule in EER_RULES:
        assert eer(ScoreSet(target, nontarget), rule) == eer(scores, rule)


def test_eer_counts_exactly_where_floats_would_round():
    """Ten misses of 7116 targets (AISHELL): the rate is 10 / 7116, not a neighbour of it."""
    targets = np.arange(7116.0)
    nontargets = np.concatenate([np.full(190, 9.5), np.full(135204 - 190, -1.0)])
    assert eer(ScoreSet(targets, nontargets)).value == 10 / 7116


def test_kaldi_eer_of_the_published_example():
    assert eer(KALDI_EXAMPLE, "kaldi") == (0.2, 0.2)
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
    assert eer(scores, "kaldi") == (index / len(targets), targets[index])


def test_kaldi_eer_comes_close_to_ours_on_many_trials():
    random = np.random.default_rng(1)
    scores = ScoreSet(random.normal(2, 1, 5000), random.normal(0, 1, 40000))
    assert eer(scores, "kaldi").value == pytest.approx(eer(scores).value, abs=1 / 5000)
    assert eer(scores).value == pytest.approx(0.1587, abs=0.01), "the tail of a normal beyond one deviation"


@pytest.mark.parametrize(
    ("target", "nontarget", "hull", "kaldi", "nearest"),
    [
        ([3, 3, 3], [3, 3], 0.5, 2 / 3, 0.5),
        ([1], [0], 0.0, 0.0, 0.0),
        ([0], [1], 0.5, 0.0, 1.0),  # Kaldi's search ends at the only target
        ([1, 2, 3], [4, 5, 6], 0.5, 2 / 3, 1.0),
        ([0, 2, 2, 2], [1, 1, 1, 3], 0.25, 0.25, 0.25),
    ],
)
def test_the_rules_at_the_extremes(target, nontarget, hull, kaldi, nearest):
    scores = ScoreSet(target, nontarget)
    found = [eer(scores, rule).value for rule in ("convex_hull", "kaldi", "nearest")]
    assert found == pytest.approx([hull, kaldi, nearest])


@exactly
@given(score_sets, st.sampled_from([0, 0.1, 0.25, 1 / 3, 0.5, 0.7, 1]))
def test_the_threshold_at_a_far_is_the_lowest_that_keeps_to_it(scores, far):
    p_fa, p_miss, thresholds = staircase(scores)
    allowed = np.flatnonzero(p_fa <= far)[0]
    assert threshold_at_far(scores, far) == (p_miss[allowed], thresholds[allowed])


@exactly
@given(score_sets, st.sampled_from([0, 0.1, 0.25, 1 / 3, 0.5, 0.7, 1]))
def test_the_threshold_at_an_frr_is_the_highest_that_keeps_to_it(scores, frr):
    p_fa, p_miss, thresholds = staircase(scores)
    allowed = np.flatnonzero(p_miss <= frr)[-1]
    assert threshold_at_frr(scores, frr) == (p_fa[allowed], thresholds[allowed])


@exactly
@given(score_sets)
def test_tables_of_rates_are_read_off_the_roc(scores):
    labels = np.repeat([1, 0], [len(scores.target), len(scores.nontarget)])
    values = np.concatenate([scores.target, scores.nontarget])
    p_fa, p_hit, _ = roc_curve(labels, values, drop_intermediate=False)
    rates = np.array([0.0, 0.001, 0.2, 0.5, 1.0])
    np.testing.assert_allclose(
        frr_at_far(scores, rates), [1 - p_hit[p_fa <= rate + 1e-12].max() for rate in rates], atol=1e-12
    )
    np.testing.assert_allclose(
        far_at_frr(scores, rates), [p_fa[1 - p_hit <= rate + 1e-12].min() for rate in rates], atol=1e-12
    )


def test_a_rate_that_is_a_whole_number_of_errors_allows_all_of_them():
    """0.07 x 100 is more than 7 and 0.29 x 100 less than 29 in floating point."""
    scores = ScoreSet([99.5], np.arange(100.0))
    for errors in range(101):
        assert step_curve(scores).errors_at(threshold_at_far(scores, errors / 100).threshold)[1] == errors


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_outside_the_shares_is_refused(rate):
    with pytest.raises(WespkError, match="a false-alarm rate of .* is no share"):
        threshold_at_far(KALDI_EXAMPLE, rate)
    with pytest.raises(WespkError, match="a miss rate of .* is no share"):
        threshold_at_frr(KALDI_EXAMPLE, rate)
