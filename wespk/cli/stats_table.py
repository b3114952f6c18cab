"""The table that `wespk data-stats` prints: a column a directory, a line a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from wespk.data.stats import DataStats, Spread

ABSENT = "–"


def stats_table(found: Sequence[DataStats]) -> Table:
    """Return the table of the figures of directories."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("")
    for stats in found:
        table.add_column(Text(stats.path), justify="right", overflow="fold")
    columns = [_lines(stats) for stats in found]
    for name in columns[0]:
        table.add_row(Text(name), *(Text(column[name]) for column in columns))
    return table


def _lines(stats: DataStats) -> dict[str, str]:
    classes = stats.histogram.items()
    return {
        "speakers": str(stats.speakers),
        "of gender": _counts(stats.genders),
        "utterances": str(stats.utterances),
        "recordings": str(stats.recordings),
        "hours": f"{stats.hours:.2f}",
        "durations from": stats.durations_from,
        "no duration": str(len(stats.unknown)),
        "seconds: min, median, max": _spread(stats.seconds, ".2f"),
        **{f"  {name} s": str(count) for name, count in classes},
        "utterances a speaker": _spread(stats.utterances_per_speaker, "g"),
        "minutes a speaker": _spread(stats.minutes_per_speaker, ".2f"),
        "sample rates": _counts(stats.sample_rates) if stats.sample_rates else "not read",
        "channels": _counts(stats.channels) if stats.channels else "not read",
        "formats": _counts(stats.formats) if stats.formats else "not read",
    }


def _spread(spread: Spread | None, form: str) -> str:
    if spread is None:
        return ABSENT
    return ", ".join(format(value, form) for value in (spread.min, spread.median, spread.max))


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items())
