"""Tables of values of utterances or speakers: gender, duration, session, device, quality measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, read_text
from wespk.data.tables import read_table, unfit_character

KINDS = {"utt-id": "utterance", "spk-id": "speaker"}  # by the first word of a header


@dataclass(frozen=True)
class Columns:
    """A table's columns: `values[name][key]`, as text, for each of `names`.

    `key_kind` says what the keys are, "utterance" or "speaker".
    """

    source: str
    key_kind: str
    names: tuple[str, ...]
    values: Mapping[str, Mapping[str, str]]

    def __str__(self) -> str:
        return f"{self.source}: {', '.join(self.names)} of each {self.key_kind}"


def read_columns(path: PathLike) -> Columns:
    """Read a table with a header line, or a Kaldi table of two columns.

    A header is `utt-id NAME NAME ...` or `spk-id NAME NAME ...`; a line then holds an id and as many values.
    A table without header has lines `key value`, and its one column the name of the file; its keys are
    speakers where this begins with `spk2`, else utterances. Raises `WespkError` with file and line for lines
    of another form, a column or a key that comes twice, and what `read_table` does not take.
    """
    first = read_text(path).partition("\n")[0].split()
    if first and first[0] in KINDS:
        return _with_header(path)
    name = Path(path).name
    kind = "speaker" if name.startswith("spk2") else "utterance"
    table = read_table(path)
    if not table:
        raise WespkError(f"{path}: is empty; expected lines `key value`, or a header `utt-id NAME ...`")
    return Columns(str(path), kind, (name,), {name: table})


def finite_number(text: str) -> float | None:
    """Return the number that a value is; None for a word, NaN or infinity."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _with_header(path: PathLike) -> Columns:
    text = read_text(path)
    lines = text.removesuffix("\n").split("\n")
    key, *names = lines[0].split()
    if not names or len(set(names)) < len(names):
        raise WespkError(f"{path}:1: expected `{key} NAME NAME ...`, each name once")
    rows: dict[str, list[str]] = {}
    for number, line in enumerate(lines[1:], 2):
        words = line.split()
        if len(words) != 1 + len(names):
            raise WespkError(f"{path}:{number}: {len(words)} words; expected an id and {len(names)} values")
        unfit = unfit_character("".join(words))
        if unfit or words[0] in rows:
            what = f"holds the character {unfit!r}" if unfit else "has been there before"
            raise WespkError(f"{path}:{number}: '{words[0]}' {what}; mend the table")
        rows[words[0]] = words[1:]
    if not rows:
        raise WespkError(f"{path}: holds a header and no line of values")
    values = {name: {key: row[column] for key, row in rows.items()} for column, name in enumerate(names)}
    return Columns(str(path), KINDS[key], tuple(names), values)
