"""The table of closed-set identification results: its columns, and the table for the screen."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from wespk.metrics.identification import Identification, IdentificationResult


def headings(group: Sequence[IdentificationResult]) -> tuple[str, ...]:
    """Return what stands above each of `cells`, for results that `by_list` has grouped."""
    others = (f"top-{k} %" for k in group[0].identification.errors_at if k > 1)
    return ("top-1 %", "95 % interval", *others, "errors", "tests", "models")


def cells(found: Identification) -> tuple[str, ...]:
    """Return what stands under each of `headings`."""
    low, high = found.interval
    return (
        f"{100 * found.top1:.2f}",
        f"{100 * low:.1f} to {100 * high:.1f}",
        *(f"{100 * found.accuracy(k):.2f}" for k in found.errors_at if k > 1),
        f"{found.errors:,}",
        f"{found.num_tests:,}",
        f"{found.num_models:,}",
    )


def by_list(results: Sequence[IdentificationResult]) -> list[list[IdentificationResult]]:
    """Group results by trial list, in order of appearance; other sizes and ranks are groups of their own."""
    groups: dict[tuple[str, int, int, tuple[int, ...]], list[IdentificationResult]] = {}
    for result in results:
        found = result.identification
        alike = (result.trials, found.num_tests, found.num_models, tuple(found.errors_at))
        groups.setdefault(alike, []).append(result)
    return list(groups.values())


def list_title(group: Sequence[IdentificationResult]) -> str:
    """Return a line such as ``si: closed-set identification`` for a group."""
    return f"{group[0].trials}: closed-set identification"


def best_top1(group: Sequence[IdentificationResult]) -> str | None:
    """Return the highest top-1 accuracy as written, worth marking; None for a single system."""
    if len(group) < 2:
        return None
    return cells(max((each.identification for each in group), key=lambda found: found.top1))[0]


def identification_table(results: Sequence[IdentificationResult]) -> Table:
    """Return the tables for the screen, one for each trial list, a line for each system.

    The highest top-1 accuracy is bold.
    """
    page = Table.grid()
    for group in by_list(results):
        page.add_row(_screen_table(group))
        page.add_row("")
    return page


def _screen_table(group: Sequence[IdentificationResult]) -> Table:
    title = Text(list_title(group), style="bold")
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0)
    )
    table.add_column("system", overflow="fold")
    for heading in headings(group):
        table.add_column(heading, justify="right", no_wrap=True)
    best = best_top1(group)
    for result in group:
        top1, *rest = cells(result.identification)
        table.add_row(Text(result.system), Text(top1, "bold" if top1 == best else ""), *rest)
    return table
