"""The one exception that a person is meant to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MOST_CHARACTERS = 1000  # of a message: what it quotes from a file can be of any length


class WespkError(Exception):
    """Bad input or a failed job, told in one line: what is wrong, where, and what to do.

    The command line prints the message without a traceback and exits with status 1. Whatever a message quotes
    from a file, it stays one line that can be printed and read: line breaks become spaces, other characters
    that do not print become escapes, and of a long message the middle is left out.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(_one_line(message))


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return a hint such as ``did you mean 'scale'? (choices: margin, scale)`` for a mistyped word."""
    known = sorted(choices)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"{hint}(choices: {', '.join(known)})"


def _one_line(message: str) -> str:
    if "\nOriginal Traceback (most recent call last):\n" in message:
        # A worker process of torch's loader sends its traceback along, with the class and message at the end.
        message = message.rstrip("\n").rpartition("\n")[2].partition(": ")[2]
    if not message.isprintable():
        message = " ".join(line.strip() for line in message.splitlines())
        message = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)
    if len(message) <= MOST_CHARACTERS:
        return message
    end = MOST_CHARACTERS // 5  # where the remedy stands
    return f"{message[: MOST_CHARACTERS - end - 5]} ... {message[-end:]}"
