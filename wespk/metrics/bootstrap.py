"""How sure a measure is: intervals by a bootstrap over speakers, and the significance of a difference.

The trials of a list are far from independent, as each speaker occurs in thousands of them: an interval that
takes them for independent is much too narrow. What is drawn again is therefore the speakers (Bengio and
Mariethoz 2004, "A statistical significance test for person authentication"; Poh and Bengio 2007, "Estimating
the confidence interval of expected performance curve in biometric authentication using joint bootstrap"), on
both sides of a trial at once, as in the pigeonhole bootstrap (Owen 2007, "The pigeonhole bootstrap"); the
interval is that between percentiles (Efron and Tibshirani 1993, "An introduction to the bootstrap", ch. 13).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.core.errors import WespkError
from wespk.metrics.records import Record
from wespk.metrics.resampling import SpeakerPairs
from wespk.metrics.scores import Scores, checked_scores
from wespk.metrics.weighted_errors import Measures, WeightedErrors

DRAWS = 1000
FEW_SPEAKERS = 30  # an interval from fewer is rough
TAILS = (0.025, 0.975)


@dataclass(frozen=True)
class Bootstrap:
    """95 % intervals of measures, from `draws` draws of `num_speakers` speakers.

    A measure that is the same in all draws has none: where no draw makes an error, nothing is known of how
    many others would make. `redrawn` more draws had no target or no nontarget trial, and were replaced.
    """

    intervals: Mapping[str, tuple[float, float]]
    num_speakers: int
    draws: int
    redrawn: int


@dataclass(frozen=True)
class Difference(Record):
    """A measure of two systems on the same trials; `difference` is `a` - `b`, `interval` holds 95 % of it.

    `p_value` is two-sided: how probable a difference of this size were, were there none. Both are None where
    the speakers are not known.
    """

    measure: str
    a: float
    b: float
    difference: float
    interval: tuple[float, float] | None = None
    p_value: float | None = None


def speaker_bootstrap(
    scores: ArrayLike,
    is_target: ArrayLike,
    pairs: SpeakerPairs,
    measures: Measures,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Bootstrap:
    """Return the interval of each of the measures, by its name.

    scores (K,), is_target (K,) booleans, `pairs` the speakers of the K trials. Deterministic in the seed.
    Raises `WespkError` for a class without trials and for arrays that do not fit each other.
    """
    labels = np.asarray(is_target, dtype=bool)
    errors = _weighted_errors(scores, labels, pairs, measures)
    blocks, redrawn = [], 0
    for block in pairs.draws(labels, draws, seed):
        redrawn += block.redrawn
        blocks.append(errors.measure(block.weights))
    bounds = np.quantile(np.concatenate(blocks, axis=1), TAILS, axis=1).T
    intervals = {
        name: (float(low), float(high))
        for name, (low, high) in zip(measures.names, bounds, strict=True)
        if low < high
    }
    return Bootstrap(intervals, pairs.num_speakers, draws, redrawn)


def paired_bootstrap(
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    is_target: ArrayLike,
    pairs: SpeakerPairs,
    measures: Measures,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[Difference, ...]:
    """Compare two systems on the same trials: return the difference A - B of each of the measures.

    Both see the same draws, so that what is hard about a speaker for both does not count. With B draws the
    two-sided p-value is twice the smaller share of differences on one side of 0, (1 + number) / (B + 1)
    (Efron and Tibshirani 1993, ch. 15, with the observed sample counted as one), and at most 1.
    """
    labels = np.asarray(is_target, dtype=bool)
    systems = [_weighted_errors(scores, labels, pairs, measures) for scores in (scores_a, scores_b)]
    once = np.ones((len(pairs), 1), dtype=np.int32)
    a, b = (system.measure(once)[:, 0] for system in systems)
    drawn = np.concatenate(
        [
            np.subtract(*(system.measure(block.weights) for system in systems))
            for block in pairs.draws(labels, draws, seed)
        ],
        axis=1,
    )
    bounds = np.quantile(drawn, TAILS, axis=1).T
    tails = 1 + np.minimum((drawn <= 0).sum(axis=1), (drawn >= 0).sum(axis=1))
    rows = zip(measures.names, a.tolist(), b.tolist(), bounds.tolist(), tails.tolist(), strict=True)
    return tuple(
        Difference(name, of_a, of_b, of_a - of_b, (low, high), min(1.0, 2 * tail / (draws + 1)))
        for name, of_a, of_b, (low, high), tail in rows
    )


def _weighted_errors(
    scores: ArrayLike, labels: NDArray[np.bool_], pairs: SpeakerPairs, measures: Measures
) -> WeightedErrors:
    values: Scores = checked_scores("trial", scores).astype(np.float64)
    if not values.shape == labels.shape == pairs.of_trial.shape:
        raise WespkError(
            f"{values.shape} scores, {labels.shape} labels and {pairs.of_trial.shape} pairs do not match"
        )
    return WeightedErrors.of(values, labels, pairs, measures)
