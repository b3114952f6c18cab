"""The input of every measure: the scores of the target trials and of the nontarget trials."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.core.errors import WespkError

Scores = NDArray[np.floating[Any]]

# No score means anything at this size, and below it sums, ranges and thresholds beyond all scores are finite.
LARGEST = 1e100


@dataclass(frozen=True, eq=False)
class ScoreSet:
    """Scores of one system on one trial list, higher meaning "more likely the same speaker".

    `target` (T,) and `nontarget` (U,) hold finite numbers; anything that numpy can turn into such an array is
    taken. Both are float32 if both came as float32, to spare memory, else float64; every measure is computed
    in float64 or exactly in either case. Raises `WespkError` when either is empty or holds NaN, infinity or a
    number of 1e100 and more.
    """

    target: Scores
    nontarget: Scores

    def __post_init__(self) -> None:
        single = all(getattr(each, "dtype", None) == np.float32 for each in (self.target, self.nontarget))
        for kind in ("target", "nontarget"):
            values = checked_scores(kind, getattr(self, kind))
            object.__setattr__(self, kind, values if single else values.astype(np.float64, copy=False))
        if not len(self.target) or not len(self.nontarget):
            missing = "nontarget" if len(self.target) else "target"
            raise WespkError(f"{self}: no {missing} trial, and measuring errors needs at least one")

    def __str__(self) -> str:
        return f"{len(self.target)} target and {len(self.nontarget)} nontarget scores"

    @staticmethod
    def from_labels(scores: ArrayLike, is_target: ArrayLike) -> ScoreSet:
        """Split the scores (K,) of a trial list by its labels (K,), booleans.

        Raises `WespkError` as the constructor does, and for arrays that do not fit each other.
        """
        values, labels = np.asarray(scores), np.asarray(is_target)
        if labels.dtype != np.bool_:
            raise WespkError(f"is_target holds {labels.dtype}, it must hold booleans")
        if values.ndim != 1 or values.shape != labels.shape:
            raise WespkError(f"{values.shape} scores and {labels.shape} labels do not match")
        return ScoreSet(values[labels], values[~labels])


def checked_scores(kind: str, scores: ArrayLike) -> Scores:
    """Return `scores` as (K,), float32 as it is and all else as float64.

    Raises `WespkError` naming the `kind` when one is not finite.
    """
    single = getattr(scores, "dtype", None) == np.float32
    try:
        values: Scores = np.asarray(scores, dtype=np.float32 if single else np.float64)
    except (TypeError, ValueError):
        raise WespkError(f"{kind} scores are not numbers") from None
    if values.ndim != 1:
        raise WespkError(f"{kind} scores have shape {values.shape}, they must be a vector")
    # Minimum and maximum are NaN where there is one; unlike a mask they need no memory.
    if len(values) and not (float(values.min()) > -LARGEST and float(values.max()) < LARGEST):
        unusable = ~(np.abs(values.astype(np.float64)) < LARGEST)
        first = int(unusable.argmax())
        raise WespkError(
            f"{unusable.sum()} of {len(values)} {kind} scores are not finite, or beyond {LARGEST:g}: "
            f"first {values[first]} at position {first}; look at the embeddings behind them"
        )
    return values


def subsample_nontargets(scores: ScoreSet, per_target: float, seed: int = 0) -> ScoreSet:
    """Keep all T targets and `per_target` T nontargets (rounded, at least 1), drawn without replacement.

    The draw depends on the seed and the numbers of trials only, and keeps the order of the scores; where
    there are no more nontargets than asked for, all of them stay. Raises `WespkError` unless `per_target` is
    a positive number.
    """
    if not (isfinite(per_target) and per_target > 0):
        raise WespkError(f"{per_target} nontargets a target: a positive number is needed")
    wanted = max(1, round(per_target * len(scores.target)))
    if wanted >= len(scores.nontarget):
        return scores
    drawn = np.random.default_rng(seed).choice(len(scores.nontarget), wanted, replace=False, shuffle=False)
    return ScoreSet(scores.target, scores.nontarget[np.sort(drawn)])
