"""Decisions at a threshold are counts; their best is looked for at every threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, precision_recall_curve, precision_score, recall_score

from wespk.metrics import ScoreSet, best_accuracy, best_f1, decisions_at, step_curve

some_scores = st.lists(st.integers(-6, 6), min_size=1, max_size=30)
score_sets = st.builds(ScoreSet, some_scores, some_scores)
exactly = settings(deadline=None)


def labelled(scores):
    labels = np.repeat([1, 0], [len(scores.target), len(scores.nontarget)])
    return labels, np.concatenate([scores.target, scores.nontarget])


def all_thresholds(scores):
    distinct = np.unique(labelled(scores)[1])
    return np.append(distinct, np.nextafter(distinct[-1], np.inf))


@exactly
@given(score_sets, st.integers(-7, 7))
def test_decisions_agree_with_scikit_learn(scores, threshold):
    labels, values = labelled(scores)
    accepted = (values >= threshold).astype(int)
    found = decisions_at(scores, threshold)
    assert found.tp + found.fn == len(scores.target) and found.fp + found.tn == len(scores.nontarget)
    assert found.accuracy == pytest.approx(accuracy_score(labels, accepted))
    assert found.precision == pytest.approx(precision_score(labels, accepted, zero_division=1.0))
    assert found.recall == pytest.approx(recall_score(labels, accepted))
    assert found.f1 == pytest.approx(f1_score(labels, accepted))
    assert (found.frr, found.far) == step_curve(scores).rates_at(threshold)


def test_where_nothing_is_accepted_nothing_is_accepted_wrongly():
    nothing = decisions_at(ScoreSet([1, 2], [0]), 3)
    assert (nothing.precision, nothing.recall, nothing.f1) == (1, 0, 0)
    assert nothing.accuracy == pytest.approx(1 / 3)


@exactly
@given(score_sets)
def test_the_best_f1_is_that_of_all_thresholds_and_the_lowest_that_reaches_it(scores):
    precision, recall, _ = precision_recall_curve(*labelled(scores))
    total = precision + recall
    f1 = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    found = best_f1(scores)
    assert found.value == pytest.approx(f1.max())
    each = [decisions_at(scores, threshold).f1 for threshold in all_thresholds(scores)]
    assert found == (max(each), all_thresholds(scores)[int(np.argmax(each))])


@exactly
@given(score_sets)
def test_the_best_accuracy_is_that_of_all_thresholds_and_the_lowest_that_reaches_it(scores):
    each = [decisions_at(scores, threshold).accuracy for threshold in all_thresholds(scores)]
    assert best_accuracy(scores) == (max(each), all_thresholds(scores)[int(np.argmax(each))])


@pytest.mark.parametrize(
    ("target", "nontarget", "f1", "accuracy"),
    [
        ([1], [0], (1, 1), (1, 1)),
        ([0], [1], (2 / 3, 0), (0.5, 0)),
        ([2, 2], [2], (0.8, 2), (2 / 3, 2)),
        ([0], [1, 1, 1], (0.4, 0), (0.75, np.nextafter(1, 2))),
    ],
)
def test_the_best_at_the_extremes(target, nontarget, f1, accuracy):
    scores = ScoreSet(target, nontarget)
    assert best_f1(scores) == pytest.approx(f1)
    assert best_accuracy(scores) == accuracy
