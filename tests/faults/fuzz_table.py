"""The summary of a fuzz as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

TOP_KINDS = 6
HEAD = f"{'family':10}{'cases':>7}{'accepted':>10}{'rejected':>10}{'failed':>8}{'slowest':>10}{'peak MB':>9}"


def table(results: Sequence[Mapping[str, Any]], families: Sequence[str]) -> str:
    """Return a line a family, with the commonest kinds of refusal below it, and a line for all."""
    lines = [HEAD]
    for family in families:
        part = [result for result in results if result["family"] == family]
        if part:
            lines += [_line(family, part), *_kinds(part)]
    return "\n".join([*lines, _line("all", results)])


def _line(name: str, part: Sequence[Mapping[str, Any]]) -> str:
    failed = sum(bool(result["failure"]) for result in part)
    refused = sum(bool(result.get("refusal")) and not result["failure"] for result in part)
    slowest = max((result.get("seconds", 0.0) for result in part), default=0.0)
    grown = max((result.get("grown", 0) for result in part), default=0) / 2**20
    counts = f"{len(part):7}{len(part) - refused - failed:10}{refused:10}{failed:8}"
    return f"{name:10}{counts}{slowest:8.2f} s{grown:9.1f}"


def _kinds(part: Sequence[Mapping[str, Any]]) -> list[str]:
    kinds = Counter(result["refusal"] for result in part if result.get("refusal") and not result["failure"])
    lines = [f"{count:>17} x {kind}" for kind, count in kinds.most_common(TOP_KINDS)]
    more = len(kinds) - TOP_KINDS
    return [*lines, f"{'':>17}   and {more} more"] if more > 0 else lines
