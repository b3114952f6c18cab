"""What a case of the fuzz is, and the laws that every answer to it has to keep.

A case is a function of (seed, number) alone. A family writes its damaged files into a folder and returns what
is to be called with them; whatever comes back is either a value, whose laws the family checks, or a refusal:
a `WespkError` of one line that names what is wrong. Anything else is a `Broken` law.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from wespk.core.errors import WespkError

LONGEST_MESSAGE = 1000
UNTOUCHED = 0.03  # share of cases without any damage, which have to be accepted

Value = TypeVar("Value")


class Broken(Exception):
    """A law does not hold."""


@dataclass(frozen=True)
class Answer(Generic[Value]):
    """What a call gave: a value, or the kind of its refusal."""

    value: Value | None
    refusal: str = ""

    @property
    def accepted(self) -> bool:
        """Whether there is a value."""
        return not self.refusal


@dataclass(frozen=True)
class Case:
    """`base` is the file or folder that was damaged, `made` says how; `check` calls the library.

    `check` returns "" for a case that was accepted, or the kind of its refusal.
    """

    base: str
    made: Sequence[str]
    check: Callable[[], str] = field(repr=False)


def generator(seed: int, number: int) -> np.random.Generator:
    """Return the randomness of case `number`."""
    return np.random.default_rng([seed, number])


def attempt(
    call: Callable[[], Value],
    names: Sequence[str] = (),
    refusals: type[WespkError] = WespkError,
    kind: Callable[[str], str] | None = None,
) -> Answer[Value]:
    """Call; a `WespkError` is a refusal, which has to be of type `refusals`, of one line, and to name one of
    `names` (any, where there are none)."""
    try:
        return Answer(call())
    except WespkError as error:
        message = str(error)
        law(isinstance(error, refusals), f"a fault of the input is a {refusals.__name__}: {message[:300]}")
        law(message.isprintable(), f"a message has one line that can be printed: {message[:300]!r}")
        law(len(message) <= LONGEST_MESSAGE, f"a message can be read, not {len(message)}: {message[:300]!r}")
        told = not names or any(name in message for name in names)
        law(told, f"a message names what is wrong, one of {list(names)[:5]}: {message[:300]!r}")
        return Answer(None, (kind or kind_of)(message))


def law(holds: object, otherwise: str) -> None:
    """Raise `Broken` unless something holds."""
    if not holds:
        raise Broken(otherwise)


def kind_of(message: str) -> str:
    """Return what messages of one kind have in common: their words, without paths, names and numbers."""
    text = re.sub(r"^(?:\S*/\S*|'[^']*'): ?", "", message)
    text = re.sub(r"^[^ :]+(?::\d+)?: ", "", text) if "/" in text.split(" ")[0] else text
    text = re.sub(r"'[^']*'|\"[^\"]*\"|\S*/\S*", "*", text)
    text = re.sub(r"(?<![A-Za-z-])[-+]?\d[\d.e+-]*", "N", text)
    return " ".join(text.split()[:7])[:60]


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a folder, by name; of a link, where it leads."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = b"-> " + bytes(path.readlink())
        elif path.is_file():
            found[name] = path.read_bytes()
        else:
            found[name] = b"/"
    return found


def folder_digest(folder: Path) -> str:
    """Return a digest of names and bytes."""
    total = hashlib.sha256()
    for name, data in contents(folder).items():
        total.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
        total.update(data)
    return total.hexdigest()[:16]


def is_untouched(rng: np.random.Generator) -> bool:
    """Decide whether a case is one of those that nothing is done to."""
    return bool(rng.random() < UNTOUCHED)


def pick(rng: np.random.Generator, choices: Sequence[Value]) -> Value:
    """Return one of some things."""
    return choices[int(rng.integers(len(choices)))]
