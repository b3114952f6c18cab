"""The systems table: which numbers it shows, how they are written, and the tables for screen and Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wespk.metrics.evaluation import Evaluation, PointCost
from wespk.metrics.systems import SystemResult, by_trial_list, trials_title

ABSENT = "–"
AT_DEV = "At the development thresholds"
POINTS_ON_SCREEN = 3  # operating points that have a column there


@dataclass(frozen=True)
class Column:
    """One measure of the table: its heading, the group it stands in, its value, and how that is written.

    `best` says that the lowest value of a trial list is worth marking; `screen` that it fits on the screen,
    where a line has about 100 characters. `interval` names the interval that is written with the value.
    """

    group: str
    heading: str
    value: Callable[[Evaluation], float | None]
    write: Callable[[float], str]
    best: bool = False
    screen: bool = True
    interval: str = ""

    def text(self, evaluation: Evaluation) -> str:
        """Return the value as it is shown, with its interval if there is one; a dash where there is none."""
        value = self.value(evaluation)
        bounds = evaluation.intervals.get(self.interval)
        if value is None:
            return ABSENT
        return self.write(value) if bounds is None else percent_within(value, *bounds)


def columns(results: Sequence[SystemResult]) -> list[Column]:
    """Return the columns that have a value in any result, for the operating points of the first."""
    table = _all_columns(results)
    return [column for column in table if any(column.value(each.evaluation) is not None for each in results)]


def best_values(shown: Sequence[Column], group: Sequence[SystemResult]) -> dict[str, str]:
    """Return the text of the lowest value of each column worth marking; none for a single system."""
    lowest = {}
    for column in shown:
        values = [(column.value(result.evaluation), result.evaluation) for result in group]
        known = [(value, evaluation) for value, evaluation in values if value is not None]
        if column.best and len(known) > 1:
            lowest[column.heading] = column.text(min(known, key=lambda each: each[0])[1])
    return lowest


def systems_table(results: Sequence[SystemResult]) -> Table:
    """Return the tables for the screen, one below the other: one for each trial list, a line for each system.

    The lowest value of a column is bold. Columns that only the report page shows are left out: the rest fits
    into 80 characters, or 100 with intervals.
    """
    shown = [column for column in columns(results) if column.screen]
    page = Table.grid()
    for group in by_trial_list(results):
        page.add_row(Text(trials_title(group), style="bold"))
        page.add_row(_screen_table(shown, group))
        page.add_row("")
    if any(column.group == AT_DEV for column in shown):
        page.add_row("Thresholds are those of the development trials; FAR, FRR and actDCF are found at them.")
    return page


def as_text(table: Table, width: int = 100) -> str:
    """Return a table as text without colours, of lines of at most `width` characters."""
    console = Console(file=StringIO(), width=width)
    console.print(table)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in lines).rstrip()


def markdown_table(results: Sequence[SystemResult]) -> str:
    """Return the tables as Markdown, one for each trial list: EER and costs with intervals, Cllr, min Cllr.

    The actual costs are those at the development thresholds, or else at the Bayes thresholds.
    """
    return "\n\n".join(_markdown_list(group) for group in by_trial_list(results)) + "\n"


def _markdown_list(group: Sequence[SystemResult]) -> str:
    costs = group[0].evaluation.costs
    heads = ["system", "EER % [95 %]", *(f"minDCF({cost.point.name})" for cost in costs)]
    heads += [*(f"actDCF({cost.point.name})" for cost in costs), "Cllr", "min Cllr"]
    rows = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    for result in group:
        found = result.evaluation
        cells = [result.system.replace("|", "\\|"), rate_text(found)]
        cells += [fixed(cost.min_dcf) for cost in found.costs] + [
            fixed(_actual(cost)) for cost in found.costs
        ]
        rows.append([*cells, fixed(found.cllr), fixed(found.min_cllr)])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{trials_title(group)}\n\n{table}"


def rate_text(evaluation: Evaluation) -> str:
    """Return the equal error rate in percent, with its interval if there is one: ``1.90 [1.4, 2.6]``."""
    bounds = evaluation.intervals.get("eer")
    return percent(evaluation.eer) if bounds is None else percent_within(evaluation.eer, *bounds)


def _all_columns(results: Sequence[SystemResult]) -> list[Column]:
    names = [cost.point.name for cost in results[0].evaluation.costs] if results else []
    rule = results[0].evaluation.rule if results else ""
    heading = "EER %" if rule in ("", "interpolated") else f"EER % ({rule})"
    table = [Column("Discrimination", heading, lambda e: e.eer, percent, best=True, interval="eer")]
    for place, name in enumerate(names):
        at_best, fits = _cost(name, "min_dcf"), place < POINTS_ON_SCREEN
        table.append(Column("Discrimination", f"minDCF ({name})", at_best, fixed, best=True, screen=fits))
    table += [
        Column("Discrimination", "min Cllr", lambda e: e.min_cllr, fixed, best=True),
        Column("Calibration", "Cllr", lambda e: e.cllr, fixed, best=True),
    ]
    for name in names[:1]:
        at_bayes = _cost(name, "actual_dcf_bayes")
        no_dev = not any(each.evaluation.at_dev for each in results)
        table.append(Column("Calibration", f"Bayes DCF ({name})", at_bayes, fixed, best=True, screen=no_dev))
    table += [
        Column(AT_DEV, "EER thresh.", _at_dev("threshold"), threshold),
        Column(AT_DEV, "FAR %", _at_dev("far"), percent),
        Column(AT_DEV, "FRR %", _at_dev("frr"), percent),
    ]
    for name in names[:1]:
        table += [
            Column(AT_DEV, f"DCF thresh. ({name})", _cost(name, "dev_threshold"), threshold),
            Column(AT_DEV, f"actDCF ({name})", _cost(name, "actual_dcf_dev"), fixed, best=True),
        ]
    return table


def _screen_table(shown: Sequence[Column], group: Sequence[SystemResult]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
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


def percent_within(rate: float, low: float, high: float) -> str:
    """Write a share in [0, 1] as percent with its interval: ``1.90 [1.4, 2.6]``, ``0.141 [0.05, 0.29]``."""
    digits = 2 if rate >= 0.01 else 3
    bounds = ", ".join(f"{100 * bound:.{digits - 1}f}" for bound in (low, high))
    return f"{100 * rate:.{digits}f} [{bounds}]"


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


def _actual(cost: PointCost) -> float:
    return cost.actual_dcf_bayes if cost.actual_dcf_dev is None else cost.actual_dcf_dev


def _at_dev(measure: str) -> Callable[[Evaluation], float | None]:
    """Return a reader of one measure at the development trials' EER threshold, None where there is none."""

    def read(evaluation: Evaluation) -> float | None:
        found = [getattr(each, measure) for each in evaluation.at_dev if each.name == "eer"]
        return found[0] if found else None

    return read
