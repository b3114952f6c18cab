"""The trials of closed-set identification: every test utterance against every model, one of them true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.core.errors import WespkError
from wespk.metrics.scores import Scores, checked_scores

Index = NDArray[np.intp]


class ClosedSet(NamedTuple):
    """All tests against all models: scores (N, M), the true model (N,) and its score (N, 1)."""

    scores: Scores
    true: Index
    true_score: Scores


def closed_set(
    scores: ArrayLike,
    enrol_index: ArrayLike,
    test_index: ArrayLike,
    is_target: ArrayLike,
    test_ids: Sequence[str] | None,
) -> ClosedSet:
    """Lay the trials out as a matrix; arguments as of `wespk.metrics.identify`.

    Raises `WespkError`, naming the first test utterance, when one is not compared with all models, or has no
    true model or several; and for less than 2 models, scores that are not finite, and arrays that do not fit
    each other.
    """
    values = checked_scores("trial", scores)
    enrol, test = _as_index("enrol_index", enrol_index), _as_index("test_index", test_index)
    labels = np.asarray(is_target)
    if labels.dtype != np.bool_:
        raise WespkError(f"is_target holds {labels.dtype}, it must hold booleans")
    if not len(values) == len(enrol) == len(test) == len(labels):
        sizes = (
            f"{len(values)} scores, {len(enrol)} enrol sides, {len(test)} test sides, {len(labels)} labels"
        )
        raise WespkError(f"{sizes} do not match")
    if not len(values):
        raise WespkError("there are no trials")
    num_models, num_tests = int(enrol.max()) + 1, int(test.max()) + 1
    _check(enrol, test, labels, num_models, num_tests, test_ids)
    matrix = np.empty((num_tests, num_models), dtype=values.dtype)
    matrix[test, enrol] = values
    true = np.empty(num_tests, dtype=np.intp)
    true[test[labels]] = enrol[labels]
    return ClosedSet(matrix, true, np.take_along_axis(matrix, true[:, None], axis=1))


def _check(
    enrol: Index,
    test: Index,
    labels: NDArray[np.bool_],
    num_models: int,
    num_tests: int,
    test_ids: Sequence[str] | None,
) -> None:
    """Refuse trials that are not each test against each model, one of them true; name the first test."""

    def refuse(wrong: NDArray[np.bool_], what: str) -> None:
        if wrong.any():
            first = int(wrong.argmax())
            name = f"'{test_ids[first]}'" if test_ids is not None else f"number {first}"
            raise WespkError(f"test utterance {name} {what} ({wrong.sum()} so)")

    if num_models < 2:
        raise WespkError("there is 1 model, identification needs 2 or more")
    compared = np.bincount(test, minlength=num_tests)
    everyone = f"the {num_models} models, each once"
    refuse(compared != num_models, f"is not compared with {everyone}; score every test against every model")
    met = np.zeros((num_tests, num_models), dtype=bool)  # as many cells as there are trials
    met[test, enrol] = True
    refuse(
        np.count_nonzero(met, axis=1) < num_models, f"is not compared with {everyone}; a trial is repeated"
    )
    true_models = np.bincount(test[labels], minlength=num_tests)
    refuse(true_models == 0, "has no target trial; its speaker must be among the models")
    refuse(true_models > 1, "has several target trials; enrol each speaker as one model")


def _as_index(name: str, value: ArrayLike) -> Index:
    array = np.asarray(value)
    if array.ndim != 1 or (array.size and (array.dtype.kind not in "iu" or array.min() < 0)):
        raise WespkError(f"{name}: a vector of whole numbers from 0 up is needed")
    return array.astype(np.intp, copy=False)
