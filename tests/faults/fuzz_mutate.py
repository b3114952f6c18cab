"""Damage done to files, as a pure function of a random generator; with a word for each thing done."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from fuzz_bytes import BYTE_CHANGES, Change, Other, Random
from fuzz_text import TEXT_CHANGES

PLACES = ("removed", "empty", "link", "dangling link", "folder", "pipe", "stranger")


def mutate_bytes(rng: Random, data: bytes, other: Other) -> tuple[bytes, list[str]]:
    """Return `data` after one to four changes; `other` gives another file's bytes to mix with."""
    return _mutate(rng, data, other, BYTE_CHANGES)


def mutate_text(rng: Random, data: bytes, other: Other) -> tuple[bytes, list[str]]:
    """Return text after one to four changes by lines and words, now and then after one of bytes."""
    return _mutate(rng, data, other, TEXT_CHANGES)


def mutate_place(rng: Random, path: Path, places: Sequence[str] = PLACES) -> str:
    """Make of a file what is no file, or what is there in another way."""
    what = places[int(rng.integers(len(places)))]
    content = path.read_bytes()
    path.unlink()
    if what == "folder":
        path.mkdir()
    elif what == "dangling link":
        path.symlink_to("nowhere")
    elif what == "empty":
        path.touch()
    elif what == "link":
        target = path.with_name("." + path.name)
        target.write_bytes(content)
        path.symlink_to(target.name)
    elif what == "pipe":
        os.mkfifo(path)  # whoever opens it waits for ever
    elif what == "stranger":
        path.with_name("\u2028" + path.name).touch()
    return what


def without_pipes(data: bytes) -> bytes:
    """Return a table whose values are no shell commands: those of a fuzz are not to be run."""
    return data.replace(b"|", b"/")


def _mutate(
    rng: Random, data: bytes, other: Other, changes: dict[str, tuple[int, Change]]
) -> tuple[bytes, list[str]]:
    names = [name for name, (weight, _) in changes.items() for _ in range(weight)]
    done = [names[int(rng.integers(len(names)))] for _ in range(int(rng.choice([1, 1, 1, 2, 3, 4])))]
    for name in done:
        data = changes[name][1](rng, data, other)
    return data, done
