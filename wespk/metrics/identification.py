"""Closed-set identification: who of the enrolled speakers is it? Accuracy and its uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.core.errors import WespkError
from wespk.metrics.scores import checked_scores

TOP = 5  # the list in which the true speaker is looked for, beside the first place
Z_95 = 1.959964  # the normal distribution has 95 % of its mass within this many deviations

Index = NDArray[np.intp]


@dataclass(frozen=True)
class Identification:
    """How often the true model comes first, or among the first five, of `num_models` compared.

    `errors` of `num_tests` test utterances have another model first; `errors_top5` have their true model not
    among the five best. Accuracies are shares in [0, 1].
    """

    num_tests: int
    num_models: int
    errors: int
    errors_top5: int

    def __str__(self) -> str:
        low, high = self.interval
        errors = "1 error" if self.errors == 1 else f"{self.errors} errors"
        return (
            f"top-1 {100 * self.top1:.2f} % [{100 * low:.1f}, {100 * high:.1f}], "
            f"top-5 {100 * self.top5:.2f} %, {errors} of {self.num_tests} tests "
            f"among {self.num_models} speakers"
        )

    @property
    def top1(self) -> float:
        """Share of the tests whose true model scores highest."""
        return 1.0 - self.errors / self.num_tests

    @property
    def top5(self) -> float:
        """Share of the tests whose true model is among the five highest; 1 where there are five or fewer."""
        return 1.0 - self.errors_top5 / self.num_tests

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of `top1`, for tests that are independent of each other."""
        return wilson_interval(self.num_tests - self.errors, self.num_tests)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        low, high = self.interval
        return {
            "num_tests": self.num_tests,
            "num_models": self.num_models,
            "errors": self.errors,
            "errors_top5": self.errors_top5,
            "top1": self.top1,
            "top1_low": low,
            "top1_high": high,
            "top5": self.top5,
        }

    @staticmethod
    def from_json(value: Any) -> Identification:
        """Read what `to_json` returned. Raises `WespkError` for anything else."""
        names = ("num_tests", "num_models", "errors", "errors_top5")
        try:
            return Identification(*(int(value[name]) for name in names))
        except (KeyError, TypeError, ValueError):
            raise WespkError(f"identification: expected whole numbers {', '.join(names)}") from None


@dataclass(frozen=True)
class IdentificationResult:
    """What a report shows of one system's identification on one trial list."""

    trials: str
    system: str
    identification: Identification

    def to_json(self) -> dict[str, Any]:
        """Return the names and the numbers for a JSON file."""
        return {"trials": self.trials, "system": self.system, **self.identification.to_json()}


def identify(
    scores: ArrayLike,
    enrol_index: ArrayLike,
    test_index: ArrayLike,
    is_target: ArrayLike,
    test_ids: Sequence[str] | None = None,
) -> Identification:
    """Rank the models for each test utterance, and count how often the true one comes first or among five.

    scores (K,), higher meaning "more likely the same speaker"; enrol_index and test_index (K,) number the M
    models and N test utterances from 0; is_target (K,) booleans. The K = M N trials, in any order, compare
    each test utterance with each model once, one of them its speaker's. A tie counts against the system: the
    rank of the true model is 1 plus the number of other models that score as high or higher.

    Raises `WespkError`, naming the first test utterance by `test_ids` (N,) or else by its number, when it is
    not compared with all models, or has no true model or several; and for less than 2 models, scores that
    are not finite, and arrays that do not fit each other.
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
    _check_closed_set(enrol, test, labels, num_models, num_tests, test_ids)
    true_score = np.empty(num_tests)
    true_score[test[labels]] = values[labels]
    # The true model itself is among those that score at least its score: the count is its rank.
    rank = np.bincount(test[values >= true_score[test]], minlength=num_tests)
    return Identification(num_tests, num_models, int((rank > 1).sum()), int((rank > TOP).sum()))


def wilson_interval(successes: int, total: int) -> tuple[float, float]:
    """Return the 95 % score interval of a proportion; it is within [0, 1] and not empty at 0 or all.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    share, weight = successes / total, Z_95**2 / total
    centre = (share + weight / 2) / (1 + weight)
    half = np.sqrt(weight * (share * (1 - share) + weight / 4)) / (1 + weight)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def _check_closed_set(
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
