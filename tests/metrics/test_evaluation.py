"""An evaluation holds every reported number, and development thresholds are applied unchanged."""

from __future__ import annotations

import json

import numpy as np
import pytest

from wespk.core.errors import WespkError
from wespk.metrics.binned import BinnedScores
from wespk.metrics.costs import actual_dcf, cllr, min_cllr, min_dcf
from wespk.metrics.curves import step_curve
from wespk.metrics.decisions import best_accuracy, best_f1, decisions_at
from wespk.metrics.error_rates import EER_RULES, eer
from wespk.metrics.evaluation import DEFAULT_POINTS, Evaluation, evaluate, evaluate_curve, kind_results
from wespk.metrics.points import EmpiricalPoint, OperatingPoint
from wespk.metrics.ranking import auc, average_precision
from wespk.metrics.scores import ScoreSet
from wespk.metrics.thresholds import find_thresholds

LABELS = ("nontarget", "target", "target-wrong", "impostor-correct", "impostor-wrong")


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
    assert (found.rule, found.eer, found.eer_threshold) == ("interpolated", *eer(dev))
    assert found.eers == {rule: eer(dev, rule).value for rule in EER_RULES}
    assert (found.cllr, found.min_cllr) == (cllr(dev), min_cllr(dev))
    assert (found.auc, found.average_precision) == (auc(dev), average_precision(dev))
    assert (found.best_f1, found.best_accuracy) == (best_f1(dev), best_accuracy(dev))
    assert [cost.point.name for cost in found.costs] == ["0.01", "0.05"]
    for cost in found.costs:
        assert (cost.min_dcf, cost.threshold) == min_dcf(dev, cost.point)
        assert cost.actual_dcf_bayes == actual_dcf(dev, cost.point)


@pytest.mark.parametrize("rule", EER_RULES)
def test_the_rule_decides_which_equal_error_rate_comes_first(dev, rule):
    found = evaluate(dev, rule=rule)
    assert (found.rule, found.eer, found.eer_threshold) == (rule, *eer(dev, rule))
    assert found.eers == evaluate(dev).eers


def test_evaluation_counts_the_errors_behind_the_eer(dev):
    found = evaluate(dev)
    assert found.misses_at_eer == (dev.target < found.eer_threshold).sum()
    assert found.false_alarms_at_eer == (dev.nontarget >= found.eer_threshold).sum()
    assert found.misses_at_eer / 300 == pytest.approx(found.eer, abs=1 / 300)


def test_development_thresholds_are_applied_unchanged(dev, test_set):
    thresholds = find_thresholds(dev, DEFAULT_POINTS)
    found = evaluate(test_set, dev_thresholds=thresholds)
    assert {each.name: each.threshold for each in found.at_dev} == thresholds.values
    at = decisions_at(test_set, thresholds.at("eer"))
    first = found.at_dev[0]
    assert (first.name, first.far, first.frr, first.f1, first.dcf) == ("eer", at.far, at.frr, at.f1, None)
    cost, threshold = found.costs[0], thresholds.at("min_dcf(0.01)")
    p_miss, p_fa = np.mean(test_set.target < threshold), np.mean(test_set.nontarget >= threshold)
    assert cost.actual_dcf_dev == pytest.approx(p_miss + 99 * p_fa)
    assert cost.actual_dcf_dev >= cost.min_dcf
    of_point = next(each for each in found.at_dev if each.name == "min_dcf(0.01)")
    assert of_point.dcf == cost.actual_dcf_dev


def test_without_development_trials_nothing_is_made_up(test_set):
    found = evaluate(test_set)
    assert found.at_dev == ()
    assert found.costs[0].dev_threshold is found.costs[0].actual_dcf_dev is None
    assert (found.intervals, found.num_speakers, found.draws) == ({}, None, 0)


def test_a_set_at_its_own_thresholds_reaches_its_minimum(dev):
    found = evaluate(dev, dev_thresholds=find_thresholds(dev, DEFAULT_POINTS))
    for cost in found.costs:
        assert cost.actual_dcf_dev == pytest.approx(cost.min_dcf)


def test_the_empirical_point_has_the_prior_of_the_list(dev):
    (cost,) = evaluate(dev, [EmpiricalPoint()]).costs
    assert cost.point.p_target == 300 / 2300 and cost.point.name == "empirical"


def test_a_stream_is_measured_as_its_scores_are(dev):
    binned = BinnedScores()
    binned.add(np.concatenate([dev.target, dev.nontarget]), np.arange(2300) < 300)
    streamed, whole = evaluate_curve(binned.curve(), binned.cllr()), evaluate(dev)
    assert streamed.eer == pytest.approx(whole.eer, abs=1e-3)
    assert streamed.cllr == pytest.approx(whole.cllr, rel=1e-12)


def test_an_evaluation_survives_json(dev, test_set):
    thresholds = find_thresholds(dev, [OperatingPoint(0.05, 10, 1), EmpiricalPoint()])
    points = [OperatingPoint(0.05, 10, 1), EmpiricalPoint()]
    found = evaluate(test_set, points, thresholds)
    assert Evaluation.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False))) == found


def test_a_curve_that_is_there_already_is_used(dev):
    assert evaluate(dev, curve=step_curve(dev)) == evaluate(dev)


def test_each_kind_of_a_text_dependent_list_is_measured_alone():
    random = np.random.default_rng(2)
    kind = np.repeat(np.array([1, 2, 3, 4], dtype=np.int8), 100)
    scores = random.normal(size=400) + np.repeat([4.0, 3.0, 2.0, 0.0], 100)
    found = kind_results(scores, kind, LABELS)
    assert [(each.kind, each.num) for each in found] == [
        ("target-wrong", 100),
        ("impostor-correct", 100),
        ("impostor-wrong", 100),
    ]
    assert found[0].eer == eer(ScoreSet(scores[:100], scores[100:200])).value
    assert found[0].eer > found[1].eer > found[2].eer


def test_a_plain_list_has_no_kinds():
    assert kind_results(np.array([1.0, 0.0]), np.array([1, 0], dtype=np.int8), LABELS) == ()


def test_a_point_that_the_development_set_lacks_is_named(dev, test_set):
    thresholds = find_thresholds(dev, [OperatingPoint(0.01)], fars=())
    with pytest.raises(WespkError, match=r"threshold min_dcf\(0\.05\) \(there are: eer, min_dcf\(0\.01\)\)"):
        evaluate(test_set, dev_thresholds=thresholds)


def test_evaluation_prints_usefully():
    assert str(evaluate(ScoreSet([1, 2], [0, 0]))) == (
        "EER 0.000 %, minDCF(0.01) 0.000, minDCF(0.05) 0.000 over 2 + 2 trials"
    )
