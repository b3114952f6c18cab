import numpy as np
import pytest

from wespk.backend import fusion
from wespk.backend.calibration import train_linear_calibration
from wespk.backend.fusion import LinearFusion, train_fusion
from wespk.core.errors import WespkError


def systems(num_targets=300, num_nontargets=1200, seed=8):
    """Return scores (T, 3), (U, 3): two systems that share some errors, and one that knows nothing."""
    rng = np.random.default_rng(seed)

    def draw(count, centre):
        shared = rng.normal(0, 1, count)
        one, other = centre + shared + rng.normal(0, 1, count), 2 * centre + shared + rng.normal(0, 2, count)
        return np.column_stack([one, 10 * other - 3, rng.normal(5, 0.1, count)])

    return draw(num_targets, 1.0), draw(num_nontargets, -1.0)


def objective(llr_targets, llr_nontargets, p_target):
    logit = np.log(p_target / (1 - p_target))
    return (
        p_target * np.logaddexp(0, -llr_targets - logit).mean()
        + (1 - p_target) * np.logaddexp(0, llr_nontargets + logit).mean()
    )


def fused_objective(columns, p_target):
    targets, nontargets = systems()
    fused = train_fusion(targets[:, columns], nontargets[:, columns], p_target)
    return objective(fused.apply(targets[:, columns]), fused.apply(nontargets[:, columns]), p_target)


@pytest.mark.parametrize("p_target", [0.01, 0.5, 0.9])
def test_no_small_step_lowers_the_objective(p_target):
    targets, nontargets = systems()
    best = train_fusion(targets, nontargets, p_target)

    def at(weights, offset):
        return objective(targets @ weights + offset, nontargets @ weights + offset, p_target)

    least, step = at(best.weights, best.offset), 1e-6
    for column in range(3):
        moved = np.zeros(3)
        moved[column] = step / targets[:, column].std()
        slope = (at(best.weights + moved, best.offset) - at(best.weights - moved, best.offset)) / (2 * step)
        assert abs(slope) < 1e-6
        assert at(best.weights + 1e4 * moved, best.offset) > least
    assert (
        abs(at(best.weights, best.offset + step) - at(best.weights, best.offset - step)) / (2 * step) < 1e-6
    )


def test_gradient_and_curvature_are_the_differences_of_the_loss():
    rng = np.random.default_rng(3)
    design = np.column_stack([rng.standard_normal((40, 2)), np.ones(40)])
    sign, cost = np.where(rng.random(40) < 0.3, 1.0, -1.0), rng.uniform(0, 0.1, 40)
    at, ridge = rng.standard_normal(3), np.array([0.1, 0.1, 0.0])
    _, slope, curvature = fusion._loss(at, design, sign, cost, -2.0, ridge)
    for column, step in enumerate(1e-5 * np.eye(3)):
        high, low = (fusion._loss(at + move, design, sign, cost, -2.0, ridge) for move in (step, -step))
        assert slope[column] == pytest.approx((high[0] - low[0]) / 2e-5, rel=1e-6)
        np.testing.assert_allclose(curvature[column], (high[1] - low[1]) / 2e-5, rtol=1e-6, atol=1e-9)


def test_at_even_priors_it_is_the_logistic_regression_of_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    targets, nontargets = systems()
    targets, nontargets = targets / [1, 10, 0.1], nontargets / [1, 10, 0.1]
    fused = train_fusion(targets, nontargets, 0.5)
    labels = np.repeat([1, 0], [len(targets), len(nontargets)])
    reference = linear_model.LogisticRegression(C=1e8, class_weight="balanced", tol=1e-10, max_iter=10_000)
    reference.fit(np.concatenate([targets, nontargets]), labels)
    np.testing.assert_allclose(fused.weights, reference.coef_[0], rtol=1e-4)
    assert fused.offset == pytest.approx(reference.intercept_[0], rel=1e-4)


