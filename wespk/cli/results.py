"""Write the tables of a Markdown file, such as RESULTS.md, from the results of experiments.

Usage:   wespk results [--check] RESULTS.md [EXP ...]
Example: wespk results egs/mini/RESULTS.md
         wespk results RESULTS.md exp/ecapa

What stands between two comments is made anew; the first one says from what:

  <!-- wespk results exp/ecapa test test_3 systems=cosine,plda -->
  <!-- end of wespk results -->

It names an experiment (a folder, relative to that of the file), then lists and systems (without: all). A file
may have many such blocks; the rest of it stays as it is. With EXP, only the blocks of these experiments are
written. The numbers are those of EXP/results/*.json and EXP/identification/*.json, as in `wespk report`.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from os.path import relpath
from pathlib import Path

from wespk.cli.experiment import Results, read_results
from wespk.core.errors import WespkError, nearest
from wespk.core.files import read_text, write_text
from wespk.core.progress import say
from wespk.metrics.blocks import END, Block, begin_marker, fill_blocks, find_blocks
from wespk.metrics.markdown import results_markdown


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("file", type=Path, metavar="RESULTS.md", help="a Markdown file with blocks")
    parser.add_argument(
        "exp", type=Path, nargs="*", metavar="EXP", help="only the blocks of these experiments"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the file is out of date")


def run(args: Namespace) -> None:
    """Make the blocks anew; write the file if that changes it."""
    path: Path = args.file
    text = read_text(path)
    blocks = _chosen(path, text, args.exp)
    contents = {block: _tables(path, block) for block in blocks}
    changed = [block for block in blocks if fill_blocks(text, {block: contents[block]}) != text]
    if args.check and changed:
        which = f"the block of {changed[0].exp} is out of date ({len(changed)} of {len(blocks)} are)"
        raise WespkError(f"{path}:{changed[0].first}: {which}; run `wespk results {path}`")
    if changed:
        write_text(path, fill_blocks(text, contents))
    written = " and are written" if changed else ""
    say(f"{path}: {len(changed)} of {len(blocks)} blocks were out of date{written}")


def _chosen(path: Path, text: str, exps: Sequence[Path]) -> list[Block]:
    """Return the blocks to write: all, or those of the experiments named."""
    try:
        blocks = find_blocks(text)
    except WespkError as error:
        raise WespkError(f"{path}:{error}") from None
    folders = [_folder(path, block) for block in blocks]
    for exp in exps or [Path("exp/NAME")] * (not blocks):
        if exp.resolve() not in folders:
            block = f"`{begin_marker(relpath(exp, path.parent) if exps else str(exp))}` and `{END}`"
            whose = f" of {exp}" if exps else ""
            raise WespkError(f"{path}: no block{whose}; put the lines {block} where its tables belong")
    wanted = [exp.resolve() for exp in exps] or folders
    return [block for block, folder in zip(blocks, folders, strict=True) if folder in wanted]


def _folder(path: Path, block: Block) -> Path:
    return (path.parent / block.exp).resolve()


def _tables(path: Path, block: Block) -> str:
    """Return the tables of a block. Raises `WespkError` for a list or a system without results."""
    where = f"{path}:{block.first}"
    try:
        results = read_results(path.parent / block.exp)
    except WespkError as error:
        raise WespkError(f"{where}: {error}") from None
    for name in block.lists:
        if name not in results.lists:
            raise WespkError(
                f"{where}: {block.exp} has no results of '{name}': {nearest(name, results.lists)}"
            )
    return _selected(results, block, where)


def _selected(results: Results, block: Block, where: str) -> str:
    lists, wanted = block.lists or results.lists, list(block.systems)
    systems = [each for name in lists for each in results.systems if each.trials == name]
    identified = [each for name in lists for each in results.identification if each.trials == name]
    known = [*dict.fromkeys([*(each.system for each in systems), *(each.system for each in identified)])]
    for name in wanted:
        if name not in known:
            raise WespkError(f"{where}: {block.exp} has no results of '{name}': {nearest(name, known)}")
    if wanted:
        systems = [each for each in systems if each.system in wanted]
        identified = [each for each in identified if each.system in wanted]
        systems.sort(key=lambda each: (lists.index(each.trials), wanted.index(each.system)))
        identified.sort(key=lambda each: (lists.index(each.trials), wanted.index(each.system)))
    return results_markdown(systems, identified)
