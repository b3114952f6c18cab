"""Kaldi's specifiers of tables on a command line: `ark:FILE`, `scp:FILE`, `ark,scp:ARK,SCP`, `ark,t:-`.

For reading: `scp:feats.scp`, `ark:feats.ark` (text or binary, it is seen from the entries). For writing:
`ark:out.ark`, `ark,scp:out.ark,out.scp`, with `t` for text, and `-` for the standard output. Kaldi's options
that only promise an order (`s`, `cs`, `o` ...) are taken and change nothing. Shell pipes are refused: they
would run whatever stands in the argument.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from wespk.core.errors import WespkError
from wespk.data.archives import Item, encode_item, read_ark, write_archive
from wespk.data.compression import NONE
from wespk.data.matrices import MappedMatrices
from wespk.data.tables import read_table

STANDARD = "-"
ORDER_OPTIONS = {"s", "ns", "cs", "ncs", "o", "no", "b", "f", "nf"}
READING = "write it as scp:FILE or ark:FILE"
WRITING = "write it as ark:FILE, ark,scp:FILE,FILE or ark,t:FILE; - is the standard output"


@dataclass(frozen=True)
class Source:
    """A table to read."""

    path: Path
    is_scp: bool

    def read(self) -> tuple[Iterator[Item], int | None]:
        """Return the items in their order, and their number where it is known beforehand."""
        if not self.is_scp:
            return read_ark(self.path), None
        matrices = MappedMatrices(read_table(self.path))
        return ((key, matrices[index]) for index, key in enumerate(matrices.keys)), len(matrices)


@dataclass(frozen=True)
class Target:
    """A table to write."""

    ark: str
    scp: str | None
    text: bool

    def write(self, items: Iterable[Item], compression: str = NONE) -> dict[str, int]:
        """Write all items, and return the rows of each."""
        if self.ark != STANDARD:
            return write_archive(self.ark, self.scp, items, compression, self.text)
        rows: dict[str, int] = {}
        for key, array in items:
            for piece in encode_item(key, array, compression, self.text):
                sys.stdout.buffer.write(piece)
            rows[key] = len(array)
        sys.stdout.buffer.flush()
        return rows


def parse_source(text: str) -> Source:
    """Read what Kaldi calls an rspecifier; a bare path that ends in .scp or .ark is taken as one."""
    kinds, rest = _split(text, READING)
    if not kinds and rest.endswith((".scp", ".ark")):
        kinds = [rest[-3:]]
    options = set(kinds) - {"ark", "scp"}
    if len({"ark", "scp"} & set(kinds)) != 1 or options - ORDER_OPTIONS - {"t"}:
        raise WespkError(f"'{text}' is no table to read: {READING}")
    if rest == STANDARD:
        raise WespkError(f"'{text}': a table cannot be read from the standard input; {READING}")
    return Source(Path(rest), "scp" in kinds)


def parse_target(text: str) -> Target:
    """Read what Kaldi calls a wspecifier; a bare path that ends in .ark is taken as one."""
    kinds, rest = _split(text, WRITING)
    if not kinds and rest.endswith(".ark"):
        kinds = ["ark"]
    options = set(kinds) - {"ark", "scp"}
    if "ark" not in kinds or options - ORDER_OPTIONS - {"t"}:
        raise WespkError(f"'{text}' is no table to write: {WRITING}")
    if "scp" not in kinds:
        return Target(rest, None, "t" in options)
    ark, _, scp = rest.partition(",")
    if not ark or not scp or "," in scp or STANDARD in (ark, scp) or kinds.index("ark") > kinds.index("scp"):
        raise WespkError(f"'{text}' is no archive with its scp: write it as ark,scp:OUT.ark,OUT.scp")
    return Target(ark, scp, "t" in options)


def _split(text: str, hint: str) -> tuple[list[str], str]:
    """Return the words before the colon, none for a bare path, and what follows it."""
    if "|" in text:
        raise WespkError(f"'{text}': shell pipes are not run; {hint}")
    head, colon, rest = text.partition(":")
    kinds, rest = (head.split(","), rest) if colon else ([], text)
    if not rest.strip() or len(set(kinds)) != len(kinds):
        raise WespkError(f"'{text}' is no table: {hint}")
    return kinds, rest
