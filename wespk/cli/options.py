"""Options that several verbs share, said once."""

from __future__ import annotations

import math
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

from wespk.data.compression import METHODS, NONE


def positive(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return int(text)


def share(text: str) -> float:
    """Read a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"'{text}' is not a number from 0 to 1")
    return value


def limit(text: str) -> float:
    """Read a number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise ArgumentTypeError(f"'{text}' is not a number of at least 0")
    return value


def add_max_rejected(parser: ArgumentParser, default: float) -> None:
    """Add --max-rejected."""
    parser.add_argument(
        "--max-rejected",
        type=limit,
        default=default,
        metavar="M",
        help=f"most items that may be rejected: a count, or a fraction if below 1 (default {default:g})",
    )


def add_compression(parser: ArgumentParser) -> None:
    """Add --compression."""
    parser.add_argument(
        "--compression",
        choices=(NONE, *METHODS),
        default=NONE,
        metavar="METHOD",
        help=f"store the features as Kaldi compresses them: {', '.join(METHODS)} ({NONE})",
    )


def add_scored_trials(parser: ArgumentParser) -> None:
    """Add what the verbs that evaluate scores take."""
    parser.add_argument(
        "trials", type=Path, metavar="TRIALS", help="lines `enrol-id test-id target|nontarget`"
    )
    parser.add_argument(
        "scores", type=Path, nargs="+", metavar="SCORES", help="lines `enrol-id test-id score`"
    )
    parser.add_argument(
        "--results", type=Path, metavar="JSON", help="write the figures here, for `wespk report`"
    )
