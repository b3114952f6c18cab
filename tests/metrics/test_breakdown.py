"""Parts of a trial list are measured each by itself."""

from __future__ import annotations

import numpy as np
import pytest

from wespk.metrics.breakdown import Breakdown, break_down
from wespk.metrics.costs import min_dcf
from wespk.metrics.error_rates import eer
from wespk.metrics.points import OperatingPoint
from wespk.metrics.scores import ScoreSet

POINT = OperatingPoint(0.05)


@pytest.fixture
def trials():
    """Scores, labels, speakers of both sides, and the part of each trial: 0, 1, or 2 without targets."""
    random = np.random.default_rng(0)
    enrol, test = random.integers(20, size=(2, 3000))
    same = random.random(3000) < 0.2
    test[same] = enrol[same]
    part = np.where(enrol == test, random.integers(2, size=3000), random.integers(3, size=3000))
    return random.normal(size=3000) + 2.0 * (enrol == test), enrol == test, enrol, test, part


def test_each_row_is_the_measure_of_its_trials_alone(trials):
    scores, labels, enrol, test, part = trials
    found = break_down("kind", ["a", "b", "c", "none"], part, scores, labels, POINT, (enrol, test), draws=50)
    assert (found.by, [row.value for row in found.rows]) == ("kind", ["a", "b", "c"])
    assert sum(row.num_target + row.num_nontarget for row in found.rows) == 3000
    for code, row in enumerate(found.rows[:2]):
        alone = ScoreSet.from_labels(scores[part == code], labels[part == code])
        assert (row.eer, row.min_dcf) == (eer(alone).value, min_dcf(alone, POINT).value)
        assert row.low < row.eer < row.high and row.num_speakers == 20


def test_a_part_without_targets_has_counts_and_no_rate(trials):
    scores, labels, enrol, test, part = trials
    row = break_down("kind", ["a", "b", "c"], part, scores, labels, POINT, (enrol, test), draws=5).rows[2]
    assert row.num_target == 0 and row.num_nontarget == (part == 2).sum() and row.num_speakers == 20
    assert row.eer is row.low is row.high is row.min_dcf is None


def test_without_speakers_there_are_rates_and_no_intervals(trials):
    scores, labels, _, _, part = trials
    row = break_down("kind", ["a", "b", "c"], part, scores, labels, POINT).rows[0]
    assert row.eer is not None and row.low is row.high is None and row.num_speakers == 0


def test_a_part_without_any_error_has_no_interval():
    labels = np.array([True, False, False, True])
    speakers = (np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    parts = np.zeros(4, dtype=np.intp)
    (row,) = break_down("x", ["all"], parts, 1.0 * labels, labels, POINT, speakers, draws=20).rows
    assert (row.eer, row.low, row.high) == (0, None, None)


def test_a_breakdown_survives_json(trials):
    scores, labels, enrol, test, part = trials
    found = break_down("kind", ["a", "b", "c"], part, scores, labels, POINT, (enrol, test), draws=5)
    assert Breakdown.from_json(found.to_json()) == found
