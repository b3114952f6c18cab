"""How utterances of many lengths become batches: pure functions of lengths and arrays."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np


def plan_batches(lengths: Sequence[int], most_frames: int) -> list[np.ndarray]:
    """Return batches of indices into `lengths`: each index once, like lengths together, the longest first.

    A batch is padded to its longest utterance and has at most `most_frames` frames then; a longer utterance
    is a batch of its own. The longest come first, so that memory that does not suffice shows at once.
    """
    frames = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(-frames, kind="stable")
    batches, start = [], 0
    while start < len(order):
        size = max(1, most_frames // max(1, int(frames[order[start]])))
        batches.append(order[start : start + size])
        start += size
    return batches


def padded(arrays: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return (B, T, F) float32 of arrays (T_i, F), zeros behind their ends, and their lengths (B,) int64.

    The lengths are None where all are equal: a network pays nothing for padding that is not there.
    """
    lengths = np.array([len(array) for array in arrays])
    batch = np.zeros((len(arrays), int(lengths.max()), arrays[0].shape[1]), dtype=np.float32)
    for row, array in zip(batch, arrays, strict=True):
        row[: len(array)] = array
    return batch, None if (lengths == lengths[0]).all() else lengths


def equal_parts(num_frames: int, most: int) -> list[tuple[int, int]]:
    """Return (start, stop) of the fewest consecutive parts of at most `most` frames, equal but for one."""
    count = max(1, -(-num_frames // most))
    edges = [num_frames * part // count for part in range(count + 1)]
    return list(pairwise(edges))
