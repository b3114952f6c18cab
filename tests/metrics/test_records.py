"""Records come back from JSON as they were, and what is not such a record is named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from wespk.core.errors import WespkError
from wespk.metrics.curves import AtThreshold
from wespk.metrics.records import Record, json_text, rounded, rounded_axis
from wespk.metrics.scores import Scores


@dataclass(frozen=True)
class Inner(Record):
    name: str
    best: AtThreshold | None = None


@dataclass(frozen=True, eq=False)
class Outer(Record):
    number: float
    curve: Scores
    inner: tuple[Inner, ...]
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)


OUTER = Outer(
    1.5,
    np.array([[1.0, 0.25], [0.5, 0.0]]),
    (Inner("a"), Inner("b [\n1]", AtThreshold(0.5, 2.0))),
    {"eer": (0.25, 0.5)},
)


def test_a_record_comes_back_from_json_as_it_was():
    written = json_text(OUTER.to_json())
    again = Outer.from_json(json.loads(written))
    assert again.inner == OUTER.inner and again.bounds == OUTER.bounds
    assert np.array_equal(again.curve, OUTER.curve)
    assert json_text(again.to_json()) == written


def test_a_vector_takes_one_line_and_text_stays_as_it_is():
    text = json_text({"a": [1.0, -2e-5], "b": ["[ 1, 2 ]", "x\n[\n1]"], "c": []})
    assert '"a": [1.0,-2e-05]' in text
    assert json.loads(text)["b"] == ["[ 1, 2 ]", "x\n[\n1]"]


def test_nan_is_no_json():
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"a": float("nan")})


def test_rounding_keeps_six_digits_and_the_shape():
    assert rounded([[1.23456789e-8, 123456.7]]).tolist() == [[1.23457e-8, 123457.0]]


def test_an_axis_keeps_six_digits_of_its_range():
    assert rounded_axis([0.0, 1.23456789]).tolist() == [0.0, 1.23457]
    assert rounded_axis([1000.00123456789, 1000.00223456789]).tolist() == [1000.00123457, 1000.00223457]
    assert rounded_axis([1.0, 1.0 + 2e-15]).tolist() == [1.0, 1.0 + 2e-15]
    assert rounded_axis([0.123456789] * 2).tolist() == [0.123457] * 2 and rounded_axis([]).tolist() == []


def changed(**changes):
    value = {**OUTER.to_json(), **changes}
    return {name: each for name, each in value.items() if each != "absent"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "Outer: no record"),
        (changed(number="absent"), "Outer: 'number' is missing in a file of another version"),
        (changed(more=1), "Outer: 'more' is unknown"),
        (changed(number="x"), r"Outer\.number: 'x' is not of the type float"),
        (changed(number=float("nan")), r"Outer\.number: 'nan' is not"),
        (changed(number=True), r"Outer\.number"),
        (changed(curve=[1, None]), r"Outer\.curve: is not a list of numbers"),
        (changed(curve=3), r"Outer\.curve: is not a list of numbers"),
        (changed(inner=[{"name": 3, "best": None}]), r"Outer\.inner\[0\]\.name: '3' is not of the type str"),
        (changed(inner={}), r"Outer\.inner"),
        (changed(bounds={"eer": [1]}), r"Outer\.bounds\.eer"),
    ],
)
def test_what_is_no_such_record_is_named(value, message):
    with pytest.raises(WespkError, match=message):
        Outer.from_json(value)
