"""Tables of vectors as the back-end verbs name them on a command line: an scp, an archive, a folder.

To read: FILE.scp, FILE.ark (binary or text) or one of Kaldi's specifiers (`wespk.data.specifiers`). To write:
FILE.scp with FILE.ark beside it, FILE.ark alone, ark,scp:FILE,FILE and the like, or a folder, which gets
xvector.scp and xvector.ark as `wespk extract` and `wespk merge-jobs` make them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from wespk.core.errors import WespkError
from wespk.core.files import PathLike
from wespk.data.archives import stack_vectors
from wespk.data.specifiers import STANDARD, Target, parse_source, parse_target

NAME = "xvector"


def read_vector_table(source: PathLike) -> tuple[list[str], np.ndarray]:
    """Read a table of vectors of one length into `(keys, float32 array (N, D))`.

    Raises `WespkError` for an empty table, duplicate keys, a wrong shape or a non-finite value.
    """
    items, _ = parse_source(str(source)).read()
    keys, vectors = stack_vectors(source, items)
    if not vectors.shape[1]:
        raise WespkError(f"{source}: '{keys[0]}' holds no numbers; extract it again")
    if len(set(keys)) < len(keys):
        seen: set[str] = set()
        twice = next(key for key in keys if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise WespkError(f"{source}: '{twice}' comes twice; keys must be unique")
    return keys, vectors


def vector_target(out: str, text: bool) -> Target:
    """Return where a table named `out` on the command line goes; `text` asks for numbers to read."""
    if out.startswith("ark") and ":" in out:
        target = parse_target(out)
        return replace(target, text=target.text or text)
    if out.endswith(".ark"):
        return Target(out, None, text)
    if out.endswith(".scp"):
        return Target(out.removesuffix(".scp") + ".ark", out, text)
    folder = out.rstrip("/") or "/"
    return Target(f"{folder}/{NAME}.ark", f"{folder}/{NAME}.scp", text)


def target_name(target: Target) -> str:
    """Return the file by which others find the table."""
    return "standard output" if target.ark == STANDARD else target.scp or target.ark


def write_vectors(target: Target, keys: Sequence[str], vectors: np.ndarray) -> None:
    """Write vectors (N, D), as float32, under their keys."""
    target.write(zip(keys, vectors, strict=True))
