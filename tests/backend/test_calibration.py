import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy.special import expit

from wespk.backend.calibration import (
    LinearCalibration,
    PavCalibration,
    train_linear_calibration,
    train_pav_calibration,
)
from wespk.core.errors import WespkError
from wespk.metrics.costs import cllr, min_cllr
from wespk.metrics.pav import pav
from wespk.metrics.scores import ScoreSet


def true_llrs(separation=3.0, num_targets=20_000, num_nontargets=60_000):
    """Return LLRs calibrated by construction: Gaussians of variance `separation`, means +-half of it."""
    rng = np.random.default_rng(5)
    spread = np.sqrt(separation)
    return (
        rng.normal(separation / 2, spread, num_targets),
        rng.normal(-separation / 2, spread, num_nontargets),
    )


def prior_weighted_loss(calibration, targets, nontargets, p_target):
    logit = np.log(p_target / (1 - p_target))
    return (
        p_target * np.logaddexp(0, -calibration.apply(targets) - logit).mean()
        + (1 - p_target) * np.logaddexp(0, calibration.apply(nontargets) + logit).mean()
    )


@pytest.mark.parametrize("p_target", [0.01, 0.1, 0.5])
def test_calibration_undoes_an_affine_distortion_of_true_llrs(p_target):
    targets, nontargets = true_llrs()
    calibration = train_linear_calibration(0.2 * targets - 7, 0.2 * nontargets - 7, p_target)
    assert calibration.scale == pytest.approx(1 / 0.2, rel=0.08)
    assert calibration.offset == pytest.approx(7 / 0.2, rel=0.08)
    undistorted = train_linear_calibration(targets, nontargets, p_target)
    assert undistorted.scale == pytest.approx(1.0, abs=0.08)
    assert undistorted.offset == pytest.approx(0.0, abs=0.2)


def test_calibrated_scores_are_invariant_to_affine_maps_and_to_the_precision():
    targets, nontargets = true_llrs(num_targets=500, num_nontargets=2000)
    direct = train_linear_calibration(targets, nontargets).apply(targets)
    for scale, shift in ((1e-3, 0.0), (5e3, -1e4), (1.0, 100.0)):
        mapped = train_linear_calibration(scale * targets + shift, scale * nontargets + shift)
        np.testing.assert_allclose(mapped.apply(scale * targets + shift), direct, atol=1e-6)
    rough = train_linear_calibration(targets.astype(np.float32), nontargets.astype(np.float32))
    np.testing.assert_allclose(rough.apply(targets), direct, atol=1e-5)


def test_calibration_is_idempotent_and_depends_on_class_shares_only():
    targets, nontargets = true_llrs(num_targets=500, num_nontargets=2000)
    first = train_linear_calibration(targets, nontargets)
    again = train_linear_calibration(first.apply(targets), first.apply(nontargets))
    assert (again.scale, again.offset) == pytest.approx((1.0, 0.0), abs=1e-6)
    doubled = train_linear_calibration(targets, np.tile(nontargets, 3))
    assert (doubled.scale, doubled.offset) == pytest.approx((first.scale, first.offset), rel=1e-7)


@pytest.mark.parametrize("p_target", [0.001, 0.01, 0.5])
def test_the_solution_is_the_minimum_of_the_prior_weighted_loss(p_target):
    targets, nontargets = true_llrs(separation=6.0, num_targets=300, num_nontargets=3000)
    best = train_linear_calibration(targets, nontargets, p_target)
    least = prior_weighted_loss(best, targets, nontargets, p_target)
    for scale, offset in ((1.02, 0.0), (0.98, 0.0), (1.0, 0.05), (1.0, -0.05)):
        moved = LinearCalibration(best.scale * scale, best.offset + offset)
        assert prior_weighted_loss(moved, targets, nontargets, p_target) > least
    logit = np.log(p_target / (1 - p_target))
    missing = p_target * expit(-best.apply(targets) - logit).mean()
    passing = (1 - p_target) * expit(best.apply(nontargets) + logit).mean()
    assert missing == pytest.approx(passing, rel=1e-6)  # where the derivative by the offset is zero


def test_the_bayes_threshold_of_calibrated_scores_is_near_the_best_one():
    targets, nontargets = true_llrs()
    p_target = 0.05
    calibration = train_linear_calibration(4 * targets + 9, 4 * nontargets + 9, p_target)
    llr_targets, llr_nontargets = calibration.apply(4 * targets + 9), calibration.apply(4 * nontargets + 9)

    def cost(threshold):
        missed, passed = (llr_targets < threshold).mean(), (llr_nontargets >= threshold).mean()
        return p_target * missed + (1 - p_target) * passed

    best = min(cost(threshold) for threshold in np.linspace(-8, 12, 400))
    assert cost(-np.log(p_target / (1 - p_target))) <= 1.03 * best


@pytest.mark.parametrize("gap", [1e-6, 0.1, 1000.0])
def test_perfectly_separated_scores_give_a_finite_calibration_that_still_separates(gap):
    rng = np.random.default_rng(6)
    targets, nontargets = rng.uniform(gap, gap + 1, 200), rng.uniform(-1, 0, 300)
    calibration = train_linear_calibration(targets, nontargets)
    threshold = np.log(0.99 / 0.01)
    assert calibration.apply(targets).min() > calibration.apply(nontargets).max()
    if gap >= 0.1:
        assert calibration.apply(targets).min() > threshold > calibration.apply(nontargets).max()
        assert calibration.apply([gap])[0] - calibration.apply([0.0])[0] < 37
    mirrored = train_linear_calibration([2.0], [1.0])  # one trial of each class is separated too
    assert np.isfinite([mirrored.scale, mirrored.offset]).all()


