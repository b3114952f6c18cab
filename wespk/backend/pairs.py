"""Dot products of the listed pairs of rows: the inner loop of every scorer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wespk.backend.arrays import FloatArray, IndexArray

BLOCK_BYTES = 64 << 20  # of a block of the full score matrix
GATHER_BYTES = 1 << 20  # of the rows gathered at once on each side: larger blocks leave the cache
# A cell of a matrix product costs about a hundredth of a gathered pair (measured at 256 dimensions, 1 core);
# a third of that keeps the product from being chosen where it would be no faster.
CELLS_PER_PAIR = 32


def pair_dots(
    enrol: FloatArray, test: FloatArray, enrol_index: IndexArray, test_index: IndexArray
) -> FloatArray:
    """Return enrol[enrol_index[k]] . test[test_index[k]] for each k (K,), in bounded memory.

    enrol (M, D) and test (N, D) are of one precision. When the trials cover a fair part of the M x N matrix
    it is computed whole, in blocks of rows; otherwise the pairs are gathered.
    """
    if len(enrol) * len(test) <= CELLS_PER_PAIR * len(enrol_index):
        return _from_products(enrol, test, enrol_index, test_index)
    return _from_gathers(enrol, test, enrol_index, test_index)


def _from_products(
    enrol: FloatArray, test: FloatArray, enrol_index: IndexArray, test_index: IndexArray
) -> FloatArray:
    """Compute every cell of the matrix, block by block, and pick the pairs."""
    block = max(1, BLOCK_BYTES // (len(test) * test.itemsize))
    if block >= len(enrol):
        return (enrol @ test.T)[enrol_index, test_index]
    scores = np.empty(len(enrol_index), dtype=enrol.dtype)
    order = np.argsort(enrol_index, kind="stable")  # the trials of a block lie together
    starts = np.arange(0, len(enrol) + block, block)
    bounds = np.searchsorted(enrol_index, starts, sorter=order)
    for start, first, last in zip(starts[:-1], bounds[:-1], bounds[1:], strict=True):
        picked = order[first:last]
        if len(picked):
            product = enrol[start : start + block] @ test.T
            scores[picked] = product[enrol_index[picked] - start, test_index[picked]]
    return scores


def _from_gathers(
    enrol: FloatArray, test: FloatArray, enrol_index: IndexArray, test_index: IndexArray
) -> FloatArray:
    """Gather both sides of a block of pairs into two reused buffers, and multiply row by row."""
    scores = np.empty(len(enrol_index), dtype=enrol.dtype)
    dim = enrol.shape[1]
    block = max(1, GATHER_BYTES // (dim * enrol.itemsize))
    left: NDArray = np.empty((block, dim), dtype=enrol.dtype)
    right: NDArray = np.empty((block, dim), dtype=test.dtype)
    for start in range(0, len(scores), block):
        stop = min(start + block, len(scores))
        # mode="clip" skips the copy that numpy makes for out= otherwise; the indices are checked already.
        np.take(enrol, enrol_index[start:stop], axis=0, out=left[: stop - start], mode="clip")
        np.take(test, test_index[start:stop], axis=0, out=right[: stop - start], mode="clip")
        np.einsum("kd,kd->k", left[: stop - start], right[: stop - start], out=scores[start:stop])
    return scores
