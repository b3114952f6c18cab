"""Who is taken for whom in closed-set identification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from wespk.metrics.closed_set import Index, closed_set


@dataclass(frozen=True, eq=False)
class Confusion:
    """Which model the tests of each speaker went to: a row (C,) for each pair of models that occurs.

    `tests` (C,) test utterances of the speaker of model `true` (C,) have model `chosen` (C,) first; pairs of
    equal models are right decisions. The rows are ordered by `true`, then by falling `tests`.
    """

    true: Index
    chosen: Index
    tests: Index

    def worst(self, count: int) -> list[tuple[int, int, int]]:
        """Return the `count` most frequent confusions (true, chosen, tests), right decisions left out."""
        wrong = np.flatnonzero(self.true != self.chosen)
        order = wrong[np.argsort(-self.tests[wrong], kind="stable")][:count]
        columns = (column[order].tolist() for column in (self.true, self.chosen, self.tests))
        return list(zip(*columns, strict=True))


def confusion(
    scores: ArrayLike,
    enrol_index: ArrayLike,
    test_index: ArrayLike,
    is_target: ArrayLike,
    test_ids: Sequence[str] | None = None,
) -> Confusion:
    """Return which model each speaker's tests went to; arguments and errors as of `identify`.

    As there, a tie counts against the system: the test goes to another model that scores as high as the true
    one. Among equal others it is the one numbered first.
    """
    table = closed_set(scores, enrol_index, test_index, is_target, test_ids)
    others = table.scores.copy()
    tests = np.arange(len(others))
    others[tests, table.true] = -np.inf
    chosen = others.argmax(axis=1)
    chosen = np.where(others[tests, chosen] >= table.true_score[:, 0], chosen, table.true)
    num_models = others.shape[1]
    codes, counts = np.unique(table.true * num_models + chosen, return_counts=True)
    true, chosen = np.divmod(codes, num_models)
    order = np.lexsort((-counts, true))
    return Confusion(true[order], chosen[order], counts[order])
