"""Pool adjacent violators is isotonic regression, in exact counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from wespk.metrics import ScoreSet, pav, step_curve
from wespk.metrics.pav import hull_points, pool_starts

some_scores = st.lists(st.integers(-6, 6), min_size=1, max_size=30)
spread_scores = st.lists(st.integers(-60, 60), min_size=1, max_size=30)
score_sets = st.builds(ScoreSet, some_scores, some_scores) | st.builds(ScoreSet, spread_scores, spread_scores)
exactly = settings(deadline=None)


@exactly
@given(score_sets)
def test_pools_are_the_isotonic_regression_of_the_labels(scores):
    labels = np.repeat([1.0, 0.0], [len(scores.target), len(scores.nontarget)])
    values = np.concatenate([scores.target, scores.nontarget])
    share = IsotonicRegression().fit(values, labels).predict(values)
    pools = pav(scores)
    pool = np.searchsorted(pools.score_low, values, side="right") - 1
    np.testing.assert_allclose((pools.targets / (pools.targets + pools.nontargets))[pool], share, atol=1e-12)


@exactly
@given(score_sets)
def test_pools_hold_all_trials_and_their_ratios_rise(scores):
    pools = pav(scores)
    for low, high, targets, nontargets, llr in zip(
        pools.score_low, pools.score_high, pools.targets, pools.nontargets, pools.llr, strict=True
    ):
        within = [((low <= each) & (each <= high)).sum() for each in (scores.target, scores.nontarget)]
        assert within == [targets, nontargets]
        assert {low, high} <= set(scores.target) | set(scores.nontarget)
        with np.errstate(divide="ignore"):
            ratio = np.float64(targets / len(scores.target)) / (nontargets / len(scores.nontarget) or 1e-300)
            assert llr == pytest.approx(np.log(ratio)) if nontargets else llr == np.inf
    assert (pools.targets.sum(), pools.nontargets.sum()) == (len(scores.target), len(scores.nontarget))
    assert (np.diff(pools.llr) > 0).all()


@exactly
@given(score_sets)
def test_pools_bound_the_lower_convex_hull_of_the_staircase(scores):
    curve = step_curve(scores)
    hull = hull_points(curve)
    p_fa, p_miss = curve.p_fa, curve.p_miss
    np.testing.assert_array_less(np.interp(p_fa, p_fa[hull][::-1], p_miss[hull][::-1]), p_miss + 1e-12)


@pytest.mark.parametrize(
    ("target", "nontarget", "llr"),
    [
        ([1], [0], [-np.inf, np.inf]),
        ([0], [1], [0.0]),
        ([3, 3], [3, 3, 3], [0.0]),
        ([0, 2], [0], [-np.log(2), np.inf]),
    ],
)
def test_pools_at_the_extremes(target, nontarget, llr):
    np.testing.assert_allclose(pav(ScoreSet(target, nontarget)).llr, llr)


counts = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(any), min_size=1, max_size=60)


@exactly
@given(counts, st.sampled_from([0.0, 0.5, 0.9, 1.0]))
def test_pooling_in_rounds_and_in_one_pass_give_the_same_pools(pairs, slow):
    targets, nontargets = np.array(pairs, dtype=np.int64).T
    starts = pool_starts(targets, nontargets, slow)
    np.testing.assert_array_equal(starts, pool_starts(targets, nontargets, slow=0.0))
    pooled = [np.add.reduceat(each, starts) for each in (targets, nontargets)]
    assert (pooled[0][:-1] * pooled[1][1:] < pooled[0][1:] * pooled[1][:-1]).all()


def test_a_long_rise_with_one_fall_at_its_end_is_pooled_quickly():
    """Pooled in rounds alone, this takes as many rounds as there are steps."""
    steps = np.arange(1, 20_001, dtype=np.int64)
    targets, nontargets = np.append(steps, 0), np.append(steps[::-1], 10**13)
    assert pool_starts(targets, nontargets).tolist() == [0]
