"""An operating point is written as users know it, and keeps its name."""

from __future__ import annotations

import pytest

from wespk.core.errors import WespkError
from wespk.metrics import EmpiricalPoint, OperatingPoint


@pytest.mark.parametrize(
    ("text", "point", "name"),
    [
        ("0.01", OperatingPoint(0.01), "0.01"),
        (" 1e-3 ", OperatingPoint(0.001), "0.001"),
        ("0.01,10,1", OperatingPoint(0.01, 10, 1), "0.01,10,1"),
        ("0.01, 1, 1", OperatingPoint(0.01), "0.01"),
        ("1:99", OperatingPoint(0.01), "0.01"),
        ("1:999", OperatingPoint(0.001), "0.001"),
        ("1:99,10,1", OperatingPoint(0.01, 10, 1), "0.01,10,1"),
        ("2:1", OperatingPoint(2 / 3), "0.666667"),
        ("empirical", EmpiricalPoint(), "empirical"),
        ("empirical,10,1", EmpiricalPoint(10, 1), "empirical,10,1"),
    ],
)
def test_a_point_is_read_as_it_is_written(text, point, name):
    assert OperatingPoint.parse(text) == point
    assert point.name == name


@pytest.mark.parametrize("point", [OperatingPoint(0.01), OperatingPoint(0.05, 10, 3), EmpiricalPoint(1, 2)])
def test_a_name_leads_back_to_its_point(point):
    assert OperatingPoint.parse(point.name) == point


def test_the_empirical_prior_is_the_share_of_targets_and_keeps_its_name():
    point = OperatingPoint.parse("empirical,10,1").of(num_target=5, num_nontarget=95)
    assert (point.p_target, point.c_miss, point.c_fa) == (0.05, 10, 1)
    assert point.name == "empirical,10,1"
    assert OperatingPoint.empirical(1, 3).p_target == 0.25
    assert OperatingPoint(0.01).of(5, 95) == OperatingPoint(0.01)


@pytest.mark.parametrize(
    "text",
    ["", "often", "0.01,10", "0.01,10,1,1", "1:2:3", "1:0", "0:1", "-1:2", "inf:1", "0.01,a,b", "nan:1"],
)
def test_what_is_no_point_is_refused_with_the_forms(text):
    with pytest.raises(WespkError, match=r"is not an operating point; write 0.01 \(p_target\), .*empirical"):
        OperatingPoint.parse(text)


@pytest.mark.parametrize("text", ["0", "1", "1.5", "nan", "0.01,0,1", "0.5,1,inf", "empirical,-1,1"])
def test_a_point_outside_the_law_is_refused(text):
    with pytest.raises(WespkError, match="must"):
        OperatingPoint.parse(text)


def test_a_point_made_with_wrong_numbers_is_refused():
    for arguments in [(0.0,), (1.0,), (float("nan"),), (0.5, 0), (0.5, 1, float("inf"))]:
        with pytest.raises(WespkError, match="must"):
            OperatingPoint(*arguments)
