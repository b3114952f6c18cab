"""How a system does on parts of a trial list: by gender, duration, session, or any column of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from wespk.metrics.bootstrap import DRAWS, speaker_bootstrap
from wespk.metrics.costs import min_dcf
from wespk.metrics.error_rates import eer
from wespk.metrics.points import OperatingPoint
from wespk.metrics.records import Record
from wespk.metrics.resampling import SpeakerPairs
from wespk.metrics.scores import Scores, ScoreSet
from wespk.metrics.weighted_errors import Measures


@dataclass(frozen=True)
class BreakdownRow(Record):
    """The trials that have one value of a column. Rates are shares in [0, 1].

    `eer` and `min_dcf` (at the first operating point) are None where the part has no target or no nontarget
    trials; `low` and `high` bound the 95 % interval of `eer` and are None where there is none.
    `num_speakers` is 0 where the speakers are not known.
    """

    value: str
    num_target: int
    num_nontarget: int
    num_speakers: int
    eer: float | None
    low: float | None
    high: float | None
    min_dcf: float | None


@dataclass(frozen=True)
class Breakdown(Record):
    """The trials divided by the column `by`; each trial is in one row."""

    by: str
    rows: tuple[BreakdownRow, ...]


def break_down(
    by: str,
    values: Sequence[str],
    part: NDArray[np.intp],
    scores: Scores,
    is_target: NDArray[np.bool_],
    point: OperatingPoint,
    speakers: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None,
    *,
    rule: str = "interpolated",
    draws: int = DRAWS,
    seed: int = 0,
) -> Breakdown:
    """Measure each part of the trials by itself; values without trials get no row.

    scores and is_target (K,); part (K,) points into `values`, which is the order of the rows. `speakers`, of
    the enrol and of the test side, (K,) each, give intervals by a bootstrap over the speakers of the part.
    """

    def row(value: str, chosen: NDArray[np.intp]) -> BreakdownRow:
        labels = is_target[chosen]
        targets = int(labels.sum())
        pairs = SpeakerPairs.of(speakers[0][chosen], speakers[1][chosen]) if speakers else None
        counts = (value, targets, len(chosen) - targets, pairs.num_speakers if pairs else 0)
        if not 0 < targets < len(chosen):
            return BreakdownRow(*counts, eer=None, low=None, high=None, min_dcf=None)
        measured = ScoreSet.from_labels(scores[chosen], labels)
        low: float | None = None
        high: float | None = None
        if pairs and draws:
            found = speaker_bootstrap(
                scores[chosen], labels, pairs, Measures(rule=rule), draws=draws, seed=seed
            )
            low, high = found.intervals.get("eer", (None, None))
        rate, cost = eer(measured, rule).value, min_dcf(measured, point).value
        return BreakdownRow(*counts, eer=rate, low=low, high=high, min_dcf=cost)

    order = np.argsort(part, kind="stable")
    ends = np.searchsorted(part[order], np.arange(len(values) + 1))
    slices = (order[start:end] for start, end in pairwise(ends.tolist()))
    rows = [row(value, chosen) for value, chosen in zip(values, slices, strict=True) if len(chosen)]
    return Breakdown(by, tuple(rows))
