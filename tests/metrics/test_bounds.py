import numpy as np
import pytest

from wespk.metrics import BinnedScores, EmpiricalPoint, OperatingPoint, ScoreSet, min_dcf, step_curve
from wespk.metrics.bounds import min_dcf_bounds

POINTS = [OperatingPoint(0.01), OperatingPoint(0.5, 1.0, 10.0), EmpiricalPoint()]


def drawn(seed):
    rng = np.random.default_rng(seed)
    return rng.normal(1.5, 1.0, 60), rng.normal(0.0, 1.0, 900)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("seed", range(5))
def test_the_bounds_enclose_the_cost_of_the_scores_whatever_the_width_of_the_bins(point, seed):
    target, nontarget = drawn(seed)
    target = np.append(target, 3e6)  # so far away that the bins are wider than the other scores differ
    counts = BinnedScores(with_cllr=False)
    counts.add(target, np.ones(len(target), bool))
    counts.add(nontarget, np.zeros(len(nontarget), bool))
    low, high = min_dcf_bounds(counts.curve(), point)
    exact = min_dcf(ScoreSet(target, nontarget), point).value
    assert low - 1e-12 <= exact <= high + 1e-12 and counts.resolution > 0.2
    assert low < high


@pytest.mark.parametrize("point", POINTS)
def test_the_bounds_of_an_exact_curve_without_ties_are_its_cost(point):
    scores = ScoreSet(*drawn(9))
    cost = min_dcf(scores, point).value
    assert min_dcf_bounds(step_curve(scores), point) == (cost, cost)
