"""Ids of speakers, utterances and recordings, made of whatever a corpus calls them.

An id holds letters, marks and digits of any script (in Unicode's composed form, NFC) and ``- _ . @``; any
other character becomes ``_``. The utterance id begins with the speaker id, and byte order puts utterances
into the order of their speakers, as Kaldi's tables need. Names that meet in one id are refused.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from wespk.core.errors import WespkError
from wespk.data.prepare.items import Item, first_few, times, told_apart

MAX_SPEAKER_BYTES = 80
MAX_NAME_BYTES = 160  # of an utterance id, behind the speaker; with the speaker, a file may still be named so
OWN_SEPARATORS = "-_."
PLAIN = re.compile(r"[A-Za-z0-9._@-]*")


@dataclass(frozen=True)
class Names:
    """The ids of items, in their order, and what to tell of how they came about."""

    speakers: list[str]
    utterances: list[str]
    recordings: list[str]
    notes: list[str]


def name_items(items: Sequence[Item], from_folder: bool) -> Names:
    """Return the ids of all items.

    The utterance id is ``SPEAKER-SESSION-NAME``; a name that begins with the speaker id and one of ``- _ .``
    stays as it is, unless that would break the order of bytes: then all utterances get ``-`` between
    speaker and name, or ``--`` where ``-`` occurs in speaker ids so that it breaks the order, too. Items of
    a table have no sessions: where file names alone are ambiguous, as many of the folders above them are
    put before as it takes.

    Raises `WespkError` naming both sides when two speakers, or two utterances, would get one id.
    """
    speakers = _speaker_ids(items)
    depth = 0 if from_folder else _depth([(item.speaker, item.path) for item in items if item.name is None])
    is_cut = any(item.start is not None for item in items)
    if is_cut:
        own = {item.path: item for item in items}
        recording_depth = _depth([("", path) for path in own])
        by_path = {path: clean_name(_stem(path, recording_depth)) for path in own}
        _refuse_same(list(by_path.values()), list(own.values()), "recordings")
        recordings = [by_path[item.path] for item in items]
    notes = [f"utterances are named by the file and {depth} folder(s) above it"] if depth else []
    parts = [_split(item, spk, depth) for item, spk in zip(items, speakers, strict=True)]
    order = ""
    for separator in (None, "-", "--"):
        utterances = [
            f"{spk}{separator or own_separator}{_shorten(name, MAX_NAME_BYTES)}"
            for spk, (own_separator, name) in zip(speakers, parts, strict=True)
        ]
        fault = _out_of_order(speakers, utterances)
        if not fault:
            break
        order = fault
    if order:
        notes.append(f"{separator!r} stands behind the speaker in all utterance ids: {order}")
    _refuse_same(utterances, items, "utterances")
    return Names(speakers, utterances, recordings if is_cut else utterances, notes)


def clean_name(text: str) -> str:
    """Return a text with every character that no id holds replaced by ``_``, in NFC."""
    if PLAIN.fullmatch(text):  # most of the millions of names
        return text
    return "".join(
        c if c in "-_.@" or unicodedata.category(c)[0] in "LMN" else "_"
        for c in unicodedata.normalize("NFC", text)
    )


def clean_speaker(text: str) -> str:
    """Return the speaker id of a name, or "" for a name without letter and digit.

    Beyond `clean_name`, ``-`` and ``.`` at the start, ``-`` at the end, and all but the last of several ``-``
    become ``_``: options of commands begin with ``-``, hidden files with ``.``, and ``--`` in no speaker id
    is what keeps ids with it in order.
    """
    name = clean_name(text.strip())
    if not any(c.isalnum() for c in name):
        return ""
    return _shorten(re.sub(r"^[-.]|-(?=-|$)", "_", name), MAX_SPEAKER_BYTES)


def _speaker_ids(items: Sequence[Item]) -> list[str]:
    ids: dict[str, str] = {}
    holder: dict[str, Item] = {}
    same: list[str] = []
    for item in items:
        if item.speaker not in ids:
            ids[item.speaker] = clean_speaker(item.speaker)
            first = holder.setdefault(ids[item.speaker], item)
            if first is not item:
                one, other = told_apart(first.speaker, item.speaker)
                where, there = told_apart(first.where, item.where)
                same.append(f"'{ids[item.speaker]}': '{one}' ({where}) and '{other}' ({there})")
    if same:
        raise WespkError(f"{times(same)}two speakers would get the id {first_few(same)}; rename one")
    return [ids[item.speaker] for item in items]


def _split(item: Item, spk: str, depth: int) -> tuple[str, str]:
    """Return the separator behind the speaker and the rest of an utterance id."""
    name = clean_name(item.name if item.name is not None else _stem(item.path, depth))
    separator = name[len(spk) : len(spk) + 1]
    rest = name[len(spk) + 1 :]
    if not (name.startswith(spk) and rest and separator in OWN_SEPARATORS):
        separator, rest = "-", name
    session = "-".join(clean_name(folder) for folder in item.session)
    if session and not re.match(re.escape(session) + r"([-_.]|$)", rest):
        separator, rest = "-", f"{session}-{rest}"
    if item.start is not None and item.end is not None and item.name is None:
        rest = f"{rest}-{round(1000 * item.start):07d}-{round(1000 * item.end):07d}"
    return separator, rest


def _stem(path: str, depth: int) -> str:
    """Return the name of a file without its ending, with `depth` of the folders above it before."""
    pure = PurePath(path)
    folders = [part for part in pure.parts[:-1] if part != "/"]
    return "-".join([*folders[max(0, len(folders) - depth) :], pure.stem])


def _depth(named: Sequence[tuple[str, str]]) -> int:
    """Return how many folders above the files tell them apart; `named` holds speakers and paths."""
    distinct = len({(spk, os.path.splitext(path)[0]) for spk, path in named})
    for depth in range(max((path.count("/") for _, path in named), default=0)):
        if len({(spk, _stem(path, depth)) for spk, path in named}) == distinct:
            return depth
    return 0


def _out_of_order(speakers: Sequence[str], utterances: Sequence[str]) -> str:
    """Return which two speakers are out of order when utterances are sorted by bytes, or ""."""
    # Python compares text by code points, which is the order of UTF-8 bytes.
    ordered = [spk for _, spk in sorted(zip(utterances, speakers, strict=True))]
    for before, after in itertools.pairwise(ordered):
        if after < before:
            return f"by bytes, one of speaker '{before}' came before one of '{after}'"
    return ""


def _refuse_same(ids: Sequence[str], items: Sequence[Item], what: str) -> None:
    holder: dict[str, Item] = {}
    same: list[str] = []
    for name, item in zip(ids, items, strict=True):
        first = holder.setdefault(name, item)
        if first is not item:
            one, other = told_apart(first.where, item.where)
            same.append(f"'{name}': {one} and {other}")
    if same:
        raise WespkError(
            f"{times(same)}two {what} would get the id {first_few(same)}; rename one, tell "
            "names apart by --regex or --utt-column, or take one file format (--extensions)"
        )


def _shorten(text: str, most: int) -> str:
    """Cut a text to `most` bytes: what is cut off is stood for by twelve digits of the whole's SHA-256."""
    data = text.encode("utf-8")
    if len(data) <= most:
        return text
    digits = hashlib.sha256(data).hexdigest()[:12]
    return data[: most - 13].decode("utf-8", "ignore").rstrip("-") + "_" + digits
