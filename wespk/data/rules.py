"""Kaldi's rules for the tables of a data directory (validate_data_dir.sh), one function a table."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Collection, Container, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from wespk.core.errors import WespkError
from wespk.data.layout import MAY_BE_EMPTY, by_speaker
from wespk.data.tables import read_rows, unfit_character

GENDERS = ("m", "f")


class Segment(NamedTuple):
    """A part of a recording, in seconds from its start; an `end` of None is the recording's end."""

    recording: str
    start: float
    end: float | None


def read_utt2spk(path: Path, *, spk_sort: bool = True) -> dict[str, str]:
    """Read utt2spk: one speaker an utterance, in the order of both columns unless `spk_sort` is False."""
    utt2spk: dict[str, str] = {}
    for utts, spks in read_rows(path):
        utt2spk.update(zip(utts, map(sys.intern, spks), strict=True))
    if not utt2spk:
        raise WespkError(f"{path}: holds no utterances")
    unfit = {spk for spk in set(utt2spk.values()) if unfit_character(spk)}
    if unfit:
        number, (utt, spk) = next(row for row in enumerate(utt2spk.items(), 1) if row[1][1] in unfit)
        raise WespkError(f"{path}:{number}: '{utt}' has more than one speaker: {spk[:60]!r}")
    if spk_sort:
        check_speaker_order(utt2spk, str(path))
    return utt2spk


def check_speaker_order(utt2spk: Mapping[str, str], path: str) -> None:
    """Raise unless utt2spk, sorted by utterance, is sorted by speaker as well: Kaldi merges the two lists."""
    spks = list(utt2spk.values())
    if all(map(operator.le, spks, spks[1:])):
        return
    number = next(n for n in range(1, len(spks)) if spks[n] < spks[n - 1])
    raise WespkError(
        f"{path}:{number + 1}: speaker '{spks[number]}' is out of order after '{spks[number - 1]}'; begin "
        "utterance ids with the speaker id (`wespk copy-data --prefix-speakers`), or give --no-spk-sort"
    )


def check_spk2utt(path: Path, utt2spk: Mapping[str, str]) -> None:
    """Raise unless spk2utt is exactly the inverse of utt2spk."""
    if not path.exists():
        raise WespkError(f"{path}: no such file; `wespk fix-data` makes it from utt2spk")
    wanted = by_speaker(utt2spk)
    found: list[str] = []
    for spks, lists in read_rows(path):
        found += spks
        for spk, utts in zip(spks, lists, strict=True):
            if spk in wanted and utts != " ".join(wanted[spk]):
                raise WespkError(f"{path}: '{spk}' disagrees with utt2spk; `wespk fix-data` makes it again")
    check_same_keys(path, found, path.with_name("utt2spk"), wanted)


def read_segments(path: Path, recordings: Mapping[str, str]) -> dict[str, Segment]:
    """Read `utt recording start end` lines; every recording has to be used, and be in wav.scp."""
    segments: dict[str, Segment] = {}
    used: set[str] = set()
    own = {recording: recording for recording in recordings}  # one string for each id, not one a line
    for utts, values in read_rows(path):
        rows = [parse_segment(value) for value in values]
        for number, (utt, row) in enumerate(zip(utts, rows, strict=True), len(segments) + 1):
            if isinstance(row, str):
                raise WespkError(f"{path}:{number}: '{utt}': {row}")
            if row.recording not in own:
                raise WespkError(f"{path}:{number}: recording '{row.recording}' is not in wav.scp")
            used.add(own[row.recording])
            segments[utt] = Segment(own[row.recording], row.start, row.end)
    if len(used) < len(recordings):
        spare = next(recording for recording in recordings if recording not in used)
        raise WespkError(
            f"{path.with_name('wav.scp')}: no segment uses recording '{spare}'; `wespk fix-data` removes it"
        )
    return segments


def parse_segment(value: str) -> Segment | str:
    """Return the segment that a line's value describes, or a text that says what is wrong with it."""
    fields = value.split()
    try:
        recording, start, end = fields[0], float(fields[1]), float(fields[2])
    except (IndexError, ValueError):
        return "expected `utt recording start end` in seconds"
    if len(fields) != 3 or "_" in fields[1] + fields[2]:
        return "four fields are needed: `utt recording start end` in seconds"
    if end == -1:  # Kaldi's way to say: to the end of the recording
        end = math.inf
    if not 0 <= start < end or (end == math.inf and float(fields[2]) != -1):
        return f"{fields[1]} to {fields[2]} s: 0 <= start < end is needed"
    return Segment(recording, start, None if end == math.inf else end)


def check_table(path: Path, against: Path, ids: Sequence[str], allowed: Container[str] = ()) -> None:
    """Check one of the tables of `EXACT`: its keys are `ids` (some of `allowed` may lack), its values fit."""
    found: list[str] = []
    for keys, values in read_rows(path, value_required=path.name not in MAY_BE_EMPTY, expected=ids):
        fault = first_unfit_value(path.name, values)
        if fault:
            at, complaint = fault
            raise WespkError(
                f"{path}:{len(found) + at + 1}: '{keys[at]}' is {values[at][:60]!r}; {complaint}"
            )
        found += keys
    check_same_keys(path, found, against, ids, allowed)


def first_unfit_value(name: str, values: list[str]) -> tuple[int, str] | None:
    """Return the place of the first value that the table `name` may not hold, and what it should be."""
    if name in ("utt2dur", "reco2dur", "utt2num_frames"):
        read = int if name == "utt2num_frames" else float
        if _all_positive(values, read):
            return None
        at = next(at for at, value in enumerate(values) if not _all_positive([value], read))
        return at, "a whole number above 0 is needed" if read is int else "seconds above 0 are needed"
    if name == "spk2gender":
        wrong = (at for at, value in enumerate(values) if value not in GENDERS)
        return next(((at, "m or f is allowed") for at in wrong), None)
    return None


def check_same_keys(
    file: Path, keys: Collection[str], against: Path, wanted: Collection[str], allowed: Container[str] = ()
) -> None:
    """Raise when a key is in one of two tables only; of `wanted`, those in `allowed` may be missing."""
    if len(keys) == len(wanted) and all(map(operator.eq, keys, wanted)):
        return
    have, want = set(keys), set(wanted)
    lost = [key for key in wanted if key not in have and key not in allowed]
    extra = [key for key in keys if key not in want]
    for place, names, other in ((file, lost, against), (against, extra, file)):
        if names:
            more = f" ({len(names)} so)" if len(names) > 1 else ""
            raise WespkError(
                f"{place}: '{names[0]}' of {other.name} is missing{more}; add it there or remove it here, "
                "or let `wespk fix-data` keep what all tables have"
            )


def _all_positive(values: list[str], read: type[int] | type[float]) -> bool:
    """True when all are numbers above 0; those that Python alone reads (1_000, other digits) are none."""
    try:
        numbers = list(map(read, values))
        possible = min(numbers) > 0 and math.isfinite(sum(numbers))
    except (OverflowError, ValueError):
        return False
    text = "".join(values)
    return possible and text.isascii() and "_" not in text
