"""A chain of transforms as files: CHAIN.json, and the matrix of each affine step beside it as Kaldi's.

{"steps": [{"affine": "chain.1.mat", "sha256": "..."}, {"length": "sqrt_dim"}]}

A step's matrix is found by its name in the folder of the JSON file and nowhere else, and must be the one that
was saved with it: a chain of which a part was replaced is refused.
"""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, file_digest, read_json, write_json
from wespk.data.kaldi_objects import FloatArray, read_matrix, write_matrix

AFFINE, LENGTH, DIGEST = "affine", "length", "sha256"
MOST_STEPS = 1000


def write_chain(path: PathLike, parts: Sequence[FloatArray | str]) -> list[Path]:
    """Write the parts of a chain, matrices (d, D + 1) or names of lengths; return the files."""
    path = Path(path)
    if path.suffix != ".json":
        raise WespkError(f"{path}: a chain is saved as FILE.json, with its matrices beside it")
    steps: list[dict[str, str]] = []
    written: list[Path] = []
    for number, part in enumerate(parts, 1):
        if isinstance(part, str):
            steps.append({LENGTH: part})
            continue
        matrix = path.with_name(f"{path.stem}.{number}.mat")
        write_matrix(matrix, np.asarray(part, np.float64))
        steps.append({AFFINE: matrix.name, DIGEST: file_digest(matrix)})
        written.append(matrix)
    write_json(path, {"steps": steps})
    for stale in set(path.parent.glob(f"{glob.escape(path.stem)}.*.mat")) - set(written):
        if stale.name.removeprefix(f"{path.stem}.").removesuffix(".mat").isdecimal():
            stale.unlink()  # of a longer chain
    return [*written, path]


def read_chain(path: PathLike) -> list[FloatArray | str]:
    """Read what `write_chain` wrote. Raises `WespkError` naming the file that is missing or does not fit."""
    value = read_json(path)
    steps = value.get("steps") if isinstance(value, dict) else None
    if not isinstance(steps, list) or len(steps) > MOST_STEPS:
        raise WespkError(f"{path}: no chain of transforms: a list named 'steps' is needed")
    return [_read_step(Path(path), number, step) for number, step in enumerate(steps, 1)]


def _read_step(path: Path, number: int, step: Any) -> FloatArray | str:
    if isinstance(step, dict) and set(step) == {LENGTH} and isinstance(step[LENGTH], str):
        return step[LENGTH]
    if not (
        isinstance(step, dict)
        and set(step) == {AFFINE, DIGEST}
        and all(isinstance(text, str) for text in step.values())
    ):
        raise WespkError(
            f"{path}: step {number} is neither an affine matrix nor a length; save the chain again"
        )
    name = step[AFFINE]
    if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise WespkError(f"{path}: step {number} names '{name}'; a chain's files lie in its own folder")
    matrix = path.with_name(name)
    values = read_matrix(matrix)  # says what is wrong with a file that is missing, huge or something else
    if file_digest(matrix) != step[DIGEST]:
        raise WespkError(f"{matrix}: is not the file that {path} was saved with; save the chain again")
    return values
