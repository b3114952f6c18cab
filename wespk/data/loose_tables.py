"""Reading a table that may be damaged: what can be repaired is, what cannot is named."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from wespk.core.files import read_text
from wespk.data.layout import MAY_BE_EMPTY
from wespk.data.rules import first_unfit_value, parse_segment
from wespk.data.tables import byte_sorted, unfit_character

LINE = re.compile(r"([^ \t]+)[ \t]*(.*)", re.DOTALL)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class LooseTable:
    """The usable lines of a table, sorted; how often what was repaired; why the other ids have no line."""

    rows: dict[str, str]
    repairs: dict[str, int]
    faults: dict[str, str]


def read_loose(path: Path) -> LooseTable:
    """Read a table of a data directory as well as it can be.

    Byte order mark, Windows line ends, a missing last line end, empty and repeated lines, tabs and spaces
    around the key, and the order are repaired. An id that is unfit, that has no value or an impossible one,
    or that stands in two lines with different values has no usable line. Raises `WespkError` for text that is
    not UTF-8.
    """
    text = read_text(path)
    repairs: Counter[str] = Counter()
    if text.startswith("\ufeff"):
        text = text[1:]
        repairs["byte order mark removed"] += 1
    if text and not text.endswith("\n"):
        repairs["last line ended (is it complete?)"] += 1
    rows: dict[str, str] = {}
    faults: dict[str, str] = {}
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], 1):
        match = LINE.fullmatch(line.strip(" \t\r"))
        if not match:
            repairs["empty lines removed"] += 1
            continue
        key, value = match.groups()
        if line.endswith("\r"):
            repairs["Windows line ends removed"] += 1
        if line.rstrip("\r") != f"{key} {value}".rstrip(" "):
            repairs["spaces put right"] += 1
        fault = _fault(path.name, key, value)
        if not fault and key in rows:
            if rows[key] == value:
                repairs["repeated lines removed"] += 1
            else:
                fault = "two values: another line says otherwise"
        if fault:
            faults.setdefault(_shown(key), f"{fault} ({path.name}:{number})")
        else:
            rows[key] = value
    usable = {key: rows[key] for key in byte_sorted(rows) if key not in faults}
    if list(usable) != [key for key in rows if key in usable]:
        repairs["sorted"] += 1
    return LooseTable(usable, dict(repairs), faults)


def _fault(name: str, key: str, value: str) -> str:
    """Return what is wrong with a line that no repair can mend, "" for nothing."""
    unfit = unfit_character(key)
    if unfit:
        return f"unfit id: it holds the character {unfit!r}"
    if CONTROL.search(value):
        return "unfit value: it holds a control character"
    if not value:
        return "" if name in MAY_BE_EMPTY else "no value: the line holds the id alone"
    if name == "utt2spk" and unfit_character(value):
        return f"not one speaker: {value[:60]!r}"
    if name == "segments":
        segment = parse_segment(value)
        return f"unfit segment: {segment}" if isinstance(segment, str) else ""
    if name == "wav.scp" and value.startswith("~"):
        return "unfit path: no program expands a ~"
    complaint = first_unfit_value(name, [value])
    return f"unfit value: {value[:60]!r}, {complaint[1]}" if complaint else ""


def _shown(key: str) -> str:
    """Return an id as it can be read: what does not print, and every kind of space, as an escape."""
    return key if key.isprintable() else ascii(key)
