"""Closed-set identification: a table for each trial list."""

from __future__ import annotations

from collections.abc import Sequence

from wespk.metrics.identification import IdentificationResult
from wespk.metrics.identification_table import best_top1, by_list, cells, headings, list_title
from wespk.metrics.markup import Html, element, fold, join, table
from wespk.metrics.sections.section import Section

READING = """
Each test utterance is compared with every enrolled speaker and goes to the one that scores highest; a tie
counts as an error. The highest top-1 accuracy is bold. Top-5: the true speaker is among the five that score
highest. The interval is Wilson's for the top-1 accuracy.
"""


def identification_sections(results: Sequence[IdentificationResult]) -> list[Section]:
    """Return a section for each trial list; the last one says how to read them."""
    groups = by_list(results)
    names = [f"{group[0].trials}: identification" for group in groups]
    sections = [
        Section(name, list_title(group), _table(group)) for name, group in zip(names, groups, strict=True)
    ]
    if sections:
        last, reading = sections[-1], fold("How to read accuracies", element("p", READING))
        sections[-1] = last._replace(content=join([last.content, reading]))
    return sections


def _table(group: Sequence[IdentificationResult]) -> Html:
    best, rows = best_top1(group), []
    for result in group:
        top1, *rest = cells(result.identification)
        rows.append((result.system, element("strong", top1) if top1 == best else top1, *rest))
    return table(("system", *headings(group)), rows)
