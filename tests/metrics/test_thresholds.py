"""Thresholds are found on development trials and travel by name."""

from __future__ import annotations

import json

import numpy as np
import pytest

from wespk.core.errors import WespkError
from wespk.metrics import (
    EmpiricalPoint,
    OperatingPoint,
    ScoreSet,
    Thresholds,
    eer,
    find_thresholds,
    min_dcf,
    step_curve,
)

RANDOM = np.random.default_rng(0)
SCORES = ScoreSet(RANDOM.normal(3, 1, 500), RANDOM.normal(0, 1, 20_000))
POINTS = (OperatingPoint(0.01), OperatingPoint(0.05, 10), EmpiricalPoint())


def test_each_threshold_is_that_of_its_measure():
    found = find_thresholds(SCORES, POINTS, fars=(0.01, 0.001))
    names = ["eer", "min_dcf(0.01)", "min_dcf(0.05,10,1)", "min_dcf(empirical)", "far(0.01)", "far(0.001)"]
    assert list(found.values) == names
    assert found.at("eer") == eer(SCORES).threshold
    for point in POINTS:
        assert found.at(f"min_dcf({point.name})") == min_dcf(SCORES, point).threshold
    for far in (0.01, 0.001):
        assert step_curve(SCORES).rates_at(found.at(f"far({far})"))[1] == far


def test_json_leads_back():
    found = find_thresholds(step_curve(SCORES), POINTS)
    assert Thresholds.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_an_unknown_name_is_refused_with_those_there_are():
    known = r"\(there are: eer, far\(0.01\), far\(0.001\)\)"
    with pytest.raises(WespkError, match=rf"no development threshold min_dcf\(0.5\) {known}; find it on"):
        find_thresholds(SCORES, ()).at("min_dcf(0.5)")
    with pytest.raises(WespkError, match="there are: none"):
        Thresholds({}).at("eer")


@pytest.mark.parametrize("broken", [None, {}, [1], {"eer": "x"}, {"eer": None}, {"eer": {}}, {"eer": 1e999}])
def test_what_is_no_map_of_numbers_is_refused(broken):
    with pytest.raises(WespkError, match="thresholds: expected a map of name to number"):
        Thresholds.from_json(broken)
