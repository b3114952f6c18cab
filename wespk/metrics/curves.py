"""The exact DET staircase: how many trials of each class are rejected at any threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.metrics.scores import Scores, ScoreSet

Counts = NDArray[np.int64]


class AtThreshold(NamedTuple):
    """A measure and the finite threshold at which it was found."""

    value: float
    threshold: float


class Tie(NamedTuple):
    """A score and how many of its class are below it, and not above it."""

    score: float
    below: int
    up_to: int


@dataclass(frozen=True, eq=False)
class Ascending:
    """The scores of one class in ascending order, a rank being a place in this order.

    `values` (n,) are the scores themselves, repeated where they are tied. With `before` (n + 1,), `values`
    are distinct, and `before` counts the scores under each and, at its end, all of them.
    """

    values: Scores
    before: Counts | None = None

    def __len__(self) -> int:
        return len(self.values) if self.before is None else int(self.before[-1])

    def below(self, thresholds: ArrayLike) -> Counts:
        """Count the scores < each threshold, in the shape of `thresholds`."""
        keys = _lowest_not_under(np.asarray(thresholds, dtype=np.float64), self.values.dtype)
        return self._counts(np.searchsorted(self.values, keys))

    def around(self, scores: Scores) -> tuple[Counts, Counts]:
        """Count the scores < and <= each of some scores, which have the type of `values`."""
        below, up_to = np.searchsorted(self.values, scores), np.searchsorted(self.values, scores, "right")
        return self._counts(below), self._counts(up_to)

    def score_at(self, ranks: Counts) -> Scores:
        """Return the scores at these ranks as float64."""
        places = ranks if self.before is None else np.searchsorted(self.before, ranks, "right") - 1
        return self.values[places].astype(np.float64)

    def tie_at(self, rank: int) -> Tie:
        """Return the score at this rank with all that are equal to it."""
        if self.before is not None:
            place = int(np.searchsorted(self.before, rank, "right")) - 1
            return Tie(float(self.values[place]), int(self.before[place]), int(self.before[place + 1]))
        score = self.values[rank]
        below, up_to = (int(np.searchsorted(self.values, score, side)) for side in ("left", "right"))
        return Tie(float(score), below, up_to)

    def distinct(self) -> tuple[Scores, Counts]:
        """Return `values` and `before` of the second form."""
        if self.before is not None:
            return self.values, self.before
        first = np.flatnonzero(np.concatenate([[True], self.values[1:] != self.values[:-1]]))
        return self.values[first], np.append(first, len(self.values))

    def _counts(self, places: NDArray[np.intp]) -> Counts:
        return places if self.before is None else self.before[places]


@dataclass(frozen=True, eq=False)
class StepCurve:
    """Errors at every threshold: the exact DET staircase (Martin et al. 1997), by its corners.

    `thresholds` (P,) ascend. At the first, the lowest score, every trial is accepted; at the last, the next
    number above the highest score, every trial is rejected. `misses` and `false_alarms` (P,) count the errors
    there. Between neighbours only one of the two changes, or there is but one score, with trials of both
    classes: tied scores share one point, as no threshold can tell them apart. So P is at most twice the
    smaller class plus 2, however many trials there are. The whole staircase is in `target` and `nontarget`;
    `errors_at` counts at any threshold.
    """

    thresholds: Scores
    misses: Counts
    false_alarms: Counts
    target: Ascending
    nontarget: Ascending

    @property
    def num_target(self) -> int:
        """Number of target trials."""
        return len(self.target)

    @property
    def num_nontarget(self) -> int:
        """Number of nontarget trials."""
        return len(self.nontarget)

    @property
    def p_miss(self) -> Scores:
        """Share of target trials rejected (FRR), rising from 0 to 1, shape (P,)."""
        return self.misses / self.num_target

    @property
    def p_fa(self) -> Scores:
        """Share of nontarget trials accepted (FAR), falling from 1 to 0, shape (P,)."""
        return self.false_alarms / self.num_nontarget

    def errors_at(self, threshold: float) -> tuple[int, int]:
        """Return the numbers of misses and of false alarms at any threshold."""
        return int(self.target.below(threshold)), self.num_nontarget - int(self.nontarget.below(threshold))

    def rates_at(self, threshold: float) -> tuple[float, float]:
        """Return (p_miss, p_fa) at any threshold."""
        misses, false_alarms = self.errors_at(threshold)
        return misses / self.num_target, false_alarms / self.num_nontarget

    def next_threshold(self, score: float) -> float:
        """Return the lowest score above `score`, or the last threshold where there is none."""
        above = [self.thresholds[-1]]
        for each in (self.target, self.nontarget):
            rank = each.below(np.nextafter(score, np.inf))
            if rank < len(each):
                above.append(each.score_at(rank))
        return float(min(above))


def step_curve(scores: ScoreSet | StepCurve) -> StepCurve:
    """Return the error counts at every threshold; a curve that is one already is returned as is.

    All measures take scores or a curve: give them one curve, and the scores are sorted only once.
    """
    if isinstance(scores, StepCurve):
        return scores
    target, nontarget = np.sort(scores.target), np.sort(scores.nontarget)
    above = np.nextafter(max(float(target[-1]), float(nontarget[-1])), np.inf)
    return curve_of(Ascending(target), Ascending(nontarget), float(above))


def curve_of(target: Ascending, nontarget: Ascending, above: float) -> StepCurve:
    """Return the curve of two classes of one floating-point type, neither empty.

    `above` is a number above all scores, the threshold at which every trial is rejected.
    Only the scores of the smaller class (the targets, nearly always) are looked up in the larger: between
    two of them only the error of the larger class moves, and such a run of steps needs only its ends.
    """
    targets_are_few = len(target.values) <= len(nontarget.values)
    few, many = (target, nontarget) if targets_are_few else (nontarget, target)
    scores, few_before = few.distinct()
    low, high = many.around(scores)
    # Point 2k is where the run of the larger class before the k-th few score begins, 2k + 1 is that score.
    runs = np.stack([np.append(0, high), np.append(low, len(many))], axis=1)
    has_run, is_pure = runs[:, 0] < runs[:, 1], low == high
    is_corner = np.stack([has_run, np.ones_like(has_run)], axis=1)
    is_corner[1:-1, 1] = (
        has_run[1:-1] | ~is_pure[:-1] | ~is_pure[1:]
    )  # else within a run of the smaller class
    thresholds = np.empty(runs.shape)
    thresholds[has_run, 0] = many.score_at(runs[has_run, 0])
    thresholds[:-1, 1] = scores
    thresholds[-1, 1] = above
    rejected_few = np.repeat(few_before, 2)[is_corner.ravel()]
    rejected_many = runs[is_corner]
    misses, rejected = (rejected_few, rejected_many) if targets_are_few else (rejected_many, rejected_few)
    return StepCurve(thresholds[is_corner], misses, len(nontarget) - rejected, target, nontarget)


def _lowest_not_under(thresholds: Scores, dtype: np.dtype) -> Scores:
    """Round thresholds up to `dtype`, so that scores of this type compare with them as with the originals."""
    if dtype == thresholds.dtype:
        return thresholds
    with np.errstate(over="ignore"):
        rounded = thresholds.astype(dtype)
    return np.where(rounded < thresholds, np.nextafter(rounded, dtype.type(np.inf)), rounded)
