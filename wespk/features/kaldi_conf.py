"""Kaldi-style option files: one ``--option=value`` a line."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from wespk.core.config import StrictModel, parse_config
from wespk.core.errors import WespkError
from wespk.core.files import PathLike, read_text

Options = TypeVar("Options", bound=StrictModel)


def read_kaldi_options(path: PathLike, schema: type[Options]) -> Options:
    """Read an option file into `schema`.

    Unknown options and impossible values are errors that name the file and the nearest right option.
    """
    return parse_config(schema, kaldi_options(path), str(Path(path)))


def kaldi_options(path: PathLike) -> dict[str, str | bool]:
    """Return the options of a file as they are written, underscores for hyphens in their names.

    `#` starts a comment. An option without value is true, as in Kaldi; the last of two equal ones holds.
    """
    return {name: value for name, (value, _) in numbered_options(path).items()}


def numbered_options(path: PathLike) -> dict[str, tuple[str | bool, int]]:
    """Return the options of a file, each with the number of its line."""
    options: dict[str, tuple[str | bool, int]] = {}
    for number, line in enumerate(read_text(path).removeprefix("\ufeff").split("\n"), 1):
        text = line.split("#")[0].strip()
        if not text:
            continue
        if not text.startswith("--"):
            raise WespkError(f"{path}:{number}: expected --option=value, not '{text}'")
        name, equals, value = text[2:].partition("=")
        options[name.strip().replace("-", "_")] = value.strip() if equals else True, number
    return options
