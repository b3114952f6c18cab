"""Reading a corpus that is a list: CSV, TSV or JSON lines with columns, or lines of path and label."""

from __future__ import annotations

import csv
import itertools
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from wespk.core.errors import WespkError, nearest
from wespk.core.files import PathLike
from wespk.core.rejections import Rejections
from wespk.data.prepare.ids import clean_speaker
from wespk.data.prepare.items import Found, Item, quoted

MAX_LINE_BYTES = 1 << 20
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
FORMATS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}
# What columns are called, the likeliest name first; compared without regard to case.
GUESSES = {
    "path": "path file filename file_name filepath file_path audio audio_path audio_filepath audio_file "
    "wav wav_path wavfile recording",
    "speaker": "speaker speaker_id speakerid spk spk_id spkid label client_id user_id",
    "utt": "utt utt_id uttid utterance_id",
    "start": "start start_time start_seconds begin",
    "end": "end end_time end_seconds stop",
    "gender": "gender sex",
    "text": "text transcript transcription sentence",
}
REQUIRED = ("path", "speaker")
Row = tuple[int, dict[str, str] | str]  # line number, and the cells by column, or why there are none


@dataclass(frozen=True)
class Columns:
    """Which column tells what: a name, "none" for a column not to be used, or None to guess."""

    path: str | None = None
    speaker: str | None = None
    utt: str | None = None
    start: str | None = None
    end: str | None = None
    gender: str | None = None
    text: str | None = None


def table_format(path: PathLike) -> str:
    """Return csv, tsv or jsonl by the ending of a file's name, else list."""
    return FORMATS.get(Path(path).suffix.lower(), "list")


def find_in_table(path: PathLike, form: str, root: PathLike | None, columns: Columns) -> Found:
    """Return the rows of a table with column names as items. `form` is csv, tsv or jsonl.

    Relative paths are below `root`, by default the table's folder. TSV has no quoting; CSV's delimiter is the
    commonest of ``, ; tab |`` in its first line. Rows that cannot be used are in the ledger. Raises
    `WespkError` for a file that is no such table and a missing column.
    """
    path = Path(path)
    header, rows = _json_rows(path) if form == "jsonl" else _separated_rows(path, form)
    chosen, notes = _choose(path, header, columns)
    folder = Path(root) if root is not None else path.parent
    cells = (
        (number, row if isinstance(row, str) else {role: row.get(name, "") for role, name in chosen.items()})
        for number, row in rows
    )
    return _found(path, folder, cells, notes)


def find_in_list(path: PathLike, root: PathLike | None) -> Found:
    """Return the lines ``path<TAB>label`` of a file as items; without a tab the last space divides."""
    path = Path(path)

    def cells() -> Iterator[Row]:
        for number, line in read_lines(path):
            line = line.strip("\r\n")
            if not line.strip():
                continue
            fields = line.split("\t") if "\t" in line else line.rstrip().rsplit(" ", 1)
            if len(fields) == 2:
                yield number, dict(zip(REQUIRED, fields, strict=True))
            else:
                yield number, f"fields: {len(fields)} where `path<TAB>label` has 2"

    return _found(path, Path(root) if root is not None else path.parent, cells(), [])


