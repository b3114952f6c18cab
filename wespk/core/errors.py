"""The one exception that a person is meant to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class WespkError(Exception):
    """Bad input or a failed job, told in one line: what is wrong, where, and what to do.

    The command line prints the message without a traceback and exits with status 1.
    """


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return a hint such as ``did you mean 'scale'? (choices: margin, scale)`` for a mistyped word."""
    known = sorted(choices)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"{hint}(choices: {', '.join(known)})"
