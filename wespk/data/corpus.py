"""The record of a corpus that a recipe has found: where it is, and a digest that changes when it does."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from wespk.core.files import PathLike, digest


def describe(folder: PathLike, recordings: Iterable[Path]) -> dict[str, Any]:
    """Return the content of a recipe's `corpus.json`: the folder, the number of recordings, their digest.

    The digest covers each recording's speaker folder, name and size: enough to notice another or a changed
    copy, and quick for a hundred thousand files.
    """
    names = sorted(f"{path.parent.name}/{path.name} {path.stat().st_size}" for path in recordings)
    return {"corpus": str(folder), "recordings": len(names), "digest": digest(*names)}