def test_a_single_outlier_does_not_break_the_fit():
    targets, nontargets = true_llrs(num_targets=200, num_nontargets=2000)
    calibration = train_linear_calibration(targets, np.append(nontargets, -1e4))
    assert 0.5 < calibration.scale < 2


@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
def test_calibration_for_even_priors_never_raises_cllr(scale):
    targets, nontargets = (scale * scores for scores in true_llrs(num_targets=300, num_nontargets=900))
    calibration = train_linear_calibration(targets, nontargets, 0.5)
    after = cllr(ScoreSet(calibration.apply(targets), calibration.apply(nontargets)))
    assert min_cllr(ScoreSet(targets, nontargets)) <= after <= cllr(ScoreSet(targets, nontargets)) + 1e-9


def pav_of(targets, nontargets):
    pools = pav(ScoreSet(targets, nontargets))
    return train_pav_calibration(pools.score_low, pools.score_high, pools.targets, pools.nontargets)


SCORES = st.lists(st.integers(-6, 6), min_size=1, max_size=30)


@given(SCORES, SCORES)
@example([0] * 9 + [1], [0])  # half a trial for none would make the last ratio fall
def test_pav_reaches_the_least_cllr_but_for_half_a_trial_at_each_end(targets, nontargets):
    targets, nontargets = np.array(targets, float), np.array(nontargets, float)
    assume(len(pav(ScoreSet(targets, nontargets)).llr) > 1)
    calibration = pav_of(targets, nontargets)
    assert np.isfinite(calibration.llrs).all()
    reached = cllr(ScoreSet(calibration.apply(targets), calibration.apply(nontargets)))
    least = min_cllr(ScoreSet(targets, nontargets))
    ends = 0.5 / len(targets) + 0.5 / len(nontargets)  # odds of the end pools, times their share of a class
    assert least - 1e-12 <= reached <= least + ends / (2 * np.log(2)) + 1e-12


def test_pav_is_the_isotonic_regression_of_scikit_learn():
    regression = pytest.importorskip("sklearn.isotonic").IsotonicRegression()
    targets, nontargets = true_llrs(num_targets=200, num_nontargets=500)
    scores = np.concatenate([targets, nontargets])
    posterior = regression.fit_transform(scores, np.arange(700) < 200)
    llrs = pav_of(targets, nontargets).apply(scores)
    inside = (posterior > 0) & (posterior < 1)
    assert inside.sum() > 500
    np.testing.assert_allclose(expit(llrs[inside] + np.log(200 / 500)), posterior[inside], atol=1e-9)
    assert (llrs[posterior == 0] == llrs.min()).all() and (llrs[posterior == 1] == llrs.max()).all()


def test_pav_rises_between_its_pools_and_is_level_beyond_them():
    calibration = pav_of([1.0, 2.0, 5.0], [0.0, 1.5, -3.0])
    np.testing.assert_allclose(calibration.scores, [-3, 0, 1, 1.5, 2, 5])
    low, middle, high = np.log(0.5 / 3) - np.log(2 / 3), 0.0, np.log(2 / 3) - np.log(0.5 / 3)
    np.testing.assert_allclose(calibration.llrs, [low, low, middle, middle, high, high])
    between = (low + middle) / 2
    np.testing.assert_allclose(calibration.apply([-99, -1, 0.5, 1.2, 99]), [low, low, between, middle, high])


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: train_linear_calibration([], [1.0]), "needs target and nontarget trials, not 0 and 1"),
        (lambda: train_linear_calibration([1.0], []), "not 1 and 0"),
        (lambda: train_linear_calibration([1.0, np.nan], [0.0]), "target_scores: item 1 is nan"),
        (lambda: train_linear_calibration([1.0], [0.0], 1.0), "p_target is 1.0"),
        (lambda: train_linear_calibration([0.3, 0.3], [0.3]), "all 3 scores are equal"),
        (lambda: train_linear_calibration([0.0, 0.5], [1.0, 0.4]), "labels swapped"),
        (lambda: pav_of([0.0], [1.0]), "no threshold tells target from nontarget scores"),
        (lambda: PavCalibration([0.0, 0.0], [1.0, 2.0]), "2 knots must rise in score"),
        (lambda: PavCalibration([0.0, 1.0], [2.0, 1.0]), "not fall in llr"),
        (lambda: PavCalibration([0.0, 1.0], [2.0, np.inf]), "calibration llrs: item 1 is inf"),
        (lambda: pav_of([0.0, 2.0], [1.0]).apply([np.nan]), "scores: item 0 is nan"),
        (lambda: LinearCalibration(-1.0, 0.0), "scale must be positive"),
        (lambda: LinearCalibration(0.0, 0.0), "scale must be positive"),
        (lambda: LinearCalibration(1.0, np.inf), "both finite"),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_wrong(work, message):
    with pytest.raises(WespkError, match=message):
        work()
