"""The tables that `wespk models` prints, and the one of docs/models.md."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from wespk.models.catalogue import Variant
from wespk.models.summary import Layer, Summary

ABSENT = "–"
HEADS = (
    "network",
    "D",
    "M parameters",
    "published",
    "G MACs",
    "published",
    "receptive field",
    "least frames",
    "paper",
)
TEXT_COLUMNS = (0, len(HEADS) - 1)  # the others are numbers


def networks_table(found: Sequence[tuple[Variant, Summary]]) -> Table:
    """Return the table of networks for the screen."""
    table = _table(HEADS, TEXT_COLUMNS)
    for variant, summary in found:
        authors = variant.paper.authors if variant.paper else ABSENT
        table.add_row(*map(Text, [*_cells(variant, summary), authors]))
    return table


def networks_markdown(found: Sequence[tuple[Variant, Summary]]) -> str:
    """Return the same table as Markdown, with links to the papers."""
    rows = [list(HEADS), ["---" if number in TEXT_COLUMNS else "---:" for number in range(len(HEADS))]]
    for variant, summary in found:
        name, *numbers = _cells(variant, summary)
        paper = f"[{variant.paper.authors}]({variant.paper.address})" if variant.paper else ABSENT
        rows.append([f"`{name}`", *numbers, paper])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def layers_table(layers: Sequence[Layer]) -> Table:
    """Return a line for each layer: where it is, its class, output, parameters and multiply-accumulates."""
    table = _table(("layer", "class", "output", "parameters", "M MACs"), (0, 1))
    for layer in layers:
        *above, own = layer.name.split(".")
        table.add_row(
            Text("  " * len(above) + own),
            Text(layer.kind),
            Text(" x ".join(map(str, layer.output[1:]))),
            Text(f"{layer.parameters:,}" if layer.parameters else ""),
            Text(f"{layer.macs / 1e6:,.2f}" if layer.macs else ""),
        )
    return table


def _cells(variant: Variant, summary: Summary) -> list[str]:
    """Return a network's line but for the paper."""
    published = variant.published
    return [
        variant.label,
        str(summary.embedding_dim),
        f"{summary.parameters / 1e6:.2f}",
        f"{published.parameters} {published.source}" if published else ABSENT,
        f"{summary.macs / 1e9:.2f}",
        published.macs if published and published.macs else ABSENT,
        ABSENT if summary.receptive_field is None else str(summary.receptive_field),
        ABSENT if summary.min_frames is None else str(summary.min_frames),
    ]


def _table(heads: Sequence[str], text_columns: Sequence[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for number, name in enumerate(heads):
        table.add_column(Text(name), justify="left" if number in text_columns else "right", overflow="fold")
    return table
