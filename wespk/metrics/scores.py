"""The input of every measure: the scores of the target trials and of the nontarget trials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.core.errors import WespkError

Scores = NDArray[np.float64]

# No score means anything at this size, and below it sums, ranges and thresholds beyond all scores are finite.
LARGEST = 1e100


@dataclass(frozen=True, eq=False)
class ScoreSet:
    """Scores of one system on one trial list, higher meaning "more likely the same speaker".

    `target` (T,) and `nontarget` (U,) are float64 and hold finite numbers; anything that numpy can turn into
    such an array is taken. Raises `WespkError` when either is empty or holds NaN, infinity or a number of
    1e100 and more.
    """

    target: Scores
    nontarget: Scores

    def __post_init__(self) -> None:
        for kind in ("target", "nontarget"):
            object.__setattr__(self, kind, checked_scores(kind, getattr(self, kind)))
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
    """Return `scores` as float64 (K,). Raises `WespkError` naming the `kind` when one is not finite."""
    try:
        values = np.asarray(scores, dtype=np.float64)
    except (TypeError, ValueError):
        raise WespkError(f"{kind} scores are not numbers") from None
    if values.ndim != 1:
        raise WespkError(f"{kind} scores have shape {values.shape}, they must be a vector")
    unusable = ~(np.abs(values) < LARGEST)  # written so that NaN is caught too
    if unusable.any():
        first = int(unusable.argmax())
        raise WespkError(
            f"{unusable.sum()} of {len(values)} {kind} scores are not finite, or beyond {LARGEST:g}: "
            f"first {values[first]} at position {first}; look at the embeddings behind them"
        )
    return values
