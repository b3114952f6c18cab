"""What the run was: rejected items, the manifest, the configuration."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wespk.metrics.markup import element, fold, join, table
from wespk.metrics.sections.section import Section

REJECTED_SHOWN = 200  # of each stage; the ledger itself has them all


@dataclass(frozen=True)
class Rejected:
    """An item that a stage could not use: the stage or ledger file, the item's id, and why."""

    stage: str
    item: str
    reason: str


def run_sections(
    rejected: Sequence[Rejected], unseen: Sequence[str], manifest: Mapping[str, Any], config: str
) -> list[Section]:
    """Return the sections about the run itself."""
    return [_rejected(rejected, unseen), _manifest(manifest), _config(config)]


def _rejected(rejected: Sequence[Rejected], unseen: Sequence[str]) -> Section:
    note = element("p", f"Not searched, because it is not there: {', '.join(unseen)}") if unseen else ""
    if not rejected:
        return Section("rejected", "Rejected items", join([element("p", "none"), note]))
    by_stage: dict[str, list[Rejected]] = {}
    for each in rejected:
        by_stage.setdefault(each.stage, []).append(each)
    shown = [each for items in by_stage.values() for each in items[:REJECTED_SHOWN]]
    rows = [(each.item, each.reason, each.stage) for each in shown]
    left_out = [
        element("p", f"{stage}: and {len(items) - REJECTED_SHOWN:,} more, not shown here.")
        for stage, items in by_stage.items()
        if len(items) > REJECTED_SHOWN
    ]
    content = join([table(("item", "reason", "ledger"), rows, words=3), *left_out, note])
    return Section("rejected", f"Rejected items: {len(rejected):,}", content)


def _manifest(manifest: Mapping[str, Any]) -> Section:
    pairs = [join([element("dt", key), element("dd", _plain(value))]) for key, value in manifest.items()]
    content = element("dl", *pairs) if pairs else element("p", "no manifest", class_="soft")
    return Section("manifest", "Manifest", content)


def _config(config: str) -> Section:
    content = fold("The resolved configuration", element("pre", config)) if config else element("p", "none")
    return Section("configuration", "Configuration", content)


def _plain(value: Any) -> str:
    """Write a value of the manifest for people: nested maps and lists in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(each)}" for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return shlex.join(map(str, value))
    return str(value)
