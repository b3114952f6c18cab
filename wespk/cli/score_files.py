"""Score files as command lines name them: LIST.SYSTEM.score, and LIST.SYSTEM.llr of log-likelihood ratios."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from wespk.core.errors import WespkError

SCORE, LLR = ".score", ".llr"


def system_name(path: Path) -> str:
    """Return SYSTEM of a file named LIST.SYSTEM.score or LIST.SYSTEM.llr; another name is an error."""
    if not _is_named(path):
        raise WespkError(f"{path}: name score files LIST.SYSTEM.score, such as test.cosine.score")
    return path.name.split(".")[1]


def system_or_name(path: Path) -> str:
    """Return SYSTEM of a file named LIST.SYSTEM.score or LIST.SYSTEM.llr, and the whole name of another."""
    return system_name(path) if _is_named(path) else path.name


def by_system(paths: Sequence[Path], name: Callable[[Path], str] = system_or_name) -> dict[str, Path]:
    """Return the files by what `name` makes of them, in the order given. Two of one name are an error."""
    files: dict[str, Path] = {}
    for path in paths:
        system = name(path)
        if system in files:
            raise WespkError(f"{path}: system '{system}' has been given before, by {files[system]}; give one")
        files[system] = path
    return files


def _is_named(path: Path) -> bool:
    return path.suffix in (SCORE, LLR) and path.name.count(".") == 2
