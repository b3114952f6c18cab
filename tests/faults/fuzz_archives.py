"""Damaged ark and scp files, ranges of frames, and files of single Kaldi objects.

A matrix that is accepted fits into the file that it came from, and is the same whichever way it is read.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from fuzz_bytes import Random
from fuzz_case import Answer, Case, attempt, is_untouched, law, pick
from fuzz_mutate import mutate_bytes, mutate_text

from wespk.data.archives import read_archive, read_ark, read_vectors
from wespk.data.compression import METHODS, NONE
from wespk.data.kaldi_objects import read_matrix, read_plda, read_vector
from wespk.data.matrices import MappedMatrices
from wespk.data.matrix_stats import matrix_stats
from wespk.data.specifiers import parse_source, parse_target
from wespk.data.tables import read_table

RANGES = (
    "[0:1]",
    "[2:2]",
    "[:,0:2]",
    "[1:3,0:0]",
    "[0:400]",
    "[5:1]",
    "[,1:9]",
    "[0:2",
    "[]",
    "[-1:1]",
    "[0:22]",
)
LARGEST_BASE = 10_000  # bytes of an archive of the material, to which a damaged scp may lead


def prepare(rng: Random, folder: Path) -> Case:
    """Damage an archive, or its scp, or both; or a file of one object."""
    if rng.random() < 0.15:
        return _object_case(rng, folder)
    choices = sorted(Path("base/ark").glob("*.ark"))
    base = pick(rng, choices)
    ark, scp = folder / "feats.ark", folder / "feats.scp"
    data = base.read_bytes()
    table = base.with_suffix(".scp").read_bytes().replace(bytes(base), bytes(ark))
    made = ["nothing"]
    untouched = is_untouched(rng)
    if not untouched:
        which = pick(rng, ["ark", "ark", "ark", "scp", "ranges"])
        mutate = mutate_text if base.stem in ("text", "words") and rng.random() < 0.7 else mutate_bytes
        if which == "ark":
            data, made = mutate(rng, data, lambda: pick(rng, choices).read_bytes())
        elif which == "scp":
            table, made = mutate_text(rng, table, lambda: choices[0].with_suffix(".scp").read_bytes())
            made = [f"scp: {what}" for what in made]
        else:
            lines = table.split(b"\n")
            lines[0] += pick(rng, RANGES).encode()
            table, made = b"\n".join(lines), ["range"]
    ark.write_bytes(data)
    scp.write_bytes(table)
    first, length = int(rng.integers(50)), int(rng.integers(50))
    target = pick(rng, ["ark,scp:{0}.ark,{0}.scp", "ark,scp,t:{0}.ark,{0}.scp"]).format(folder / "copy")
    method = NONE if ",t:" in target else pick(rng, [NONE, *METHODS])

    def check() -> str:
        refusal = _check(ark, scp, first, first + length, target, method)
        law(not (untouched and refusal), f"an undamaged {base.name} is read, not refused ({refusal})")
        return refusal

    return Case(str(base), made, check)


def _object_case(rng: Random, folder: Path) -> Case:
    choices = sorted(Path("base/objects").iterdir())
    base = pick(rng, choices)
    data, made = base.read_bytes(), ["nothing"]
    untouched = is_untouched(rng)
    if not untouched:
        mutate = mutate_text if base.suffix == ".txt" and rng.random() < 0.7 else mutate_bytes
        data, made = mutate(rng, data, lambda: pick(rng, choices).read_bytes())
    path = folder / base.name
    path.write_bytes(data)
    readers = {"vector": read_vector, "matrix": read_matrix, "plda": read_plda}

    def check() -> str:
        answers = {name: attempt(partial(read, path), [str(path)]) for name, read in readers.items()}
        for answer in answers.values():
            parts = answer.value if isinstance(answer.value, tuple) else (answer.value,)
            for part in parts if answer.accepted else ():
                law(part.size <= len(data), f"{part.size} numbers out of {len(data)} bytes")
        refusal = answers[base.stem].refusal
        law(not (untouched and refusal), f"an undamaged {base.name} is read, not refused ({refusal})")
        return refusal

    return Case(str(base), made, check)


def _check(ark: Path, scp: Path, first: int, last: int, target: str, method: str) -> str:
    size = ark.stat().st_size + LARGEST_BASE
    entries = attempt(lambda: list(read_ark(ark)), [str(ark)])
    for _, array in entries.value or ():
        _check_array(array, size)
    table = attempt(lambda: read_table(scp), [str(scp)])
    keys = [key[:60] for key in table.value or ()]  # a long one is not shown whole
    matrices = attempt(lambda: MappedMatrices(table.value or {}), keys)
    for index in range(len(matrices.value or ())):
        _check_reading(matrices.value, index, first, last, size)
    whole = attempt(lambda: list(read_archive(scp)), [str(scp), str(ark), *keys])
    vectors = attempt(lambda: read_vectors(scp), [str(scp), *keys])
    if vectors.value is not None:
        law(
            np.isfinite(vectors.value[1]).all() and vectors.value[0] == list(table.value),
            "vectors are finite, and all there",
        )
    if whole.value is not None:
        law([key for key, _ in whole.value] == list(table.value), "as many matrices as lines")
        attempt(lambda: matrix_stats(whole.value), [*keys, "there are no"])
    _check_copy(f"scp:{scp}", whole, target, method)
    return whole.refusal or entries.refusal


def _check_array(array: np.ndarray, size: int) -> None:
    law(array.dtype == np.float32 and array.ndim in (1, 2), f"{array.dtype} of shape {array.shape}")
    law(array.size <= size, f"{array.size} numbers out of {size} bytes")


def _check_reading(matrices: MappedMatrices, index: int, first: int, last: int, size: int) -> None:
    """Whole, by its header, and in part, a matrix is the same."""
    key = matrices.keys[index][:60]
    whole = attempt(lambda: matrices[index], [key])
    rows = attempt(lambda: matrices.rows(index), [key])
    law(whole.accepted == rows.accepted, "the header is read, the matrix is not, or the other way round")
    part = attempt(lambda: matrices.read(index, first, last), [key])
    if whole.value is None:
        law(not part.accepted, "a part is read of a matrix that is not")
        return
    _check_array(whole.value, size)
    law(rows.value == len(whole.value), f"{rows.value} rows by the header, {len(whole.value)} in the matrix")
    law(part.accepted == (first <= last <= len(whole.value)), f"rows {first}:{last} of {rows.value}")
    if part.value is not None:
        law(np.array_equal(part.value, whole.value[first:last], equal_nan=True), "a part differs")


def _check_copy(source: str, whole: Answer, target: str, method: str) -> None:
    """What copy-feats does: everything arrives, or nothing is there under the final name."""
    out = parse_target(target)

    def copy() -> dict[str, int]:
        return out.write(parse_source(source).read()[0], method)

    copied = attempt(copy)
    if copied.value is None:
        law(not Path(out.ark).exists() and not Path(out.scp).exists(), "half a copy is left")
        return
    law(whole.accepted, "what cannot be read is copied")
    arrived = attempt(lambda: list(read_archive(out.scp)))
    law(arrived.value is not None, f"a copy cannot be read: {arrived.refusal}")
    for (key, array), (other, copy_of) in zip(whole.value, arrived.value, strict=True):
        same_size = array.shape == copy_of.shape or not array.size
        law(key == other and same_size, f"{key} {array.shape} became {other} {copy_of.shape}")
        if method == NONE and array.size:
            law(np.array_equal(array, copy_of, equal_nan=True), f"the numbers of {key} have changed")
