"""The genders of speakers, from a column of the corpus's table or from a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from wespk.core.errors import WespkError
from wespk.core.files import PathLike
from wespk.data.prepare.ids import clean_speaker
from wespk.data.prepare.items import Item
from wespk.data.prepare.tables import read_lines

WORDS = {
    **dict.fromkeys(("m", "male", "man", "male_masculine"), "m"),
    **dict.fromkeys(("f", "female", "woman", "female_feminine"), "f"),
}
HEADS = ("gender", "sex")


def genders_of_items(items: Sequence[Item], speakers: Sequence[str]) -> dict[str, str]:
    """Return speaker id -> m or f from the items' own words; other words than `WORDS` tell nothing.

    `speakers` holds the items' speaker ids. Raises `WespkError` for a speaker who is both.
    """
    genders: dict[str, str] = {}
    teller: dict[str, Item] = {}
    for item, spk in zip(items, speakers, strict=True):
        gender = WORDS.get(item.gender.lower())
        if gender is None:
            continue
        if genders.setdefault(spk, gender) != gender:
            raise WespkError(
                f"speaker '{spk}' is {genders[spk]} at {teller[spk].where} and {gender} at {item.where}; "
                "correct one, or leave the column out with --gender-column none"
            )
        teller.setdefault(spk, item)
    return genders


def read_genders(path: PathLike) -> dict[str, str]:
    """Read a list of speakers and genders: speaker id -> m or f.

    Fields are divided by ``|``, comma, semicolon, tab or white space; the speaker is the first, the gender
    the second, or the one under ``gender`` or ``sex`` where the first line says so; more fields may follow.
    Lines that begin with ``;`` or ``#`` are comments. Raises `WespkError` with the line for another word than
    `WORDS`, and for a speaker who is listed twice with different genders.
    """
    genders: dict[str, str] = {}
    column = 1
    started = False
    for number, line in read_lines(path):
        if not line.strip() or line.startswith((";", "#")):
            continue
        fields = re.split(r"\s*[|,;\t]\s*|\s+", line.strip())
        heads = [n for n, field in enumerate(fields) if field.lower() in HEADS]
        if not started and heads:
            column, started = heads[0], True
            continue
        started = True
        gender = WORDS.get(fields[column].lower()) if len(fields) > column else None
        if gender is None:
            raise WespkError(f"{path}:{number}: expected `speaker m|f`, found {line.strip()[:60]!r}")
        spk = clean_speaker(fields[0])
        if genders.setdefault(spk, gender) != gender:
            raise WespkError(f"{path}:{number}: '{fields[0]}' is {gender} here and {genders[spk]} before")
    if not genders:
        raise WespkError(f"{path}: no lines `speaker m|f`")
    return genders


def complete_genders(genders: Mapping[str, str], speakers: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return spk2gender of exactly the speakers, empty unless all are known, and what to tell of it."""
    known = {spk: genders[spk] for spk in speakers if spk in genders}
    notes = []
    if genders and len(known) < len(speakers):
        missing = next(spk for spk in speakers if spk not in known)
        notes.append(
            f"gender known of {len(known)} of {len(speakers)} speakers, not of '{missing}': spk2gender is "
            "left out; --genders FILE can name them all"
        )
        known = {}
    strangers = [spk for spk in genders if spk not in set(speakers)]
    if strangers:
        notes.append(f"genders of {len(strangers)} speakers who are not here, first '{strangers[0]}'")
    return known, notes
