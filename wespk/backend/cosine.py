"""Cosine scoring of a trial list."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from wespk.backend.arrays import FloatArray, as_embeddings, as_trials
from wespk.backend.embeddings import unit_rows
from wespk.backend.pairs import pair_dots


def cosine_scores(
    enrol: ArrayLike, test: ArrayLike, enrol_index: ArrayLike, test_index: ArrayLike
) -> FloatArray:
    """Return the cosine of each trial's two embeddings.

    enrol (M, D) one row a model, test (N, D), enrol_index and test_index (K,) the rows of each trial.
    Returns (K,) in [-1, 1]: float32 when both sides are float32, else float64. Rows need no normalisation
    before; subtract the training mean first if the recipe does. Memory beyond the input and the result is
    bounded by a copy of both sides and one block. Raises `WespkError` for a zero vector, NaN, different
    dimensions or a row number outside the arrays.
    """
    models = as_embeddings("enrol", enrol)
    tests = as_embeddings("test", test, dim=models.shape[1])
    enrol_rows, test_rows = as_trials(enrol_index, test_index, len(models), len(tests))
    dtype = np.result_type(models, tests)
    scores = pair_dots(
        unit_rows("enrol", models.astype(dtype, copy=False)),
        unit_rows("test", tests.astype(dtype, copy=False)),
        enrol_rows,
        test_rows,
    )
    return np.clip(scores, -1.0, 1.0, out=scores)  # rounding can pass 1 by one unit in the last place
