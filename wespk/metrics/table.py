"""The systems table: which numbers it shows, how they are written, and the table for the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from wespk.metrics.evaluation import Evaluation
from wespk.metrics.systems import SystemResult, by_trial_list, trials_title

ABSENT = "–"
AT_DEV = "At the development thresholds"


@dataclass(frozen=True)
class Column:
    """One measure of the table: its heading, the group it stands in, its value, and how that is written.

    `best` says that the lowest value of a trial list is worth marking; `screen` that it fits on the screen,
    where a line has about 80 characters.
    """

    group: str
    heading: str
    value: Callable[[Evaluation], float | None]
    write: Callable[[float], str]
    best: bool = False
    screen: bool = True

    def text(self, evaluation: Evaluation) -> str:
        """Return the value as it is shown; a dash where there is none."""
        value = self.value(evaluation)
        return ABSENT if value is None else self.write(value)


def columns(results: Sequence[SystemResult]) -> list[Column]:
    """Return the columns that have a value in any result, for the operating points of the first."""
    table = _all_columns(results)
    return [column for column in table if any(column.value(each.evaluation) is not None for each in results)]


def best_values(shown: Sequence[Column], group: Sequence[SystemResult]) -> dict[str, str]:
    """Return the lowest value, as written, of each column worth marking; none for a single system."""
    lowest = {}
    for column in shown:
        values = [column.value(result.evaluation) for result in group]
        known = [value for value in values if value is not None]
        if column.best and len(known) > 1:
            lowest[column.heading] = column.write(min(known))
    return lowest


def systems_table(results: Sequence[SystemResult]) -> Table:
    """Return the tables for the screen, one below the other: one for each trial list, a line for each system.

    The lowest value of a column is bold. Columns that only the report page shows are left out: the rest fits
    into 80 characters.
    """
    shown = [column for column in columns(results) if column.screen]
    page = Table.grid()
    for group in by_trial_list(results):
        page.add_row(_screen_table(shown, group))
        page.add_row("")
    if any(column.group == AT_DEV for column in shown):
        page.add_row("Thresholds are those of the development trials; FAR, FRR and actDCF are found at them.")
    return page


def _all_columns(results: Sequence[SystemResult]) -> list[Column]:
    names = [cost.point.name for cost in results[0].evaluation.costs] if results else []
    table = [Column("Discrimination", "EER %", lambda e: e.eer, percent, best=True)]
    for name in names:
        table.append(Column("Discrimination", f"minDCF ({name})", _cost(name, "min_dcf"), fixed, best=True))
    table += [
        Column("Discrimination", "min Cllr", lambda e: e.min_cllr, fixed, best=True, screen=False),
        Column("Calibration", "Cllr", lambda e: e.cllr, fixed, best=True),
    ]
    for name in names[:1]:
        at_bayes = _cost(name, "actual_dcf_bayes")
        table.append(Column("Calibration", f"Bayes DCF ({name})", at_bayes, fixed, best=True, screen=False))
    table += [
        Column(AT_DEV, "EER thresh.", lambda e: e.dev_threshold, threshold),
        Column(AT_DEV, "FAR %", lambda e: e.far_at_dev_eer, percent),
        Column(AT_DEV, "FRR %", lambda e: e.frr_at_dev_eer, percent),
    ]
    for name in names[:1]:
        table += [
            Column(AT_DEV, f"DCF thresh. ({name})", _cost(name, "dev_threshold"), threshold),
            Column(AT_DEV, f"actDCF ({name})", _cost(name, "actual_dcf_dev"), fixed, best=True),
        ]
    return table


def _screen_table(shown: Sequence[Column], group: Sequence[SystemResult]) -> Table:
    title = Text(trials_title(group), style="bold")
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    table.add_column("system", overflow="fold", vertical="bottom")
    for column in shown:
        widest = max(len(column.text(result.evaluation)) for result in group)  # a number is never cut short
        table.add_column(column.heading.replace(" ", "\n"), justify="right", no_wrap=True, min_width=widest)
    best = best_values(shown, group)
    for result in group:
        texts = [(column.heading, column.text(result.evaluation)) for column in shown]
        cells = [Text(text, "bold" if best.get(heading) == text else "") for heading, text in texts]
        table.add_row(Text(result.system), *cells)
    return table


def percent(rate: float) -> str:
    """Write a share in [0, 1] as percent, with three decimals as published tables do."""
    return f"{100 * rate:.3f}"


def fixed(value: float) -> str:
    """Write a cost."""
    return f"{value:.3f}"


def threshold(value: float) -> str:
    """Write a score; cosines and log-likelihood ratios need no exponent, other scales may."""
    return f"{value:.4f}" if value == 0 or 1e-2 <= abs(value) < 1e4 else f"{value:.3g}"


def _cost(name: str, measure: str) -> Callable[[Evaluation], float | None]:
    """Return a reader of one measure at the operating point `name`, None where the point is not evaluated."""

    def read(evaluation: Evaluation) -> float | None:
        found = [getattr(cost, measure) for cost in evaluation.costs if cost.point.name == name]
        return found[0] if found else None

    return read
