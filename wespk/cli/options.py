"""Options that several verbs share, said once."""

from __future__ import annotations

import math
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wespk.core.errors import WespkError
from wespk.data.compression import METHODS, NONE

if TYPE_CHECKING:
    from wespk.metrics.evaluation import Point

TABLES = (".scp", ".ark")


def positive(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return int(text)


def count(text: str) -> int:
    """Read a whole number."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"'{text}' is not a whole number")
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


def operating_point(text: str) -> Point:
    """Read an operating point."""
    from wespk.metrics.points import OperatingPoint

    try:
        return OperatingPoint.parse(text)
    except WespkError as error:
        raise ArgumentTypeError(str(error)) from None


def add_points(parser: ArgumentParser, what: str, default: str) -> None:
    """Add --point; `what` says what it is for, and `default` which points there are without it."""
    parser.add_argument(
        "--point",
        action="append",
        type=operating_point,
        metavar="POINT",
        help=f"{what}: 0.01 (p_target), 1:99, 0.01,10,1 (p_target,c_miss,c_fa) or empirical; may be repeated "
        f"({default})",
    )


def keep_inputs(args: Namespace, outputs: Sequence[str]) -> None:
    """Refuse to write a file that another option names: `outputs` are the options of what is written.

    Refused is also `-`, which is not the standard output here and would become a file or folder of that name.
    """
    for output in outputs:
        if str(getattr(args, output)) == "-":
            raise WespkError("'-': name a file; a table can go to the standard output, as ark:- or ark,t:-")
        others = [value for option, value in vars(args).items() if option != output]
        named = {path.resolve() for path in _named(others)}
        for path in _written(getattr(args, output)):
            if path.resolve() in named:
                raise WespkError(
                    f"{path}: another option or argument names it too, and it would be replaced; "
                    "write to another file"
                )


def _named(value: Any) -> Iterator[Path]:
    """Yield the files that the values of options name; a string is one where it names a table."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, str) and value.endswith(TABLES):
        yield from map(Path, value.rpartition(":")[2].split(","))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _named(each)


def _written(value: Any) -> Iterator[Path]:
    """Yield the files that an output may make: a table's archive and index, and both in a folder."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _written(each)
    elif value is not None:
        for path in map(Path, str(value).rpartition(":")[2].split(",")):
            yield path
            table = path if path.suffix in TABLES else path / "xvector.scp"
            yield from (table.with_suffix(suffix) for suffix in TABLES)


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