@pytest.mark.parametrize("p_target", [0.01, 0.5])
def test_a_system_fused_with_itself_is_that_system_calibrated(p_target):
    targets, nontargets = systems()
    twice = train_fusion(targets[:, [0, 0]], nontargets[:, [0, 0]], p_target)
    once = train_linear_calibration(targets[:, 0], nontargets[:, 0], p_target)
    assert twice.weights[0] == pytest.approx(twice.weights[1], rel=1e-6)
    np.testing.assert_allclose(twice.apply(targets[:, [0, 0]]), once.apply(targets[:, 0]), atol=1e-4)


def test_affine_maps_of_the_inputs_change_nothing():
    targets, nontargets = systems()
    scale, shift = np.array([1e-3, -50.0, 7.0]), np.array([5.0, 1e4, -0.1])
    direct = train_fusion(targets, nontargets).apply(targets)
    mapped = train_fusion(scale * targets + shift, scale * nontargets + shift).apply(scale * targets + shift)
    np.testing.assert_allclose(mapped, direct, atol=1e-6)


@pytest.mark.parametrize("p_target", [0.01, 0.5])
def test_on_development_trials_more_inputs_do_no_harm(p_target):
    both = fused_objective([0, 1], p_target)
    assert both < 0.98 * min(fused_objective([0], p_target), fused_objective([1], p_target))
    assert fused_objective([0, 1, 2], p_target) <= both + 1e-9


def test_a_system_that_knows_the_errors_of_another_gets_a_negative_weight():
    rng = np.random.default_rng(9)
    errors = rng.normal(0, 2, 2000)
    truth = np.repeat([1.0, -1.0], 1000) + rng.normal(0, 0.5, 2000)
    inputs = np.column_stack([truth + errors, errors + rng.normal(0, 0.2, 2000)])
    fused = train_fusion(inputs[:1000], inputs[1000:])
    assert fused.weights[0] > 0 > fused.weights[1]


def test_the_sizes_of_the_classes_do_not_matter():
    targets, nontargets = systems()
    once, thrice = train_fusion(targets, nontargets), train_fusion(targets, np.tile(nontargets, (3, 1)))
    np.testing.assert_allclose(thrice.weights, once.weights, rtol=1e-6)
    assert thrice.offset == pytest.approx(once.offset, rel=1e-6)


def test_inputs_that_separate_the_classes_give_finite_weights_that_still_do():
    rng = np.random.default_rng(10)
    targets, nontargets = rng.uniform(1, 2, (200, 3)), rng.uniform(-1, 0.5, (300, 3))
    fused = train_fusion(targets, nontargets)
    llr_targets, llr_nontargets = fused.apply(targets), fused.apply(nontargets)
    assert np.isfinite(fused.weights).all()
    assert llr_targets.min() > np.log(99) > llr_nontargets.max()


def test_inputs_that_are_almost_the_same_share_the_weight():
    targets, nontargets = systems()
    rng = np.random.default_rng(11)
    nearly = [
        np.column_stack([s[:, 0], s[:, 0] + 1e-9 * rng.standard_normal(len(s))])
        for s in (targets, nontargets)
    ]
    weights = train_fusion(*nearly).weights
    assert weights[0] == pytest.approx(weights[1], rel=0.01)


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (
            lambda: train_fusion(np.ones((0, 2)), np.ones((3, 2))),
            "needs target and nontarget trials, not 0 and 3",
        ),
        (lambda: train_fusion([[1.0, 2.0]], [[0.0, 2.0]]), "all 2 values of input 1 are equal"),
        (lambda: train_fusion([[1.0], [2.0]], [[np.nan]]), "nontarget_inputs: row 0 holds NaN"),
        (lambda: train_fusion([[1.0]], [[0.0]], 0.0), "p_target is 0.0"),
        (lambda: train_fusion([[1.0]], [[0.0, 1.0]]), "2 dimensions where 1"),
        (lambda: train_fusion([[1.0]], [[1.0]], names=["values of snr"]), "all 2 values of snr are equal"),
        (lambda: LinearFusion([], 0.0), "0 weights"),
        (lambda: LinearFusion([np.nan], 0.0), "fusion weights: item 0 is nan"),
        (lambda: LinearFusion([1.0], np.inf), "offset inf"),
        (lambda: LinearFusion([1.0, 2.0], 0.0).apply([[1.0]]), "1 dimensions where 2"),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_wrong(work, message):
    with pytest.raises(WespkError, match=message):
        work()
