import numpy as np
import pytest
from scipy.special import expit

from wespk.backend import LinearCalibration, train_linear_calibration
from wespk.core.errors import WespkError


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


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: train_linear_calibration([], [1.0]), "needs target and nontarget trials, not 0 and 1"),
        (lambda: train_linear_calibration([1.0], []), "not 1 and 0"),
        (lambda: train_linear_calibration([1.0, np.nan], [0.0]), "target_scores: item 1 is nan"),
        (lambda: train_linear_calibration([1.0], [0.0], 1.0), "p_target is 1.0"),
        (lambda: train_linear_calibration([0.3, 0.3], [0.3]), "all 3 scores are equal"),
        (lambda: train_linear_calibration([0.0, 0.5], [1.0, 0.4]), "labels swapped"),
        (lambda: LinearCalibration(-1.0, 0.0), "scale must be positive"),
        (lambda: LinearCalibration(0.0, 0.0), "scale must be positive"),
        (lambda: LinearCalibration(1.0, np.inf), "both finite"),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_wrong(work, message):
    with pytest.raises(WespkError, match=message):
        work()
