"""Two systems side by side on the same trials, with the significance of their difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table

from wespk.metrics.bootstrap import DRAWS, Difference, paired_bootstrap
from wespk.metrics.costs import min_dcf
from wespk.metrics.curves import step_curve
from wespk.metrics.error_rates import eer
from wespk.metrics.points import OperatingPoint
from wespk.metrics.records import Record
from wespk.metrics.resampling import SpeakerPairs
from wespk.metrics.scores import Scores, ScoreSet
from wespk.metrics.weighted_errors import Measures

HEADINGS = ("list", "A", "B", "measure", "A", "B", "A - B [95 %]", "p")


@dataclass(frozen=True)
class Comparison(Record):
    """Two systems `a` and `b` on the list `trials`; `num_speakers` is 0 where they are not known."""

    trials: str
    a: str
    b: str
    num_target: int
    num_nontarget: int
    num_speakers: int
    differences: tuple[Difference, ...]


def compare(
    trials: str,
    names: tuple[str, str],
    scores: tuple[Scores, Scores],
    is_target: NDArray[np.bool_],
    points: Sequence[OperatingPoint],
    pairs: SpeakerPairs | None = None,
    *,
    rule: str = "interpolated",
    draws: int = DRAWS,
    seed: int = 0,
) -> Comparison:
    """Compare the EER, and minDCF at each point, of two systems: scores (K,) each, is_target (K,) booleans.

    `pairs` are the speakers of the trials, for intervals and p-values (see `paired_bootstrap`).
    """
    if pairs is None:
        found = _differences(scores, is_target, points, rule)
    else:
        measures = Measures(tuple(points), rule=rule)
        drawn = paired_bootstrap(*scores, is_target, pairs, measures, draws=draws, seed=seed)
        found = tuple(each for each in drawn if each.measure != "cllr")
    targets = int(is_target.sum())
    num_speakers = pairs.num_speakers if pairs else 0
    return Comparison(trials, *names, targets, len(is_target) - targets, num_speakers, found)


def comparison_table(comparisons: Sequence[Comparison]) -> Table:
    """Return the table for the screen."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for heading in HEADINGS[:4]:
        table.add_column(heading)
    for heading in HEADINGS[4:]:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in _rows(comparisons):
        table.add_row(*row)
    return table


def comparison_markdown(comparisons: Sequence[Comparison]) -> str:
    """Return the table as Markdown."""
    rows = [HEADINGS, ("---",) * 4 + ("---:",) * 4, *_rows(comparisons)]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in rows)


def _differences(
    scores: tuple[Scores, Scores], is_target: NDArray[np.bool_], points: Sequence[OperatingPoint], rule: str
) -> tuple[Difference, ...]:
    curves = [step_curve(ScoreSet.from_labels(each, is_target)) for each in scores]
    measured = {"eer": [eer(curve, rule).value for curve in curves]}
    measured |= {
        f"min_dcf({point.name})": [min_dcf(curve, point).value for curve in curves] for point in points
    }
    return tuple(Difference(name, a, b, a - b) for name, (a, b) in measured.items())


def _rows(comparisons: Sequence[Comparison]) -> list[tuple[str, ...]]:
    rows = []
    for each in comparisons:
        for place, found in enumerate(each.differences):
            names = (each.trials, each.a, each.b) if place == 0 else ("", "", "")
            rows.append((*names, *_cells(found)))
    return rows


def _cells(found: Difference) -> tuple[str, ...]:
    is_rate = found.measure == "eer"
    measure = "EER %" if is_rate else found.measure.replace("min_dcf", "minDCF")
    scale, digits = (100, 2) if is_rate else (1, 3)

    def write(value: float, sign: str = "") -> str:
        return f"{scale * value:{sign}.{digits}f}"

    difference, p_value = write(found.difference, "+"), ""
    if found.interval is not None:
        difference += f" [{', '.join(write(bound, '+') for bound in found.interval)}]"
    if found.p_value is not None:
        p_value = f"{found.p_value:.3f}"
    return measure, write(found.a), write(found.b), difference, p_value
