"""Counts of scores in fine bins: error rates of a stream of any length, in bounded memory."""

from __future__ import annotations

from math import floor, frexp, ldexp, log

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.core.errors import WespkError
from wespk.metrics.costs import softplus
from wespk.metrics.curves import Ascending, Counts, StepCurve, curve_of
from wespk.metrics.scores import Scores, checked_scores

BINS = 1 << 21  # 16 MB for each of the two tables of counts; more are slower, being out of cache
FINEST = 50  # a bin is no narrower than the largest score times 2^-50, so that a float64 numbers it exactly
SMALLEST = -100  # nor narrower than 2^-100
BLOCK = 1 << 15  # scores that are worked on at once, in the processor's cache


class BinnedScores:
    """The scores of a trial list as they come, kept as counts in 2,097,152 bins of one width; 32 MB.

    The width is a power of two and the bins begin at multiples of it, so that counts at the edges of the bins
    are exact: `curve` passes through the true staircase at every edge. The first scores fill at most half of
    the table; when a later one falls outside, neighbouring bins are merged until all fit. Cllr is summed
    exactly as scores arrive unless `with_cllr` is False, which takes half the time: 8 ns a score on one core.
    Scores nearer to 0 than 1e-270 are taken for 0.
    """

    def __init__(self, with_cllr: bool = True) -> None:
        self._with_cllr = with_cllr
        self._cost_target = self._cost_nontarget = 0.0  # sums in nats
        self._exponent: int | None = None  # bins are 2^exponent wide
        self._first = 0  # the number of the first bin: it begins at first x width
        self._lowest, self._highest = np.inf, -np.inf
        self._all: Counts = np.zeros(BINS, dtype=np.int64)
        self._target: Counts = np.zeros(BINS, dtype=np.int64)

    def add(self, scores: ArrayLike, is_target: ArrayLike) -> None:
        """Count a piece of a labelled stream: the scores (K,) of some trials and their labels (K,) in bool.

        Raises `WespkError` for arrays that do not fit each other and for scores that are not finite.
        """
        labels = np.asarray(is_target)
        if labels.dtype != np.bool_:
            raise WespkError(f"is_target holds {labels.dtype}, it must hold booleans")
        if labels.shape != np.shape(scores):
            raise WespkError(f"{np.shape(scores)} scores and {labels.shape} labels do not match")
        self.add_block(scores, np.flatnonzero(labels))

    def add_block(self, scores: ArrayLike, target_at: ArrayLike) -> None:
        """Count an array of scores of any shape; those at the flat positions `target_at` are targets.

        Made for blocks (m, N) of a score matrix, where nearly all are nontargets: no mask is needed, and a
        target at row r and column c stands at r N + c. Raises `WespkError` for a position that is repeated or
        not in the block and for scores that are not finite.
        """
        values = checked_scores("trial", np.asarray(scores).reshape(-1))
        places = np.sort(np.asarray(target_at, dtype=np.intp).reshape(-1))
        if len(places) and (places[0] < 0 or places[-1] >= len(values) or (np.diff(places) == 0).any()):
            raise WespkError(f"target_at: each place must be in 0 to {len(values) - 1}, and given once")
        if not len(values):
            return
        self._make_room(float(values.min()), float(values.max()))
        starts = np.arange(0, len(values), BLOCK)
        bounds = np.searchsorted(places, np.append(starts, len(values)))
        for start, low, high in zip(starts.tolist(), bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            self._count(values[start : start + BLOCK], places[low:high] - start)

    @property
    def num_target(self) -> int:
        """Number of target trials counted so far."""
        return int(self._target.sum())

    @property
    def num_nontarget(self) -> int:
        """Number of nontarget trials counted so far."""
        return int(self._all.sum()) - self.num_target

    @property
    def resolution(self) -> float:
        """Width of a bin: two scores that differ by more are never taken for equal."""
        return 0.0 if self._exponent is None else ldexp(1.0, self._exponent)

    def curve(self) -> StepCurve:
        """Return the curve of all scores so far, each rounded down to the lower edge of its bin.

        Its thresholds are edges, and the errors counted there are exact; any measure that takes a curve can
        be computed from it, with scores of one bin taken for ties. Between edges, errors are those at the
        next edge above. `wespk.metrics.error_rates.eer_bounds` of the curve encloses the exact equal error
        rate. Raises `WespkError` while there are no targets or no nontargets.
        """
        counts = {"target": self._target, "nontarget": self._all - self._target}
        classes = {}
        for kind, count in counts.items():
            occupied = np.flatnonzero(count)
            if not len(occupied):
                raise WespkError(f"no {kind} trial has been counted, and measuring errors needs at least one")
            before = np.concatenate([[0], np.cumsum(count[occupied])])
            classes[kind] = Ascending((occupied + self._first) * self.resolution, before)
        above = (np.flatnonzero(self._all)[-1] + 1 + self._first) * self.resolution
        return curve_of(classes["target"], classes["nontarget"], float(above))

    def cllr(self) -> float:
        """Return the exact Cllr in bits of all scores so far (see `wespk.metrics.cllr`).

        Raises `WespkError` where it is not kept, or there are no targets or no nontargets.
        """
        if not self._with_cllr:
            raise WespkError("Cllr was not kept; count the scores with with_cllr=True")
        targets, nontargets = self.num_target, self.num_nontarget
        if not targets or not nontargets:
            raise WespkError(f"Cllr of {targets} target and {nontargets} nontarget scores is not defined")
        return (self._cost_target / targets + self._cost_nontarget / nontargets) / (2 * log(2))

    def _count(self, values: Scores, targets: NDArray[np.intp]) -> None:
        numbers = np.multiply(values, 1 / self.resolution, dtype=np.float64)
        np.floor(numbers, out=numbers)
        numbers -= self._first
        bins = numbers.astype(np.intp)
        np.add.at(self._all, bins, 1)
        np.add.at(self._target, bins[targets], 1)
        if self._with_cllr:
            ratios = values.astype(np.float64)
            costs = softplus(ratios)
            costs[targets] = 0.0
            self._cost_nontarget += float(costs.sum())
            self._cost_target += float(softplus(-ratios[targets]).sum())

    def _make_room(self, lowest: float, highest: float) -> None:
        """Choose bins that hold the scores so far and those up to `lowest` and `highest`; move the counts."""
        self._lowest, self._highest = min(self._lowest, lowest), max(self._highest, highest)
        old = self._exponent
        if old is not None and self._holds(self._lowest) and self._holds(self._highest):
            return
        size = max(abs(self._lowest), abs(self._highest))
        # Bins of 2^half fill at most half the table, and leave room on both sides.
        half = frexp(self._highest - self._lowest)[1] - (BINS.bit_length() - 2)
        exponent = max(half, frexp(size)[1] - FINEST, SMALLEST, SMALLEST if old is None else old)
        self._exponent = exponent
        middle = floor(ldexp(self._lowest, -exponent)) + floor(ldexp(self._highest, -exponent))
        first, moved = middle // 2 - BINS // 2, self._first
        self._first = first
        if old is not None:
            self._all, self._target = (
                _moved(counts, moved, exponent - old, first) for counts in (self._all, self._target)
            )

    def _holds(self, score: float) -> bool:
        return 0 <= floor(score / self.resolution) - self._first < BINS


def _moved(counts: Counts, first: int, merged: int, new_first: int) -> Counts:
    """Return the counts with 2^merged neighbouring bins made one, in a table that begins elsewhere."""
    occupied = np.flatnonzero(counts)
    moved = np.zeros_like(counts)
    np.add.at(moved, ((occupied + first) >> merged) - new_first, counts[occupied])
    return moved
