"""An evaluation holds every reported number, and development thresholds are applied unchanged."""

from __future__ import annotations

import json

import numpy as np
import pytest

from wespk.core.errors import WespkError
from wespk.metrics import OperatingPoint, ScoreSet, Thresholds, cllr, eer, evaluate, min_cllr, min_dcf


@pytest.fixture(scope="module")
def dev():
    random = np.random.default_rng(0)
    return ScoreSet(random.normal(2, 1, 300), random.normal(0, 1, 2000))


@pytest.fixture(scope="module")
def test_set():
    random = np.random.default_rng(1)
    return ScoreSet(random.normal(1.5, 1, 200), random.normal(0, 1, 3000))


def test_evaluation_repeats_the_single_measures(dev):
    found = evaluate(dev)
    assert (found.num_target, found.num_nontarget) == (300, 2000)
    assert (found.eer, found.eer_threshold) == eer(dev)
    assert (found.cllr, found.min_cllr) == (cllr(dev), min_cllr(dev))
    assert [cost.point.name for cost in found.costs] == ["0.01", "0.05"]
    for cost in found.costs:
        assert (cost.min_dcf, cost.threshold) == min_dcf(dev, cost.point)


def test_evaluation_counts_the_errors_behind_the_eer(dev):
    found = evaluate(dev)
    assert found.misses_at_eer == (dev.target < found.eer_threshold).sum()
    assert found.false_alarms_at_eer == (dev.nontarget >= found.eer_threshold).sum()
    assert found.misses_at_eer / 300 == pytest.approx(found.eer, abs=1 / 300)


def test_development_thresholds_are_applied_unchanged(dev, test_set):
    thresholds = evaluate(dev).thresholds
    found = evaluate(test_set, dev_thresholds=thresholds)
    assert found.dev_threshold == evaluate(dev).eer_threshold
    assert found.frr_at_dev_eer == np.mean(test_set.target < thresholds.eer)
    assert found.far_at_dev_eer == np.mean(test_set.nontarget >= thresholds.eer)
    cost, threshold = found.costs[0], thresholds.min_dcf["0.01"]
    p_miss, p_fa = np.mean(test_set.target < threshold), np.mean(test_set.nontarget >= threshold)
    assert cost.actual_dcf_dev == pytest.approx(p_miss + 99 * p_fa)
    assert cost.actual_dcf_dev >= cost.min_dcf


def test_without_development_trials_nothing_is_made_up(test_set):
    found = evaluate(test_set)
    assert found.dev_threshold is found.far_at_dev_eer is found.frr_at_dev_eer is None
    assert found.costs[0].dev_threshold is found.costs[0].actual_dcf_dev is None


def test_a_set_at_its_own_thresholds_reaches_its_minimum(dev):
    found = evaluate(dev, dev_thresholds=evaluate(dev).thresholds)
    for cost in found.costs:
        assert cost.actual_dcf_dev == pytest.approx(cost.min_dcf)


def test_evaluation_and_thresholds_survive_json(dev, test_set):
    thresholds = evaluate(dev).thresholds
    found = evaluate(test_set, dev_thresholds=thresholds)
    written = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert written["eer"] == found.eer
    assert written["costs"]["0.01"]["min_dcf"] == found.costs[0].min_dcf
    assert Thresholds.from_json(json.loads(json.dumps(thresholds.to_json()))) == thresholds


@pytest.mark.parametrize("value", [None, {}, {"eer": "x", "min_dcf": {}}, {"eer": 1, "min_dcf": 2}, []])
def test_malformed_thresholds_are_refused(value):
    with pytest.raises(WespkError, match="expected a number `eer`"):
        Thresholds.from_json(value)


def test_a_point_that_the_development_set_lacks_is_named(dev, test_set):
    thresholds = evaluate(dev, [OperatingPoint(0.01)]).thresholds
    with pytest.raises(WespkError, match=r"operating point 0\.05 \(there are: 0\.01\)"):
        evaluate(test_set, dev_thresholds=thresholds)


def test_evaluation_prints_usefully():
    assert str(evaluate(ScoreSet([1, 2], [0, 0]))) == (
        "EER 0.000 %, minDCF(0.01) 0.000, minDCF(0.05) 0.000 over 2 + 2 trials"
    )
