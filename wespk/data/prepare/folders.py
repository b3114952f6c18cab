"""Finding the recordings of a corpus that is a folder: speakers by place, or by a regular expression."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from wespk.core.errors import WespkError
from wespk.core.files import PathLike
from wespk.core.rejections import Rejections
from wespk.data.corpus import walk_files
from wespk.data.prepare.ids import clean_speaker
from wespk.data.prepare.items import Found, Item, endings, quoted

ENDINGS = "wav wave flac mp3 ogg oga opus sph wv1 wv2 aif aiff au m4a mp4 webm aac wma amr caf w64 snd"
SUFFIXES = tuple(f".{ending}" for ending in ENDINGS.split())
FEW_SPEAKERS, MANY_FOLDERS = 3, 10  # the folders below may be the speakers then
# Formats by the first bytes of a file whose ending says nothing.
MP3_FRAMES = (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2")
MAGIC = (
    b"RIFF",
    b"RF64",
    b"fLaC",
    b"OggS",
    b"NIST_1A",
    b"ID3",
    b"FORM",
    b".snd",
    b"\x1aE\xdf\xa3",
    b"caff",
    *MP3_FRAMES,
)


def find_in_folder(
    folder: PathLike,
    *,
    speaker_level: int = 1,
    speaker_from_parent: bool = False,
    pattern: str | None = None,
    regex: str | None = None,
    suffixes: Sequence[str] = (),
) -> Found:
    """Return the recordings below `folder` as items, and everything else there in the ledger.

    The speaker is the folder of `speaker_level` (1: directly below `folder`), and the folders between it and
    the file are the session; or it is the folder that holds the file; or `regex`, searched for in the
    path below `folder`, says who it is by its groups ``spk``, ``session`` and ``utt``, the last two optional.
    `pattern` is a glob on that path (``**`` stands for any folders); `suffixes` are the only endings to take.

    Raises `WespkError` for a wrong expression and a folder without recordings.
    """
    folder = Path(folder)
    expression = _compile(regex) if regex else None
    items: list[Item] = []
    unused = Rejections()
    seen: list[str] = []
    for path, reason in walk_files(folder):
        below = path.relative_to(folder).as_posix()
        where = quoted(below)
        seen.append(below)
        if reason.startswith("broken link") and not _is_audio(path, suffixes):
            reason = "not audio: a broken link"
        reason = reason or _not_wanted(path, below, pattern, suffixes)
        if reason:
            unused.add(where, reason)
            continue
        item = (
            _by_expression(path, below, expression)
            if expression
            else _by_place(path, below, speaker_level, speaker_from_parent)
        )
        if isinstance(item, str):
            unused.add(where, item)
        elif not clean_speaker(item.speaker):
            unused.add(where, f"no speaker: {item.speaker!r} has neither letter nor digit")
        else:
            items.append(item)
    if not items:
        first = next(iter(sorted(unused.reasons.items(), key=_is_aside)), None)  # the order else stays
        why = f"there are {endings(seen)}; {first[0]}: {first[1]}" if first else "it is empty"
        raise WespkError(f"{folder}: no recordings of speakers in it: {why}")
    items.sort(key=lambda item: item.where)
    return Found(items, unused, from_folder=True, notes=_notes(items))


def _is_aside(item: tuple[str, str]) -> bool:
    """Whether nobody would take this item of the ledger for a recording."""
    return item[1].split(":")[0] in ("hidden", "not audio")


def _not_wanted(path: Path, below: str, pattern: str | None, suffixes: Sequence[str]) -> str:
    if not _is_audio(path, suffixes):
        return f"not audio: by {'--extensions' if suffixes else 'its ending and its first bytes'}"
    if pattern and not _matches(below.split("/"), pattern.split("/")):
        return f"outside the pattern: {pattern}"
    return ""


def _is_audio(path: Path, suffixes: Sequence[str]) -> bool:
    if path.name.lower().endswith(tuple(suffixes or SUFFIXES)):
        return True
    if suffixes or not path.is_file():
        return False
    try:
        with open(path, "rb") as stream:
            head = stream.read(12)
            return head.startswith(MAGIC) or head[4:8] == b"ftyp"  # the latter is MPEG-4
    except OSError:
        return False  # a text or a list perhaps; recordings with a known ending are named when they are read


def _by_place(path: Path, below: str, level: int, from_parent: bool) -> Item | str:
    *folders, _ = below.split("/")
    if from_parent:
        level = len(folders)
    if not folders or len(folders) < level:
        return f"no speaker: {len(folders)} folder(s) above the file, the speaker's is number {max(1, level)}"
    return Item(quoted(below), os.path.abspath(path), folders[level - 1], session=tuple(folders[level:]))


def _by_expression(path: Path, below: str, expression: re.Pattern[str]) -> Item | str:
    match = expression.search(below)
    if match is None:
        return "no match: the regular expression does not fit"
    groups = match.groupdict()
    if not groups["spk"]:
        return "no speaker: the group spk of the regular expression is empty"
    session = (groups["session"],) if groups.get("session") else ()
    name = groups.get("utt") or path.stem
    return Item(quoted(below), os.path.abspath(path), groups["spk"], name, session)


def _compile(regex: str) -> re.Pattern[str]:
    try:
        expression = re.compile(regex)
    except re.error as error:
        raise WespkError(f"--regex {regex}: not a regular expression ({error})") from None
    unknown = set(expression.groupindex) - {"spk", "session", "utt"}
    if "spk" not in expression.groupindex or unknown:
        raise WespkError(f"--regex {regex}: needs a group (?P<spk>...), and may have session and utt")
    return expression


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Match the parts of a path with those of a glob; ``**`` stands for any number of folders."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[first:], pattern[1:]) for first in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def _notes(items: Sequence[Item]) -> list[str]:
    """Tell how speakers are told, and of those found in several places: they are taken for one person."""
    notes = [f"the speaker of {items[0].where} is {items[0].speaker!r}"]
    places: dict[str, set[tuple[str, ...]]] = {}
    for item in items:
        if item.name is None:
            above = tuple(item.where.split("/")[: -1 - len(item.session)])
            places.setdefault(item.speaker, set()).add(above)
    inner = {(item.speaker, item.session[0]) for item in items if item.session}
    if len(places) <= FEW_SPEAKERS and len(inner) >= MANY_FOLDERS:
        level = items[0].where.count("/") - len(items[0].session)
        notes.append(
            f"{len(places)} speaker(s), and {len(inner)} folders directly below theirs; if those are the "
            f"speakers, give --speaker-level {level + 1}"
        )
    several = [spk for spk, found in places.items() if len(found) > 1]
    if not several:
        return notes
    return [
        *notes,
        f"{len(several)} speaker(s) lie in several folders, taken for one person each; first '{several[0]}'",
    ]