def read_lines(path: PathLike) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line with its end, without a byte order mark, in bounded memory.

    Raises `WespkError` for a missing file, a line of over a mebibyte and a line that is not UTF-8.
    """
    try:
        stream = open(path, "rb")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise WespkError(f"{path}: cannot be read ({error.strerror})") from None
    with stream:
        number = 0
        while line := stream.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                raise WespkError(f"{path}:{number}: a line of over {MAX_LINE_BYTES} bytes; is this a table?")
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                raise WespkError(f"{path}:{number}: not valid UTF-8; save the file as UTF-8") from None


def _found(path: Path, folder: Path, rows: Iterator[Row], notes: list[str]) -> Found:
    items: list[Item] = []
    unused = Rejections()
    for number, row in rows:
        where = f"{quoted(str(path))}:{number}"
        item = row if isinstance(row, str) else _item(where, folder, row)
        if isinstance(item, str):
            unused.add(where, item)
        else:
            items.append(item)
    if not items:
        why = (
            f" that can be used; {next(' '.join(first) for first in unused.reasons.items())}"
            if unused
            else ""
        )
        raise WespkError(f"{path}: no rows{why}")
    return Found(items, unused, notes=notes)


def _item(where: str, folder: Path, cells: Mapping[str, str]) -> Item | str:
    """Return the item of one row, by what its cells are for, or why there is none."""
    path, speaker, name = (cells.get(role, "").strip() for role in ("path", "speaker", "utt"))
    if not path:
        return "no path: the cell is empty"
    if not clean_speaker(speaker):
        return f"no speaker: {speaker!r} has neither letter nor digit"
    if "utt" in cells and not name:
        return "no utterance id: the cell is empty"
    start = end = None
    if "start" in cells:
        start, end = _seconds(cells["start"]), _seconds(cells["end"])
        if not 0 <= start < end < math.inf:
            return f"no segment: start {cells['start']!r} and end {cells['end']!r} are no times in order"
    text = cells.get("text")
    return Item(
        where,
        os.path.abspath(os.path.join(folder, path)),
        speaker,
        name or None,
        start=start,
        end=end,
        gender=cells.get("gender", "").strip(),
        text=None
        if text is None
        else " ".join(CONTROL.sub(" ", text).encode("utf-8", "replace").decode().split()),
    )


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _separated_rows(path: Path, form: str) -> tuple[list[str], Iterator[Row]]:
    """Return the header of a CSV or TSV file, and its rows: by column names, or why a row is none."""
    lines = read_lines(path)
    first = next(lines, (0, ""))[1]
    delimiter = "\t" if form == "tsv" else max(",;\t|", key=first.count)
    text = (line for _, line in itertools.chain([(1, first)], lines))
    if form == "tsv":
        reader = csv.reader(text, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)
    else:
        reader = csv.reader(text, delimiter=delimiter, strict=True)

    def records() -> Iterator[list[str]]:
        try:
            yield from reader
        except csv.Error as error:
            raise WespkError(f"{path}:{reader.line_num}: not {form.upper()} ({error})") from None

    content = records()
    header = [name.strip() for name in next(content, [])]
    if not any(header):
        raise WespkError(f"{path}: is empty; a first line with the names of the columns is needed")

    def rows() -> Iterator[Row]:
        for record in content:
            if len(record) == len(header):
                yield reader.line_num, dict(zip(header, record, strict=True))
            elif record:  # an empty line is no row
                yield reader.line_num, f"fields: {len(record)} where the first line has {len(header)}"

    return header, rows()


def _json_rows(path: Path) -> tuple[list[str], Iterator[Row]]:
    """Return the keys of the first object of a file of JSON lines, and its rows as `_separated_rows`."""

    def rows() -> Iterator[Row]:
        for number, line in read_lines(path):
            if line.strip():
                yield number, _json_row(line)

    first = next(rows(), (0, "it is empty"))[1]
    if isinstance(first, str):
        raise WespkError(f"{path}: not JSON lines, an object in each: {first}")
    return list(first), rows()


def _json_row(line: str) -> dict[str, str] | str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"malformed: not JSON ({error})"
    if not isinstance(value, dict):
        return "malformed: a JSON object is needed"
    return {
        key: "" if cell is None else str(cell)
        for key, cell in value.items()
        if cell is None or isinstance(cell, str | int | float)
    }


def _choose(path: Path, header: list[str], columns: Columns) -> tuple[dict[str, str], list[str]]:
    """Return the column of each role, given or guessed, and a note of what was guessed."""
    by_name = {name.lower(): name for name in reversed(header)}
    chosen: dict[str, str] = {}
    guessed: dict[str, str] = {}
    for role, names in GUESSES.items():
        given: str | None = getattr(columns, role)
        if given is not None and given != "none":
            if given not in header:
                raise WespkError(f"{path}: --{role}-column {given}: {nearest(given, header)}")
            chosen[role] = given
        elif given is None:
            found = next((by_name[name] for name in names.split() if name in by_name), None)
            if found is not None and found not in chosen.values():
                chosen[role] = guessed[role] = found
    for role in REQUIRED:
        if role not in chosen:
            raise WespkError(
                f"{path}: which column is the {role}? say --{role}-column NAME (columns: {', '.join(header)})"
            )
    for one, other in (("start", "end"), ("end", "start")):
        if one in chosen and other not in chosen:
            if one not in guessed:
                raise WespkError(f"{path}: --{one}-column without --{other}-column; a segment has both")
            del chosen[one], guessed[one]
    twice = [name for name in chosen.values() if header.count(name) > 1]
    if twice:
        raise WespkError(f"{path}: two columns are called '{twice[0]}'; rename one")
    pairs = ", ".join(f"{role} is '{name}'" for role, name in guessed.items())
    return chosen, [
        f"columns guessed: {pairs}; --{next(iter(guessed))}-column NAME says otherwise"
    ] if pairs else []
