"""What recipes share in finding a corpus: its audio files, and the record of what was found."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, digest

BROKEN_LINK = "broken link: it leads to no file"


def walk_files(folder: PathLike) -> Iterator[tuple[Path, str]]:
    """Yield what lies below `folder`: each file with "", and whatever is left out with the reason.

    Left out are names that begin with a dot, which some systems add; files and folders named .part, which
    are unfinished; what is no file; and a folder that is reached a second time through a link (a loop among
    them). A folder that is left out is one item, whatever it holds. Real folders come before linked ones, so
    that a file is found by its own path where it has one; the order is the same everywhere.

    Raises `WespkError` for a folder that is missing or may not be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise WespkError(f"{folder.absolute()}: no such folder; give the corpus with --corpus DIR")
    seen: dict[tuple[int, int], Path] = {}
    pending, linked = [folder], list[Path]()
    while pending or linked:
        place = pending.pop() if pending else linked.pop(0)
        folders: list[Path] = []
        try:
            state = os.stat(place)
            first = seen.setdefault((state.st_dev, state.st_ino), place)
            if first != place:
                yield place, f"linked twice: the folder is also {first}"
                continue
            with os.scandir(place) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            raise WespkError(f"{error.filename}: cannot be read ({error.strerror})") from None
        for entry in found:
            path = Path(place, entry.name)
            reason = _reason_against(entry)
            if reason or not entry.is_dir():
                yield path, reason
            else:
                (linked if entry.is_symlink() else folders).append(path)
        pending.extend(reversed(folders))


def audio_files(folder: PathLike, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files below `folder` with one of the suffixes (lower case; files' own may be upper).

    They come in the order of `walk_files`, which says what is left out. A broken link is yielded: whoever
    reads it says that it is missing.
    """
    for path, reason in walk_files(folder):
        if reason in ("", BROKEN_LINK) and path.name.lower().endswith(suffixes):
            yield path


def describe(folder: PathLike, given: PathLike | None, recordings: Iterable[Path]) -> dict[str, Any]:
    """Return the content of a recipe's `corpus.json`.

    `folder` is where the corpus is, `given` the user's own --corpus, None without one. The digest covers each
    recording's speaker folder, name and size: enough to notice another or a changed copy, and quick for a
    hundred thousand files.
    """
    names = sorted(f"{path.parent.name}/{path.name} {path.stat().st_size}" for path in recordings)
    return {
        "corpus": str(folder),
        "given": str(given or ""),
        "recordings": len(names),
        "digest": digest(*names),
    }


def _reason_against(entry: os.DirEntry[str]) -> str:
    if entry.name.startswith("."):
        return "hidden: its name begins with a dot"
    if entry.name.endswith(".part"):
        return "unfinished: its name ends in .part"
    try:
        if entry.is_dir() or entry.is_file():
            return ""
        return BROKEN_LINK if entry.is_symlink() else "not a file: a device, a socket or a pipe"
    except OSError:  # links in a circle
        return BROKEN_LINK
