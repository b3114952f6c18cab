"""Blocks of a Markdown file that a command writes: what stands between two comments is made anew.

The first comment says from what, so that the file knows by itself how its tables are made:

    <!-- wespk results exp/ecapa test test_3 systems=cosine,plda -->
    ... tables ...
    <!-- end of wespk results -->

Comments inside fenced code, as above all in an explanation of this, are text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from wespk.core.errors import WespkError

END = "<!-- end of wespk results -->"
_BEGINS = re.compile(r"\s*<!--\s*wespk results\b(.*?)-->\s*")
_ENDS = re.compile(r"\s*<!--\s*end of wespk results\s*-->\s*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


@dataclass(frozen=True)
class Block:
    """Tables of the experiment `exp`: of these `lists` (none: of all) and `systems` (none: all).

    The comments stand in the lines `first` and `last` of the file, counted from 1.
    """

    exp: str
    lists: tuple[str, ...]
    systems: tuple[str, ...]
    first: int
    last: int


def begin_marker(exp: str) -> str:
    """Return the comment that begins a block of all tables of an experiment."""
    return f"<!-- wespk results {exp} -->"


def find_blocks(text: str) -> list[Block]:
    """Return the blocks of a Markdown text, in its order.

    Raises `WespkError` that begins with the number of the line, for a block without end, an end without
    beginning, and a comment that names no experiment.
    """
    blocks: list[Block] = []
    opened: tuple[int, str] | None = None
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        fence = _fence_after(line, fence)
        begins, ends = (None, None) if fence else (_BEGINS.fullmatch(line), _ENDS.fullmatch(line))
        if begins and opened:
            raise WespkError(f"{opened[0]}: the block does not end before the next one; add `{END}`")
        if begins:
            opened = number, begins[1]
        if ends and not opened:
            raise WespkError(f"{number}: a block ends here that has not begun; remove the line")
        if ends and opened:
            blocks.append(_block(opened[1], opened[0], number))
            opened = None
    if opened:
        raise WespkError(f"{opened[0]}: the block does not end; add `{END}`")
    return blocks


def fill_blocks(text: str, contents: Mapping[Block, str]) -> str:
    """Return the text with these contents in these of its blocks; everything else stays as it is."""
    lines = text.splitlines(keepends=True)
    for block in sorted(contents, key=lambda each: -each.first):
        line_end = "\r\n" if lines[block.first - 1].endswith("\r\n") else "\n"
        inside = ["", *contents[block].strip("\n").split("\n"), ""]
        lines[block.first : block.last - 1] = [line + line_end for line in inside]
    return "".join(lines)


def _fence_after(line: str, fence: str) -> str:
    """Return the fence of the code that the next line is in, or ""; `fence` is that of this line."""
    found = _FENCE.match(line)
    if not fence:
        return found[1] if found else ""
    closes = found and found[1].startswith(fence) and found[1] == line.strip()
    return "" if closes else fence


def _block(words: str, first: int, last: int) -> Block:
    exp, lists = "", []
    systems: tuple[str, ...] = ()
    for word in words.split():
        if word.startswith("systems="):
            systems = tuple(word.removeprefix("systems=").split(","))
        elif not exp:
            exp = word
        else:
            lists.append(word)
    if not exp:
        raise WespkError(f"{first}: the comment names no experiment; write `{begin_marker('exp/NAME')}`")
    return Block(exp, tuple(lists), systems, first, last)
