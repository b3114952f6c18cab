"""Closed-set identification: who of the enrolled speakers is it? Accuracy and its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from wespk.core.errors import WespkError
from wespk.metrics.closed_set import closed_set

DEFAULT_RANKS = (1, 5)  # the first place, and a list short enough to be checked by ear
Z_95 = 1.959964  # the normal distribution has 95 % of its mass within this many deviations


@dataclass(frozen=True)
class Identification:
    """How often the true model is among the best k of `num_models` compared, for one or more ranks k.

    `errors_at` maps each k, 1 always among them and ascending, to how many of the `num_tests` test utterances
    do not have their true model among the k best. Accuracies are shares in [0, 1].
    """

    num_tests: int
    num_models: int
    errors_at: Mapping[int, int]

    def __str__(self) -> str:
        low, high = self.interval
        others = "".join(f", top-{k} {100 * self.accuracy(k):.2f} %" for k in self.errors_at if k > 1)
        errors = "1 error" if self.errors == 1 else f"{self.errors} errors"
        return (
            f"top-1 {100 * self.top1:.2f} % [{100 * low:.1f}, {100 * high:.1f}]{others}, "
            f"{errors} of {self.num_tests} tests among {self.num_models} speakers"
        )

    @property
    def errors(self) -> int:
        """Number of tests with another model first."""
        return self.errors_at[1]

    @property
    def top1(self) -> float:
        """Share of the tests whose true model scores highest."""
        return self.accuracy(1)

    def accuracy(self, k: int) -> float:
        """Share of the tests whose true model is among the k highest; 1 where there are k or fewer."""
        return 1.0 - self.errors_at[k] / self.num_tests

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of `top1`, for tests that are independent of each other."""
        return wilson_interval(self.num_tests - self.errors, self.num_tests)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file: `errors_at` and `topK` for each rank, `errors` for rank 1."""
        low, high = self.interval
        return {
            "num_tests": self.num_tests,
            "num_models": self.num_models,
            "errors": self.errors,
            "errors_at": {str(k): errors for k, errors in self.errors_at.items()},
            "top1_low": low,
            "top1_high": high,
            **{f"top{k}": self.accuracy(k) for k in self.errors_at},
        }

    @staticmethod
    def from_json(value: Any) -> Identification:
        """Read what `to_json` returned. Raises `WespkError` for anything else."""
        try:
            errors_at = {int(k): int(errors) for k, errors in value["errors_at"].items()}
            found = Identification(int(value["num_tests"]), int(value["num_models"]), errors_at)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            raise WespkError(f"identification: expected {_JSON_FORM}; run `wespk identify` again") from None
        within = all(0 <= errors <= found.num_tests for errors in errors_at.values())
        if 1 not in errors_at or not within or not 1 <= found.num_tests < MOST_TESTS or found.num_models < 2:
            raise WespkError(f"identification: expected {_JSON_FORM}; run `wespk identify` again")
        return found


MOST_TESTS = 10**12  # a file that counts more of them is damaged
_JSON_FORM = "whole numbers num_tests and num_models, and a map errors_at with rank 1"


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
    ranks: Sequence[int] = DEFAULT_RANKS,
) -> Identification:
    """Rank the models for each test utterance, and count how often the true one is not among the first k.

    scores (K,), higher meaning "more likely the same speaker"; enrol_index and test_index (K,) number the M
    models and N test utterances from 0; is_target (K,) booleans; `ranks` the k, to which 1 is added. The
    K = M N trials, in any order, compare each test utterance with each model once, one of them its speaker's.
    A tie counts against the system: the rank of the true model is 1 plus the number of other models that
    score as high or higher.

    Raises `WespkError`, naming the first test utterance by `test_ids` (N,) or else by its number, when it is
    not compared with all models, or has no true model or several; and for less than 2 models, ranks under 1,
    scores that are not finite, and arrays that do not fit each other.
    """
    if any(k < 1 for k in ranks):
        raise WespkError(f"rank {min(ranks)}: ranks count from 1")
    table = closed_set(scores, enrol_index, test_index, is_target, test_ids)
    # The true model itself is among those that score at least its score: the count is its rank.
    rank = np.count_nonzero(table.scores >= table.true_score, axis=1)
    errors_at = {k: int((rank > k).sum()) for k in sorted({1, *ranks})}
    num_tests, num_models = table.scores.shape
    return Identification(num_tests, num_models, errors_at)


def wilson_interval(successes: int, total: int) -> tuple[float, float]:
    """Return the 95 % score interval of a proportion; it is within [0, 1] and not empty at 0 or all.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    share, weight = successes / total, Z_95**2 / total
    centre = (share + weight / 2) / (1 + weight)
    half = np.sqrt(weight * (share * (1 - share) + weight / 4)) / (1 + weight)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))
