"""The checks that every back-end function makes on its input arrays, with one wording of the errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.core.errors import WespkError

FloatArray = NDArray[np.floating[Any]]
IndexArray = NDArray[np.intp]


def as_embeddings(name: str, value: ArrayLike, dim: int | None = None) -> FloatArray:
    """Return `value` as a finite (N, D) array, N, D >= 1: float32 stays float32, the rest becomes float64.

    Raises `WespkError` naming `name` when it has another shape, when D is not `dim`, or at the first row
    with a NaN or an infinity.
    """
    array = _as_float(name, value)
    if array.ndim != 2 or 0 in array.shape:
        raise WespkError(f"{name}: an array of shape (N, D) is needed, this one is {array.shape}")
    if dim is not None and array.shape[1] != dim:
        raise WespkError(
            f"{name}: {array.shape[1]} dimensions where {dim} are needed; all sides must come from one model"
        )
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        raise WespkError(
            f"{name}: row {int(np.argmin(finite))} holds NaN or infinity "
            f"({int((~finite).sum())} of {len(array)} rows do); extract these again or leave them out"
        )
    return array


def as_vector(name: str, value: ArrayLike, size: int | None = None) -> NDArray[np.float64]:
    """Return `value` as a finite float64 (size,) array. Raises `WespkError` when it is not one."""
    array = _as_float(name, value).astype(np.float64, copy=False)
    if array.ndim != 1 or (size is not None and array.shape != (size,)):
        wanted = "(N,)" if size is None else f"({size},)"
        raise WespkError(f"{name}: an array of shape {wanted} is needed, this one is {array.shape}")
    finite = np.isfinite(array)
    if not finite.all():
        raise WespkError(f"{name}: item {int(np.argmin(finite))} is {array[np.argmin(finite)]}, not finite")
    return array


def as_index(name: str, value: ArrayLike, size: int) -> IndexArray:
    """Return `value` as row numbers (K,) in [0, size). Raises `WespkError` at the first one outside."""
    array = np.asarray(value)
    if array.size == 0:
        array = array.astype(np.intp)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise WespkError(f"{name}: whole numbers of shape (K,) are needed, not {array.dtype} {array.shape}")
    if array.size and (array.min() < 0 or array.max() >= size):
        position = int(np.argmax((array < 0) | (array >= size)))
        raise WespkError(f"{name}: item {position} is {array[position]}, outside the {size} rows")
    return array.astype(np.intp, copy=False)


def as_trials(
    enrol_index: ArrayLike, test_index: ArrayLike, num_enrol: int, num_test: int
) -> tuple[IndexArray, IndexArray]:
    """Return both sides of a trial list as checked row numbers of equal length (K,)."""
    enrol = as_index("enrol_index", enrol_index, num_enrol)
    test = as_index("test_index", test_index, num_test)
    if len(enrol) != len(test):
        raise WespkError(f"trials: {len(enrol)} enrol sides and {len(test)} test sides; they must pair up")
    return enrol, test


def as_classes(what: str, labels: ArrayLike, size: int) -> tuple[IndexArray, IndexArray]:
    """Return the class (size,) of each row, in [0, K), and the rows of each class (K,), from labels (size,).

    Labels are numbers or strings; classes are in their order. `what` needs two classes (speakers) at least:
    raises `WespkError` naming it for fewer, and when the labels do not pair up with the rows.
    """
    array = np.asarray(labels)
    if array.shape != (size,):
        raise WespkError(f"labels: shape {array.shape} for {size} embeddings; each row needs one")
    classes, index, counts = np.unique(array, return_inverse=True, return_counts=True)
    if len(classes) < 2:
        raise WespkError(f"{what} needs at least 2 speakers, the labels name {len(classes)}")
    return index, counts


def _as_float(name: str, value: ArrayLike) -> FloatArray:
    """Return `value` as float32 if it is that already, else as float64."""
    array = np.asarray(value)
    if array.dtype == np.float32:
        return array
    if array.dtype.kind not in "fiub":
        raise WespkError(f"{name}: numbers are needed, not {array.dtype}")
    return array.astype(np.float64, copy=False)
