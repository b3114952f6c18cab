"""Identification ranks the true model of each test among all models; every law is checked by brute force."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from wespk.core.errors import WespkError
from wespk.metrics import Identification, confusion, identify, wilson_interval


@st.composite
def closed_sets(draw):
    """A matrix of scores (tests, models) with many ties, and the true model of each test."""
    tests, models = draw(st.integers(1, 8)), draw(st.integers(2, 9))
    levels = draw(st.lists(st.integers(0, 6), min_size=tests * models, max_size=tests * models))
    true = draw(st.lists(st.integers(0, models - 1), min_size=tests, max_size=tests))
    return np.array(levels, dtype=float).reshape(tests, models), np.array(true)


def trials(matrix, true, order=None):
    """Return scores, enrol_index, test_index, is_target of a matrix, its cells in the given order."""
    test, enrol = map(np.ravel, np.indices(matrix.shape))
    order = np.arange(matrix.size) if order is None else order
    return matrix.ravel()[order], enrol[order], test[order], (enrol == true[test])[order]


def places(matrix, true):
    """Return the rank of each test's true model, the last among its equals."""
    rows = zip(matrix.tolist(), true.tolist(), strict=True)
    return [sum(score >= scores[own] for score in scores) for scores, own in rows]


@given(closed_sets(), st.randoms(use_true_random=False))
def test_errors_are_those_of_sorting_every_test_by_hand_in_any_order_of_trials(closed_set, random):
    matrix, true = closed_set
    order = list(range(matrix.size))
    random.shuffle(order)
    found = identify(*trials(matrix, true, np.array(order)), ranks=(5, 2))
    assert (found.num_tests, found.num_models) == matrix.shape
    assert found.errors_at == {k: sum(place > k for place in places(matrix, true)) for k in (1, 2, 5)}
    assert list(found.errors_at) == [1, 2, 5]
    assert found == identify(*trials(matrix, true), ranks=(5, 2))


@given(closed_sets())
def test_confusions_are_the_decisions_made_one_by_one(closed_set):
    matrix, true = closed_set
    expected = {}
    for scores, own in zip(matrix.tolist(), true.tolist(), strict=True):
        rivals = [
            (-score, model) for model, score in enumerate(scores) if score >= scores[own] and model != own
        ]
        chosen = min(rivals)[1] if rivals else own
        expected[own, chosen] = expected.get((own, chosen), 0) + 1
    found = confusion(*trials(matrix, true))
    rows = list(zip(found.true.tolist(), found.chosen.tolist(), found.tests.tolist(), strict=True))
    assert {(own, chosen): tests for own, chosen, tests in rows} == expected and len(rows) == len(expected)
    assert rows == sorted(rows, key=lambda row: (row[0], -row[2]))
    wrong = [row for row in rows if row[0] != row[1]]
    assert sum(row[2] for row in wrong) == identify(*trials(matrix, true)).errors
    assert found.worst(2) == sorted(wrong, key=lambda row: -row[2])[:2]


@given(closed_sets())
def test_an_increasing_map_of_the_scores_changes_nothing(closed_set):
    matrix, true = closed_set
    assert identify(*trials(np.exp(matrix) - 7, true)) == identify(*trials(matrix, true))


def test_ties_count_against_the_true_model():
    assert identify(*trials(np.zeros((3, 2)), np.array([0, 1, 1]))).errors == 3
    matrix = np.array([[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    assert identify(*trials(matrix, np.array([0]))).errors == 0
    assert identify(*trials(matrix, np.array([5]))).errors_at[5] == 1  # sixth of six
    assert identify(*trials(matrix[:, :5], np.array([4]))).errors_at[5] == 0


def test_the_line_says_accuracy_interval_and_counts():
    found = Identification(num_tests=840, num_models=168, errors_at={1: 46, 5: 12})
    line = "top-1 94.52 % [92.8, 95.9], top-5 98.57 %, 46 errors of 840 tests among 168 speakers"
    assert str(found) == line


def test_json_has_the_figures_and_leads_back():
    found = Identification(num_tests=200, num_models=20, errors_at={1: 3, 5: 1})
    written = json.loads(json.dumps(found.to_json()))
    assert written["top1"] == 0.985 and written["top5"] == 0.995
    assert written["top1_low"] < 0.985 < written["top1_high"]
    assert Identification.from_json(written) == found
    old = {"num_tests": 200, "num_models": 20, "errors": 3, "errors_top5": 1}
    for broken in (
        {},
        None,
        old,
        {**written, "errors_at": {"1": "many"}},
        {**written, "errors_at": {"5": 1}},
    ):
        with pytest.raises(WespkError, match="expected whole numbers num_tests and num_models.* again"):
            Identification.from_json(broken)


@pytest.mark.parametrize(("successes", "total"), [(0, 10), (10, 10), (1, 1), (794, 840), (81, 263)])
def test_the_interval_holds_the_shares_that_a_score_test_does_not_reject(successes, total):
    share, z = successes / total, 1.959964

    def rejected(p):
        return abs(share - p) - z * np.sqrt(p * (1 - p) / total)

    low, high = wilson_interval(successes, total)
    expected_low = brentq(rejected, 1e-9, share - 1e-6) if successes else 0.0
    expected_high = brentq(rejected, share + 1e-6, 1 - 1e-9) if successes < total else 1.0
    assert low == pytest.approx(expected_low, abs=1e-9) and high == pytest.approx(expected_high, abs=1e-9)
    assert 0 <= low < high <= 1


def test_the_interval_of_a_published_example():
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I: 81 of 263.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


CLEAN = trials(np.arange(12.0).reshape(4, 3), np.array([0, 2, 1, 1]))


def without(*cells):
    return tuple(np.delete(part, cells) for part in CLEAN)


def changed(part, cell, value):
    parts = [each.copy() for each in CLEAN]
    parts[part][cell] = value
    return tuple(parts)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (without(4), r"test utterance 'u1' is not compared with the 3 models.*against every model \(1 so\)"),
        (without(4, 9, 10), r"'u1' is not compared with the 3 models.*\(2 so\)"),
        (changed(1, 6, 1), "'u2' is not compared with the 3 models, each once; a trial is repeated"),
        (changed(3, 7, False), "'u2' has no target trial; its speaker must be among the models"),
        (changed(3, 9, True), "'u3' has several target trials; enrol each speaker as one model"),
        (changed(0, 9, np.nan), "1 of 12 trial scores are not finite"),
        (tuple(part[::3] for part in CLEAN), "there is 1 model, identification needs 2 or more"),
        (tuple(part[:0] for part in CLEAN), "there are no trials"),
        ((*CLEAN[:3], CLEAN[3][:-1]), "12 scores, 12 enrol sides, 12 test sides, 11 labels do not match"),
        ((*CLEAN[:3], CLEAN[3].astype(int)), "is_target holds int64"),
        (changed(2, 0, -1), "test_index: a vector of whole numbers from 0 up"),
    ],
)
def test_what_is_no_closed_set_is_refused_by_the_utterance(arguments, message):
    with pytest.raises(WespkError, match=message) as caught:
        identify(*arguments, test_ids=["u0", "u1", "u2", "u3"])
    assert "\n" not in str(caught.value)


def test_a_rank_under_one_is_refused():
    with pytest.raises(WespkError, match="rank 0: ranks count from 1"):
        identify(*CLEAN, ranks=(5, 0))


def test_without_ids_an_utterance_is_named_by_its_number():
    with pytest.raises(WespkError, match="test utterance number 1 is not"):
        identify(*without(4))
