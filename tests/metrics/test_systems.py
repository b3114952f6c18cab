"""What is kept of a system for the report: thin curves that tell the truth, and JSON that keeps them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from wespk.metrics.costs import actual_dcf
from wespk.metrics.curves import step_curve
from wespk.metrics.decisions import decisions_at
from wespk.metrics.points import OperatingPoint
from wespk.metrics.records import json_text
from wespk.metrics.scores import ScoreSet
from wespk.metrics.systems import ListResults, SpeakerSource, SystemResult, by_trial_list, trials_title
from wespk.metrics.thinned import calibration_curve, histogram, sweep, thin_det


def normal_scores(targets=2000, nontargets=30_000, seed=0, step=0.0):
    random = np.random.default_rng(seed)
    scores = [random.normal(2, 1, targets), random.normal(0, 1, nontargets)]
    return ScoreSet(*(np.round(each / step) * step if step else each for each in scores))


@pytest.mark.parametrize("scores", [normal_scores(), normal_scores(step=0.25), ScoreSet([1.0], [0.0])])
def test_results_come_back_from_json_as_they_were(scores):
    result = SystemResult.from_scores("test", "plda", scores, score_file="exp/scores/test.plda.llr")
    record = ListResults("data/test/trials", "", SpeakerSource("data/test/utt2spk", "", 24), (result,))
    text = json_text(record.to_json())
    again = ListResults.from_json(json.loads(text))
    assert json_text(again.to_json()) == text
    assert again.systems[0].evaluation == result.evaluation
    assert np.array_equal(again.systems[0].det, result.det)


def test_a_result_is_small_however_many_trials_there_are():
    result = SystemResult.from_scores("test", "plda", normal_scores(20_000, 300_000))
    assert len(json_text(result.to_json())) < 50_000


def test_the_points_of_the_det_curve_are_points_of_the_staircase():
    curve = step_curve(normal_scores())
    found = thin_det(curve)
    assert found.shape[1] <= 1000 and np.all(np.diff(found[0]) <= 0) and np.all(np.diff(found[1]) >= 0)
    points = {(round(far, 5), round(frr, 5)) for far, frr in zip(curve.p_fa, curve.p_miss, strict=True)}
    assert {(round(far, 5), round(frr, 5)) for far, frr in found.T} <= points
    assert found[:, 0].tolist() == [1, 0] and found[:, -1].tolist() == [0, 1]


def test_a_curve_of_few_trials_keeps_all_corners():
    curve = step_curve(normal_scores(20, 100))
    assert thin_det(curve) == pytest.approx(np.stack([curve.p_fa, curve.p_miss]), abs=1e-6)


def test_the_sweep_goes_on_to_the_highest_score():
    scores = ScoreSet([1.0, 2.0, 9.0], [-4.0, 0.0, 1.5])
    found = sweep(step_curve(scores), OperatingPoint(0.01))
    assert (found.threshold[0], found.threshold[-1]) == (-4.0, 9.0)
    assert found.frr[-1] == pytest.approx(2 / 3, abs=1e-5)


def test_the_sweep_says_what_each_threshold_does():
    scores, point = normal_scores(), OperatingPoint(0.05)
    found = sweep(step_curve(scores), point, also=(1.25, 1e9))
    assert 100 < len(found.threshold) <= 400 and np.all(np.diff(found.threshold) > 0)
    assert 1.25 in found.threshold and found.threshold[-1] <= scores.target.max() + 1e-4
    for place in range(0, len(found.threshold), 37):
        at = decisions_at(scores, found.threshold[place])
        for name in ("far", "frr", "precision", "recall", "f1"):
            assert getattr(found, name)[place] == pytest.approx(getattr(at, name), rel=1e-5, abs=1e-6)
        assert found.dcf[place] == pytest.approx(actual_dcf(scores, point, at.threshold), rel=1e-5)


@pytest.mark.parametrize(("centre", "spread"), [(1.0, 1e-8), (-4e6, 1.0), (0.0, 1e-12), (0.0, 1e9)])
def test_the_curves_tell_scores_apart_however_close_they_are_to_each_other(centre, spread):
    plain, point = normal_scores(200, 3000), OperatingPoint(0.05)
    moved = ScoreSet(centre + spread * plain.target, centre + spread * plain.nontarget)
    found, wanted = sweep(step_curve(moved), point), sweep(step_curve(plain), point)
    assert len(found.threshold) == len(wanted.threshold) > 250
    np.testing.assert_allclose((found.threshold - centre) / spread, wanted.threshold, atol=1e-4)
    np.testing.assert_allclose(
        histogram(moved).edges, centre + spread * histogram(plain).edges, rtol=0, atol=1e-4 * spread
    )


def test_scores_around_the_smallest_number_that_there_is_have_a_histogram():
    assert histogram(ScoreSet([5e-324], [0.0])).target.sum() == 1


def test_the_calibration_curve_rises_and_is_finite():
    found = calibration_curve(step_curve(normal_scores()))
    assert 0 < len(found.score) <= 400 and np.isfinite(found.llr).all()
    assert np.all(np.diff(found.score) >= 0) and np.all(np.diff(found.llr) >= 0)
    # Gaussians of one width, two apart: the ratio at a score s is 2 s - 2.
    middle = (found.score > 0) & (found.score < 2)
    assert np.abs(found.llr - (2 * found.score - 2))[middle].mean() < 0.3


def test_separated_classes_have_no_calibration_curve():
    found = calibration_curve(step_curve(ScoreSet([2.0, 3.0], [0.0, 1.0])))
    assert len(found.score) == len(found.llr) == 0


def test_the_classes_of_a_histogram_sum_to_one():
    for scores in (normal_scores(), ScoreSet([1.0], [1.0])):
        found = histogram(scores)
        assert found.target.sum() == pytest.approx(1) and found.nontarget.sum() == pytest.approx(1)
        assert len(found.edges) == len(found.target) + 1 <= 81


def test_results_are_grouped_by_trial_list_and_numbers_of_trials():
    small = normal_scores(20, 100)
    results = [
        SystemResult.from_scores(trials, system, scores)
        for trials, system, scores in (
            ("dev", "a", small),
            ("test", "a", small),
            ("dev", "b", small),
            ("dev", "c", normal_scores(20, 101)),
        )
    ]
    groups = by_trial_list(results)
    assert [[each.system for each in group] for group in groups] == [["a", "b"], ["a"], ["c"]]
    assert trials_title(groups[0]) == "dev: 20 target and 100 nontarget trials"
