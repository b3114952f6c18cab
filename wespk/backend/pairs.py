"""Dot products of the listed pairs of rows: the inner loop of every scorer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wespk.backend.arrays import FloatArray, IndexArray

BLOCK_BYTES = 64 << 20  # of a block of the full score matrix
BLOCK_PAIRS = 1 << 18  # pairs looked at together, for rows that they share
CAST_ROWS = 4096  # rows brought to the other side's precision at once
GATHER_BYTES = 1 << 20  # of the rows gathered at once on each side: larger blocks leave the cache
# A cell of a matrix product costs about a hundredth of a gathered pair (measured at 256 dimensions, 1 core);
# a third of that keeps the product from being chosen where it would be no faster.
CELLS_PER_PAIR = 32
# Copying the rows that a block of pairs shares pays, and stays small, when each serves several pairs.
PAIRS_PER_ROW = 4


def pair_dots(
    enrol: FloatArray, test: FloatArray, enrol_index: IndexArray, test_index: IndexArray
) -> FloatArray:
    """Return enrol[enrol_index[k]] . test[test_index[k]] for each k (K,), in bounded memory.

    enrol (M, D), test (N, D); the result has the higher of their precisions. When the trials cover a fair
    part of the M x N matrix it is computed whole, in blocks of rows. Otherwise they are taken a block at a
    time: where its pairs share rows, as in a list sorted by model, the matrix of these rows alone is
    computed, else the pairs are gathered.
    """
    if len(enrol) * len(test) <= CELLS_PER_PAIR * len(enrol_index):
        return _from_matrix(enrol, test, enrol_index, test_index)
    scores = np.empty(len(enrol_index), dtype=np.result_type(enrol, test))
    for start in range(0, len(scores), BLOCK_PAIRS):
        part = slice(start, start + BLOCK_PAIRS)
        scores[part] = _from_block(enrol, test, enrol_index[part], test_index[part])
    return scores


def products(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return left @ right.T, (M, N), in the higher precision, without a whole copy of `right` in it."""
    dtype = np.result_type(left, right)
    if left.dtype == right.dtype:
        return left @ right.T
    cells = np.empty((len(left), len(right)), dtype=dtype)
    left = left.astype(dtype, copy=False)
    for start in range(0, len(right), CAST_ROWS):
        part = slice(start, start + CAST_ROWS)
        np.matmul(left, right[part].astype(dtype, copy=False).T, out=cells[:, part])
    return cells


def _from_matrix(
    enrol: FloatArray, test: FloatArray, enrol_index: IndexArray, test_index: IndexArray
) -> FloatArray:
    """Compute every cell of the matrix, block by block, and pick the pairs."""
    dtype = np.result_type(enrol, test)
    block = max(1, BLOCK_BYTES // (len(test) * dtype.itemsize))
    if block >= len(enrol):
        return products(enrol, test)[enrol_index, test_index]
    scores = np.empty(len(enrol_index), dtype=dtype)
    order = np.argsort(enrol_index, kind="stable")  # the trials of a block lie together
    starts = np.arange(0, len(enrol) + block, block)
    bounds = np.searchsorted(enrol_index, starts, sorter=order)
    for start, first, last in zip(starts[:-1], bounds[:-1], bounds[1:], strict=True):
        picked = order[first:last]
        if len(picked):
            cells = products(enrol[start : start + block], test)
            scores[picked] = cells[enrol_index[picked] - start, test_index[picked]]
    return scores


def _from_block(
    enrol: FloatArray, test: FloatArray, enrol_index: IndexArray, test_index: IndexArray
) -> FloatArray:
    """Compute one block of pairs, from the matrix of the rows that occur in it if there are few."""
    enrol_rows, enrol_place = _used(enrol_index, len(enrol))
    test_rows, test_place = _used(test_index, len(test))
    pairs = len(enrol_index)
    few_rows = PAIRS_PER_ROW * (len(enrol_rows) + len(test_rows)) <= pairs
    if few_rows and len(enrol_rows) * len(test_rows) <= CELLS_PER_PAIR * pairs:
        return _from_matrix(enrol[enrol_rows], test[test_rows], enrol_place, test_place)
    return _from_gathers(enrol, test, enrol_index, test_index)


def _used(index: IndexArray, size: int) -> tuple[IndexArray, IndexArray]:
    """Return the rows that occur in `index`, ascending, and the place of each item among them."""
    occurs = np.zeros(size, dtype=bool)
    occurs[index] = True
    rows = np.flatnonzero(occurs)
    return rows, (np.cumsum(occurs) - 1)[index]


def _from_gathers(
    enrol: FloatArray, test: FloatArray, enrol_index: IndexArray, test_index: IndexArray
) -> FloatArray:
    """Gather both sides of a few pairs into two reused buffers, and multiply row by row."""
    scores = np.empty(len(enrol_index), dtype=np.result_type(enrol, test))
    dim = enrol.shape[1]
    block = max(1, GATHER_BYTES // (dim * max(enrol.itemsize, test.itemsize)))
    left: NDArray = np.empty((block, dim), dtype=enrol.dtype)
    right: NDArray = np.empty((block, dim), dtype=test.dtype)
    for start in range(0, len(scores), block):
        stop = min(start + block, len(scores))
        # mode="clip" skips the copy that numpy makes for out= otherwise; the indices are checked already.
        np.take(enrol, enrol_index[start:stop], axis=0, out=left[: stop - start], mode="clip")
        np.take(test, test_index[start:stop], axis=0, out=right[: stop - start], mode="clip")
        np.einsum("kd,kd->k", left[: stop - start], right[: stop - start], out=scores[start:stop])
    return scores
