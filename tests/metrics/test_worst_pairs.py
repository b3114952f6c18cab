"""Errors are counted by pair of speakers, and the worst pairs named with an example."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.metrics.worst_pairs import WorstPairs, worst_pairs

SPEAKERS = ["ann", "bob", "cat"]


def names(position):
    return f"e{position}", f"t{position}", f"e{position}.wav", ""


def counted(scores, enrol, test, threshold=0.0):
    enrol, test = np.array(enrol), np.array(test)
    return worst_pairs(np.array(scores), enrol == test, enrol, test, SPEAKERS, threshold, True, names)


def test_the_pair_with_the_most_false_alarms_comes_first_with_its_highest_trial():
    found = counted([1.0, 2.0, -1.0, 3.0, 0.0], [0, 0, 0, 1, 0], [1, 1, 1, 0, 2])
    pairs = [(each.enrol_speaker, each.test_speaker, each.errors, each.trials) for each in found.false_alarms]
    assert pairs == [("ann", "bob", 2, 3), ("bob", "ann", 1, 1), ("ann", "cat", 1, 1)]
    first = found.false_alarms[0]
    assert (first.score, first.enrol_id, first.test_id) == (2.0, "e1", "t1")
    assert (first.enrol_audio, first.test_audio) == ("e1.wav", "")
    assert found.misses == () and (found.threshold, found.is_dev) == (0.0, True)


def test_misses_are_counted_by_speaker_with_the_lowest_trial():
    found = counted([-1.0, -2.0, 1.0, -0.5, 9.0], [0, 0, 0, 2, 1], [0, 0, 0, 2, 1])
    assert [(each.enrol_speaker, each.errors, each.trials) for each in found.misses] == [
        ("ann", 2, 3),
        ("cat", 1, 1),
    ]
    assert (found.misses[0].score, found.misses[0].enrol_id) == (-2.0, "e1")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_counts_are_those_of_a_loop(seed):
    random = np.random.default_rng(seed)
    enrol, test = random.integers(3, size=(2, 60))
    scores = random.integers(-2, 3, size=60).astype(float)
    found = counted(scores, enrol, test, threshold=1.0)
    errors = {}
    for a, b, score in zip(enrol, test, scores, strict=True):
        if (score >= 1.0) != (a == b):
            errors[SPEAKERS[a], SPEAKERS[b]] = errors.get((SPEAKERS[a], SPEAKERS[b]), 0) + 1
    rows = (*found.false_alarms, *found.misses)
    assert {(each.enrol_speaker, each.test_speaker): each.errors for each in rows} == errors


def test_ten_pairs_are_kept():
    enrol, test = np.divmod(np.arange(400), 20)
    found = worst_pairs(
        np.ones(400), enrol == test, enrol, test, [str(i) for i in range(20)], 0.5, False, names
    )
    assert len(found.false_alarms) == 10


def test_worst_pairs_survive_json():
    found = counted([1.0, -2.0], [0, 0], [1, 0])
    assert WorstPairs.from_json(found.to_json()) == found


def test_a_threshold_above_all_float32_scores_lets_none_pass():
    scores = np.array([0.5, 2.0], np.float32)
    threshold = float(np.nextafter(2.0, np.inf))  # in float32 it is 2
    enrol, test = np.array([0, 0]), np.array([1, 2])
    found = worst_pairs(scores, enrol == test, enrol, test, SPEAKERS, threshold, False, names)
    assert found.false_alarms == ()
