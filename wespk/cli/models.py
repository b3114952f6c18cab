"""Print the networks that a recipe can name, with their sizes, or the layers of one of them.

Usage:   wespk models [--feat-dim N] [--write FILE]
         wespk models NAME [--feat-dim N] [--set KEY=VALUE ...] [--depth N]
Example: wespk models
         wespk models resnet34 --set embedding_dim=128 --set pooling.name=mqmhastp --set pooling.heads=8
         wespk models my.package:Network --feat-dim 40 --depth 3

Columns: D, the size of the embedding; parameters in millions; multiply-accumulates (MACs) of convolutions and
matrix products for 2 seconds, 200 frames, in billions; how many frames a frame-level output sees through
convolutions; the least number of frames that the network takes. Published sizes are those of others' tables
for 80 columns. NAME is a registered network or the dotted path of your own class.

--write puts the table between the lines `<!-- wespk models -->` and `<!-- end of wespk models -->` of a
Markdown file, as docs/models.md has them.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from wespk.core.errors import WespkError
from wespk.core.progress import say

if TYPE_CHECKING:
    from wespk.models.catalogue import Variant
    from wespk.models.summary import Summary

FILE_WIDTH = 1000
FEAT_DIM = 80  # columns for which the published sizes are
BEGIN, END = "<!-- wespk models -->", "<!-- end of wespk models -->"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="print the layers of this network")
    parser.add_argument("--feat-dim", type=int, default=FEAT_DIM, metavar="N", help="feature columns (80)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of NAME, as under `model:` in a recipe; may be repeated",
    )
    parser.add_argument("--depth", type=int, metavar="N", help="levels of NAME's layers to show (2)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table into this Markdown file")


def run(args: Namespace) -> None:
    """Print one of the tables, or write the first into a file."""
    if args.feat_dim < 1:
        raise WespkError(f"--feat-dim {args.feat_dim}: must be at least 1")
    if args.depth is not None and args.depth < 1:
        raise WespkError(f"--depth {args.depth}: must be at least 1")
    if args.name is None and (args.set or args.depth is not None):
        raise WespkError("--set and --depth are of one network; name it: wespk models NAME ...")
    if args.write and (args.name is not None or args.feat_dim != FEAT_DIM):
        raise WespkError("--write writes the table of all networks at 80 columns; leave out the rest")
    if args.write:
        _write(args.write)
    elif args.name is None:
        _print_networks(args.feat_dim)
    else:
        _print_layers(args.name, args.set, args.feat_dim, args.depth or 2)


def _print_networks(feat_dim: int) -> None:
    from wespk.cli.models_table import networks_table

    _print(networks_table(_summaries(feat_dim)))


def _print_layers(name: str, settings: list[str], feat_dim: int, depth: int) -> None:
    from wespk.cli.models_table import layers_table
    from wespk.core.config import Component, override, parse_config
    from wespk.models.summary import summarise

    component = parse_config(Component, override({"name": name}, settings), "--set")
    if component.name != name:
        raise WespkError(f"--set name={component.name}: the network is {name}; name one of them")
    summary = summarise(component, feat_dim)
    say(_headline(name, summary))
    say(f"options and their defaults: {_defaults(name)}")
    _print(layers_table([layer for layer in summary.layers if layer.depth <= depth]))


def _headline(name: str, summary: Summary) -> str:
    sizes = [
        f"{summary.feat_dim} columns -> {summary.embedding_dim}",
        f"{summary.parameters:,} parameters",
        f"{summary.macs:,} MACs for {summary.num_frames} frames",
    ]
    if summary.receptive_field is not None:
        sizes.append(f"receptive field {summary.receptive_field} frames")
    if summary.min_frames is not None:
        sizes.append(f"least length {summary.min_frames}")
    return f"{name}: {', '.join(sizes)}"


def _defaults(name: str) -> str:
    """Return what may stand beside the network's name in a recipe."""
    from inspect import Parameter, signature

    from wespk.core.config import find_component
    from wespk.models import REGISTRY

    parameters = signature(find_component(name, REGISTRY, "model")).parameters.values()
    return ", ".join(
        each.name if each.default is Parameter.empty else f"{each.name}={each.default}"
        for each in parameters
        if each.name != "feat_dim"
    )


def _write(path: Path) -> None:
    """Put the table between the file's marks; write the file if that changes it."""
    from wespk.cli.models_table import networks_markdown
    from wespk.core.files import read_text, write_text
    from wespk.metrics.blocks import Block, fill_blocks

    text = read_text(path)
    lines = [line.strip() for line in text.splitlines()]
    if lines.count(BEGIN) != 1 or lines.count(END) != 1 or lines.index(END) < lines.index(BEGIN):
        raise WespkError(f"{path}: put the lines `{BEGIN}` and `{END}`, each once, where the table belongs")
    block = Block("", (), (), lines.index(BEGIN) + 1, lines.index(END) + 1)
    filled = fill_blocks(text, {block: networks_markdown(_summaries(FEAT_DIM))})
    if filled != text:
        write_text(path, filled)
    say(f"{path}: the table {'was out of date and is written' if filled != text else 'is up to date'}")


def _summaries(feat_dim: int) -> list[tuple[Variant, Summary]]:
    from wespk.models.catalogue import variants
    from wespk.models.summary import summarise

    return [(variant, summarise(variant.component, feat_dim)) for variant in variants()]


def _print(table: object) -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=FILE_WIDTH)  # a program or a file has no margin to keep
    console.print(table)
