"""Scores counted in bins as they come: exact at the edges, whatever comes later, in bounded memory."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wespk.metrics.binned
from wespk.core.errors import WespkError
from wespk.metrics import (
    BinnedScores,
    OperatingPoint,
    ScoreSet,
    auc,
    average_precision,
    cllr,
    eer,
    eer_bounds,
    min_cllr,
    min_dcf,
)

exactly = settings(deadline=None, max_examples=50)
some_floats = (st.floats(-1e6, 1e6) | st.floats(-1, 1)).map(lambda score: round(score, 9))
blocks = st.lists(st.lists(st.tuples(some_floats, st.booleans()), max_size=12), min_size=1, max_size=5)


@contextmanager
def bins(number):
    """Count in fewer bins: quicker, and with few of them they are merged often."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wespk.metrics.binned, "BINS", number)
        yield


def counted(scores, parts=3, **settings):
    """Return the bins of a score set that came in several parts, in an order that mixes the classes."""
    binned = BinnedScores(**settings)
    values = np.concatenate([scores.target, scores.nontarget])
    labels = np.arange(len(values)) < len(scores.target)
    order = np.random.default_rng(0).permutation(len(values))
    for part in np.array_split(order, parts):
        binned.add(values[part], labels[part])
    return binned


@exactly
@given(blocks, st.sampled_from([np.float32, np.float64]))
def test_errors_at_every_edge_are_those_of_all_scores_so_far(blocks, kind):
    with bins(16):
        binned, scores, labels = BinnedScores(), np.zeros(0), np.zeros(0, bool)
        for block in blocks:
            new = np.array(block, dtype=[("score", kind), ("label", bool)])
            binned.add(new["score"], new["label"])
            scores, labels = np.append(scores, new["score"]), np.append(labels, new["label"])
            if labels.any() and not labels.all():
                curve = binned.curve()
                misses = (scores[labels][:, None] < curve.thresholds).sum(axis=0)
                false_alarms = (scores[~labels][:, None] >= curve.thresholds).sum(axis=0)
                np.testing.assert_array_equal(curve.misses, misses)
                np.testing.assert_array_equal(curve.false_alarms, false_alarms)
                assert (curve.thresholds % binned.resolution == 0).all()
                low, high = eer_bounds(curve)
                assert low <= eer(ScoreSet(scores[labels], scores[~labels])).value <= high
            assert (binned.num_target, binned.num_nontarget) == (labels.sum(), (~labels).sum())


@exactly
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=20), st.lists(st.integers(-9, 9), min_size=1))
def test_scores_that_fall_on_edges_give_the_exact_measures(target, nontarget):
    scores = ScoreSet(target, nontarget)
    with bins(1024):
        binned = counted(scores)
        curve = binned.curve()
    for measure in (lambda of: eer(of).value, auc, average_precision, min_cllr):
        assert measure(curve) == pytest.approx(measure(scores))
    assert min_dcf(curve, OperatingPoint(0.1)).value == min_dcf(scores, OperatingPoint(0.1)).value
    assert binned.cllr() == pytest.approx(cllr(scores))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_real_looking_scores_are_measured_within_their_bound(kind):
    random = np.random.default_rng(1)
    scores = ScoreSet(random.normal(3, 1, 2000).astype(kind), random.normal(0, 1, 200_000).astype(kind))
    binned = counted(scores, parts=5)
    curve = binned.curve()
    low, high = eer_bounds(curve)
    assert low <= eer(scores).value <= high and high - low <= 1 / 2000
    assert eer(curve).threshold == pytest.approx(eer(scores).threshold, abs=2 * binned.resolution)
    assert min_dcf(curve, OperatingPoint(0.01)).value == pytest.approx(
        min_dcf(scores, OperatingPoint(0.01)).value, abs=1e-3
    )
    assert binned.cllr() == pytest.approx(cllr(scores), rel=1e-12)
    assert binned.resolution < 2e-5


def test_a_block_of_a_matrix_counts_like_a_labelled_stream():
    random = np.random.default_rng(2)
    matrix = random.normal(0, 1, (7, 11)).astype(np.float32)
    labels = random.random((7, 11)) < 0.1
    stream, blocks = BinnedScores(), BinnedScores()
    stream.add(matrix.ravel(), labels.ravel())
    for rows in (slice(0, 4), slice(4, 7)):
        blocks.add_block(matrix[rows], np.flatnonzero(labels[rows])[::-1])
    assert stream.num_target == blocks.num_target == labels.sum()
    assert eer(stream.curve()).value == eer(blocks.curve()).value
    assert stream.cllr() == pytest.approx(blocks.cllr())


def test_a_score_far_outside_merges_bins_and_loses_no_trial():
    binned = BinnedScores()
    binned.add([0.1, 0.2, 0.3], np.array([False, True, True]))
    fine = binned.resolution
    binned.add([1e9, -1e9], np.array([True, False]))
    assert binned.resolution > 1e6 * fine
    assert (binned.num_target, binned.num_nontarget) == (3, 2)
    assert binned.curve().errors_at(0.0) == (0, 1)


def test_the_bins_do_not_depend_on_how_equal_scores_came():
    binned = BinnedScores()
    for _ in range(3):
        binned.add(np.zeros(4), np.array([True, False, False, True]))
    assert eer(binned.curve()).value == 0.5
    assert binned.cllr() == pytest.approx(1)


def test_nothing_may_come():
    binned = BinnedScores()
    binned.add(np.zeros(0), np.zeros(0, bool))
    assert (binned.num_target, binned.num_nontarget, binned.resolution) == (0, 0, 0)
    with pytest.raises(WespkError, match="no target trial has been counted"):
        binned.curve()
    binned.add([1.0], np.array([True]))
    with pytest.raises(WespkError, match="no nontarget trial has been counted"):
        binned.curve()
    with pytest.raises(WespkError, match="Cllr of 1 target and 0 nontarget scores is not defined"):
        binned.cllr()


def test_cllr_that_was_not_kept_is_refused():
    binned = counted(ScoreSet([1.0], [0.0]), parts=1, with_cllr=False)
    assert eer(binned.curve()).value == 0
    with pytest.raises(WespkError, match="Cllr was not kept"):
        binned.cllr()


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([0.0, np.nan], [True, False], "1 of 2 trial scores are not finite"),
        ([0.0], [True, False], r"\(1,\) scores and \(2,\) labels do not match"),
        ([0.0], [1], "it must hold booleans"),
    ],
)
def test_a_labelled_piece_that_does_not_fit_is_refused(scores, labels, message):
    with pytest.raises(WespkError, match=message):
        BinnedScores().add(scores, np.array(labels))


@pytest.mark.parametrize("target_at", [[4], [-1], [2, 2]])
def test_a_target_outside_its_block_or_given_twice_is_refused(target_at):
    with pytest.raises(WespkError, match="each place must be in 0 to 3, and given once"):
        BinnedScores().add_block(np.zeros((2, 2)), target_at)
