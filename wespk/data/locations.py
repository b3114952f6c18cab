"""Where an scp says that a matrix or vector stands: `path:offset`, with a range of frames if wanted.

A range is Kaldi's: `feats.ark:1234[10:209]` are rows 10 to 209, both included, `[10:209,0:12]` some columns
of them, `[:,0:12]` or `[,0:12]` these columns of all rows. As in Kaldi the last row may lie up to 3 rows
behind the end, which the rounding of segment times to frames causes; the range then ends with the matrix.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from wespk.core.errors import WespkError

BEYOND_END = 3  # rows that a range may ask for in vain
Range = tuple[int, int]  # first and last, both included

_FORM = re.compile(
    r"(?P<path>.+):(?P<offset>[0-9]{1,18})(?:\[(?P<rows>[0-9:]*)(?:,(?P<columns>[0-9:]*))?\])?"
)
_RANGE = re.compile(r"([0-9]{1,9}):([0-9]{1,9})")


class Location(NamedTuple):
    """A place in an archive; a range that is None takes everything."""

    path: str
    offset: int
    rows: Range | None = None
    columns: Range | None = None


def parse_location(key: str, text: str) -> Location:
    """Read the scp value of `key`. Raises `WespkError` for anything else, such as a shell pipe."""
    path, _, offset = text.rpartition(":")
    if (
        path and offset.isascii() and offset.isdecimal() and len(offset) <= 18
    ):  # most are so, and there are many
        return Location(path, int(offset))
    match = _FORM.fullmatch(text)
    if match is None or (text.endswith("]") and not (match["rows"] or match["columns"])):
        raise WespkError(f"'{key}': '{text}' is not of the form archive:offset or archive:offset[first:last]")
    return Location(
        match["path"],
        int(match["offset"]),
        _range(key, text, match["rows"]),
        _range(key, text, match["columns"]),
    )


def resolve(wanted: Range | None, size: int, what: str, tolerance: int = 0) -> tuple[int, int]:
    """Return the range as (start, stop), stop excluded, within `size` rows or columns."""
    if wanted is None:
        return 0, size
    first, last = wanted
    if first >= size or last >= size + tolerance:
        raise WespkError(f"the range {first}:{last} lies outside its {size} {what}")
    return first, min(last + 1, size)


def _range(key: str, text: str, part: str | None) -> Range | None:
    if part in (None, "", ":"):
        return None
    match = _RANGE.fullmatch(part or "")
    if match is None or int(match[1]) > int(match[2]):
        raise WespkError(f"'{key}': the range '{part}' of '{text}' is not of the form first:last")
    return int(match[1]), int(match[2])
