"""Print how many matrices a table holds, their sizes, and the range, mean and deviation of their values.

Usage:   wespk feats-stats [options] TABLE ...
Example: wespk feats-stats data/train/feats.scp
         wespk feats-stats --per-column scp:data/train/feats.scp ark:data/dev/feats.ark

A TABLE is scp:FILE or ark:FILE; a path that ends in .scp or .ark may stand alone. Values that are not finite
are counted, named by utterance, and left out of the other figures. A vector counts as a matrix of one column.
The deviation is that of the population. The status is 0 whatever the values are.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from wespk.core.errors import WespkError
from wespk.core.progress import say, track

if TYPE_CHECKING:
    from wespk.data.matrix_stats import MatrixStats

SHOWN_NAMES = 10


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("tables", nargs="+", metavar="TABLE", help="table of matrices or vectors")
    parser.add_argument("--per-column", action="store_true", help="a line for each column, too")
    parser.add_argument(
        "--all-names",
        action="store_true",
        help="name every utterance with a non-finite value, not the first 10",
    )


def run(args: Namespace) -> None:
    """Read each table once and print its figures."""
    from wespk.data.matrix_stats import matrix_stats
    from wespk.data.specifiers import parse_source

    for text in args.tables:
        source = parse_source(text)
        items, total = source.read()
        if total is not None:
            items = track(items, total, "feats-stats")
        try:
            stats = matrix_stats(items)
        except WespkError as error:
            named = str(error).startswith(f"{source.path}:")  # by the reader of the archive
            raise WespkError(str(error) if named else f"{text}: {error}") from None
        say("\n".join(report(text, stats, args.per_column, None if args.all_names else SHOWN_NAMES)))


def report(title: str, stats: MatrixStats, per_column: bool, names: int | None) -> list[str]:
    """Return the lines to print; `names` limits how many utterances are named (None: all)."""
    import numpy as np

    rows, columns = stats.rows, len(stats.columns.count)
    lines = [
        f"{title}: {len(rows)} matrices, {rows.sum()} rows, {columns} columns",
        f"rows of a matrix: min {rows.min()}, median {np.median(rows):g}, max {rows.max()}",
        f"{'':8}{'min':>12}{'mean':>12}{'max':>12}{'std':>12}",
    ]
    tables = [("all", stats.columns.overall())] + ([("", stats.columns)] if per_column else [])
    for name, found in tables:
        for place in range(len(found.count)):
            figures = (found.low, found.mean, found.high, found.deviation)
            label = name or str(place)
            lines.append(f"{label:8}" + "".join(f"{figure[place]:12.5g}" for figure in figures))
    if not stats.non_finite:
        return [*lines, "not finite: none"]
    shown = [f"{key} ({count})" for key, count in list(stats.non_finite.items())[:names]]
    left = len(stats.non_finite) - len(shown)
    told = ", ".join(shown) + (f", and {left} more (--all-names shows them)" if left else "")
    total = sum(stats.non_finite.values())
    return [*lines, f"not finite: {total} values in {len(stats.non_finite)} matrices: {told}"]
