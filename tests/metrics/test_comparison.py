"""Two systems side by side."""

from __future__ import annotations

import numpy as np
import pytest

from wespk.metrics.comparison import Comparison, compare, comparison_markdown, comparison_table
from wespk.metrics.costs import min_dcf
from wespk.metrics.error_rates import eer
from wespk.metrics.points import OperatingPoint
from wespk.metrics.resampling import SpeakerPairs
from wespk.metrics.scores import ScoreSet
from wespk.metrics.table import as_text

POINTS = [OperatingPoint(0.05)]


@pytest.fixture
def trials():
    random = np.random.default_rng(0)
    enrol, test = random.integers(10, size=(2, 1000))
    labels = enrol == test
    good = random.normal(size=1000) + 2.5 * labels
    return (good, good + random.normal(0, 2, 1000)), labels, SpeakerPairs.of(enrol, test)


def test_the_numbers_are_those_of_each_system(trials):
    scores, labels, pairs = trials
    sets = [ScoreSet.from_labels(each, labels) for each in scores]
    for speakers in (pairs, None):
        found = compare("test", ("a", "b"), scores, labels, POINTS, speakers, draws=20)
        assert [each.measure for each in found.differences] == ["eer", "min_dcf(0.05)"]
        assert found.differences[0].a == pytest.approx(eer(sets[0]).value)
        assert found.differences[1].b == pytest.approx(min_dcf(sets[1], POINTS[0]).value)
        assert all(each.difference == each.a - each.b for each in found.differences)
        assert (found.num_target, found.num_nontarget) == (labels.sum(), (~labels).sum())


def test_without_speakers_nothing_is_said_about_significance(trials):
    scores, labels, _ = trials
    found = compare("test", ("a", "b"), scores, labels, POINTS)
    assert found.num_speakers == 0
    assert all(each.interval is each.p_value is None for each in found.differences)
    assert "[" not in as_text(comparison_table([found])).splitlines()[2]


def test_a_comparison_survives_json(trials):
    scores, labels, pairs = trials
    found = compare("test", ("a", "b"), scores, labels, POINTS, pairs, draws=20)
    assert Comparison.from_json(found.to_json()) == found


def test_the_tables_name_lists_and_systems_once(trials):
    scores, labels, pairs = trials
    found = compare("test", ("a|x", "b"), scores, labels, POINTS, pairs, draws=20)
    rows = comparison_markdown([found]).splitlines()
    assert rows[2].startswith("| test | a\\|x | b | EER % | ") and rows[3].startswith(
        "|  |  |  | minDCF(0.05) | "
    )
    assert len({row.replace("\\|", "").count("|") for row in rows}) == 1
    text = as_text(comparison_table([found]))
    assert "a|x" in text and "A - B [95 %]" in text
