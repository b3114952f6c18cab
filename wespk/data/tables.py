"""Kaldi text tables: `key value` lines, sorted by bytes."""

from __future__ import annotations

import operator
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, line_blocks, write_text

BLOCK_BYTES = 1 << 18  # small enough to stay in a core's cache
MOST_LINE_BYTES = 256 << 20  # a line of spk2utt names all utterances of a speaker
CONTROLS = bytes({*range(32), 127} - {*b"\t\n"})
_SPACES = r"\x7f-\xa0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
UNFIT_ASCII = re.compile(r"[\x00-\x20\x7f]")
UNFIT = re.compile(rf"[\x00-\x20{_SPACES}]")
UNFIT_BETWEEN = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f{_SPACES}]")  # likewise, in lines of several ids


def read_table(
    path: PathLike, *, value_required: bool = True, expected: Sequence[str] = ()
) -> dict[str, str]:
    """Read `key value` lines into a dict in file order; see `read_rows`."""
    table: dict[str, str] = {}
    for keys, values in read_rows(path, value_required=value_required, expected=expected):
        table.update(zip(keys, values, strict=True))
    return table


def read_rows(
    path: PathLike, *, value_required: bool = True, expected: Sequence[str] = ()
) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the keys and the values of `key value` lines, a few thousand lines at a time.

    `expected` are the keys of another table, which this one is thought to have too: where it does, reading is
    faster, and the strings of `expected` are yielded. Raises `WespkError` with file and line for text that is
    not UTF-8, a byte order mark, a Windows line end, a control character, an empty line, a key without value,
    a key with a tab or with a space of Unicode in it, a duplicate key, keys that are not sorted by bytes
    (LC_ALL=C), and a last line without line end.
    """
    last, number = "", 1  # the last key of the block before, and the line that the next block begins with
    place = 0  # in `expected`
    for block in line_blocks(path, BLOCK_BYTES, MOST_LINE_BYTES):
        if not block.endswith(b"\n"):
            raise WespkError(f"{path}: the last line has no line end; the file may be cut off")
        lines = _decode(block, path, number)[:-1].split("\n")
        guess = list(expected[place : place + len(lines)])
        keys, values = _split_as(guess, lines) or _split(lines)
        if b"  " in block or b" \n" in block:  # Kaldi's own tools write such spaces, and ignore them
            values = [value.strip(" ") for value in values]
        # str compares by code points, which is the order of the UTF-8 bytes; a first key must exceed "".
        fit = keys is guess or (operator.lt(last, keys[0]) and _are_sorted_ids(keys))
        controls = len(block) != len(block.translate(None, CONTROLS))
        if not fit or controls or (value_required and "" in values):
            _complain(path, number, last, keys, values, value_required)
        yield keys, values
        last = keys[-1]
        number += len(keys)
        place = place + len(keys) if keys is guess else bisect_right(expected, last)


def unfit_character(text: str) -> str | None:
    """Return the first character of `text` that no id may hold, None if there is none.

    These are control characters, spaces of every kind (Unicode has two dozen, and programs disagree on which
    of them end a word) and byte order marks.
    """
    found = (UNFIT_ASCII if text.isascii() else UNFIT).search(text)
    return found and found.group()


def write_table(path: PathLike, table: Mapping[str, object]) -> None:
    """Write `key value` lines sorted by bytes, atomically."""
    write_text(path, table_text(table))


def table_text(table: Mapping[str, object]) -> str:
    """Return `key value` lines sorted by bytes; a key without value stands alone."""
    return "".join(f"{key} {table[key]}".rstrip(" ") + "\n" for key in byte_sorted(table))


def byte_sorted(keys: Iterable[str]) -> list[str]:
    """Return the keys in the order of LC_ALL=C sort: by UTF-8 bytes, which is that of the code points."""
    return sorted(keys)


def _split(lines: list[str]) -> tuple[list[str], list[str]]:
    rows = [line.partition(" ") for line in lines]
    return [row[0] for row in rows], [row[2] for row in rows]


def _split_as(keys: list[str], lines: list[str]) -> tuple[list[str], list[str]] | None:
    """Return `keys` and what follows them on the lines, None where a line has another key."""
    prefixes = [key + " " for key in keys]
    if len(keys) != len(lines) or not all(map(str.startswith, lines, prefixes)):
        return None
    return keys, list(map(str.removeprefix, lines, prefixes))


def _are_sorted_ids(keys: list[str]) -> bool:
    ids = "".join(keys)
    unfit = "\t" in ids or (not ids.isascii() and unfit_character(ids))
    return not unfit and all(map(operator.lt, keys, keys[1:]))


def _decode(block: bytes, path: PathLike, number: int) -> str:
    try:
        return block.decode("utf-8")
    except UnicodeDecodeError as error:
        line = number + block.count(b"\n", 0, error.start)
        raise WespkError(f"{path}:{line}: not valid UTF-8; convert the file to UTF-8") from None


def _complain(
    path: PathLike, number: int, last: str, keys: list[str], values: list[str], value_required: bool
) -> None:
    """Raise for the first line of a block that breaks a rule; a tab within a value breaks none."""
    for line, (key, value) in enumerate(zip(keys, values, strict=True), number):
        where, shown = f"{path}:{line}", repr(key[:60])
        if key.startswith("\ufeff"):
            raise WespkError(f"{where}: begins with a byte order mark; `wespk fix-data` removes it")
        if key.endswith("\r") or value.endswith("\r"):
            raise WespkError(f"{where}: Windows line end; `wespk fix-data` or dos2unix removes it")
        if not key:
            raise WespkError(f"{where}: no key at the start of the line: {value[:60]!r}")
        if "\t" in key:
            raise WespkError(f"{where}: a tab in the key {shown}; `wespk fix-data` makes it a space")
        unfit = unfit_character(key) or next((char for char in value if char.encode() in CONTROLS), None)
        if unfit:
            raise WespkError(f"{where}: the character {unfit!r} may not stand there, after the key {shown}")
        if value_required and not value:
            raise WespkError(f"{where}: {shown} has no value; write `key value`, one space between")
        if key == last:
            raise WespkError(f"{where}: duplicate key {shown}")
        if key < last:
            raise WespkError(f"{where}: {shown} is out of order; sort with LC_ALL=C sort")
        last = key
