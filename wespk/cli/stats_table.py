"""The tables that `wespk data-stats` prints: a line a figure for one directory, a line each for several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from wespk.data.stats import DataStats, Spread

ABSENT = "–"


def stats_tables(found: Sequence[DataStats]) -> list[Table]:
    """Return the figures of one directory, line by line, or those of several as tables of a line each."""
    if len(found) == 1:
        return [_table(["", found[0].path], [[name, text] for name, text in _lines(found[0]).items()])]
    paths = [stats.path for stats in found]
    return [
        _table([name, *cells[0]], [[path, *row.values()] for path, row in zip(paths, cells, strict=True)])
        for name, cells in (
            ("", [_counted(stats) for stats in found]),
            ("seconds", [_classes(stats) for stats in found]),
            ("", [_audio(stats) for stats in found]),
        )
    ]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for number, name in enumerate(header):
        table.add_column(Text(name), justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _counted(stats: DataStats) -> dict[str, str]:
    spread = stats.seconds
    return {
        "utts": str(stats.utterances),
        "spks": str(stats.speakers),
        "f/m/unknown": "/".join(str(stats.genders.get(gender, 0)) for gender in ("f", "m", "unknown")),
        "hours": f"{stats.hours:.2f}",
        "min s": f"{spread.min:.2f}" if spread else ABSENT,
        "median s": f"{spread.median:.2f}" if spread else ABSENT,
        "max s": f"{spread.max:.2f}" if spread else ABSENT,
        "no length": str(len(stats.unknown)),
    }


def _classes(stats: DataStats) -> dict[str, str]:
    return {name: str(count) for name, count in stats.histogram.items()}


def _audio(stats: DataStats) -> dict[str, str]:
    return {
        "recordings": str(stats.recordings),
        "rates": _counts(stats.sample_rates) or "not read",
        "channels": _counts(stats.channels) or "not read",
        "formats": _counts(stats.formats) or "not read",
        "lengths from": stats.durations_from,
    }


def _lines(stats: DataStats) -> dict[str, str]:
    return {
        "speakers": str(stats.speakers),
        "of gender": _counts(stats.genders),
        "utterances": str(stats.utterances),
        "recordings": str(stats.recordings),
        "hours": f"{stats.hours:.2f}",
        "durations from": stats.durations_from,
        "no duration": str(len(stats.unknown)),
        "seconds: min, median, max": _spread(stats.seconds, ".2f"),
        **{f"  {name} s": str(count) for name, count in stats.histogram.items()},
        "utterances a speaker": _spread(stats.utterances_per_speaker, "g"),
        "minutes a speaker": _spread(stats.minutes_per_speaker, ".2f"),
        "sample rates": _counts(stats.sample_rates) or "not read",
        "channels": _counts(stats.channels) or "not read",
        "formats": _counts(stats.formats) or "not read",
    }


def _spread(spread: Spread | None, form: str) -> str:
    if spread is None:
        return ABSENT
    return ", ".join(format(value, form) for value in (spread.min, spread.median, spread.max))


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items())
