"""The tables of results as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from wespk.metrics.identification import IdentificationResult
from wespk.metrics.identification_table import by_list, cells, headings, list_title
from wespk.metrics.systems import SystemResult
from wespk.metrics.table import markdown_table


def results_markdown(systems: Sequence[SystemResult], identification: Sequence[IdentificationResult]) -> str:
    """Return the tables of verification, then those of identification, one for each trial list."""
    tables = [markdown_table(systems)] if systems else []
    tables += [_identified(group) for group in by_list(identification)]
    return "\n\n".join(each.strip("\n") for each in tables) + "\n"


def _identified(group: Sequence[IdentificationResult]) -> str:
    heads = ["system", *headings(group)]
    rows = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    rows += [[result.system.replace("|", "\\|"), *cells(result.identification)] for result in group]
    return "\n".join([list_title(group), "", *(f"| {' | '.join(row)} |" for row in rows)])
