"""What recipes share in finding a corpus: its audio files, and the record of what was found."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, digest


def audio_files(folder: PathLike, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files below `folder` with one of the suffixes (lower case; files' own may be upper), sorted.

    Folders that are links are followed, each real folder once. Names that begin with a dot, which some
    systems add, and folders named .part, which are unfinished, are left out. Raises `WespkError` for a folder
    that is missing or may not be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise WespkError(f"{folder.absolute()}: no such folder; give the corpus with --corpus DIR")
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        state = os.stat(place)
        if (state.st_dev, state.st_ino) in seen:
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and not name.endswith(".part")
        )
        for name in sorted(names):
            if name.lower().endswith(suffixes) and not name.startswith("."):
                yield Path(place, name)


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


def _refuse(error: OSError) -> None:
    raise WespkError(f"{error.filename}: cannot be read ({error.strerror})")
