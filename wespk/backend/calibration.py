"""Calibration: from a score to a log-likelihood ratio that a Bayes threshold can be put on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.backend.arrays import as_vector
from wespk.backend.fusion import train_fusion
from wespk.core.errors import WespkError


@dataclass(frozen=True)
class LinearCalibration:
    """llr = scale * score + offset, natural logarithm. The scale is positive: the order of scores is kept.

    Raises `WespkError` on construction when the scale is not positive or either is not finite.
    """

    scale: float
    offset: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.scale) and np.isfinite(self.offset) and self.scale > 0):
            raise WespkError(
                f"calibration: scale {self.scale:g} and offset {self.offset:g}; "
                "the scale must be positive and both finite"
            )

    def apply(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return the log-likelihood ratios (K,) of scores (K,). Raises `WespkError` for NaN."""
        return self.scale * as_vector("scores", scores) + self.offset


def train_linear_calibration(
    target_scores: ArrayLike, nontarget_scores: ArrayLike, p_target: float = 0.01
) -> LinearCalibration:
    """Fit scale and offset on development trials by prior-weighted logistic regression.

    This is `train_fusion` of one input: Brummer and Doddington 2013, "Likelihood-ratio calibration using
    prior-weighted proper scoring rules". The classes' sizes do not matter, only p_target does. Afterwards the
    threshold for a cost with effective prior p is -logit p. An affine map of all scores with a positive
    factor leaves the calibrated scores as they were.

    target_scores (T,), nontarget_scores (U,). Raises `WespkError` for an empty class, NaN, a prior outside
    (0, 1), scores that are all equal, and targets that do not score above nontargets.
    """
    targets = as_vector("target_scores", target_scores)
    nontargets = as_vector("nontarget_scores", nontarget_scores)
    fitted = train_fusion(targets[:, None], nontargets[:, None], p_target, ["scores"])
    scale = float(fitted.weights[0])
    if scale <= 0:
        raise WespkError(
            "calibration: target scores do not lie above nontarget scores on the development trials; "
            "are the labels swapped, or are the scores distances?"
        )
    return LinearCalibration(scale, fitted.offset)


@dataclass(frozen=True, eq=False)
class PavCalibration:
    """A non-decreasing map of scores to log-likelihood ratios: linear between its knots, level beyond them.

    scores (P,) rise and llrs (P,) do not fall; each pool of equal ratios has a knot at both its ends. Scores
    within a pool become equal: only their order among the pools is kept. Raises `WespkError` on construction
    for NaN or numbers in another order.
    """

    scores: NDArray[np.float64]
    llrs: NDArray[np.float64]

    def __post_init__(self) -> None:
        scores = as_vector("calibration scores", self.scores)
        llrs = as_vector("calibration llrs", self.llrs, len(scores))
        if not len(scores) or (np.diff(scores) <= 0).any() or (np.diff(llrs) < 0).any():
            raise WespkError(f"calibration: the {len(scores)} knots must rise in score and not fall in llr")
        for name, value in (("scores", scores), ("llrs", llrs)):
            own = np.array(value)
            own.setflags(write=False)
            object.__setattr__(self, name, own)

    def apply(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return the log-likelihood ratios (K,) of scores (K,). Raises `WespkError` for NaN."""
        return np.interp(as_vector("scores", scores), self.scores, self.llrs)


def train_pav_calibration(
    score_low: ArrayLike, score_high: ArrayLike, targets: ArrayLike, nontargets: ArrayLike
) -> PavCalibration:
    """Return the map that isotonic regression of development trials gives, from its pools (P,).

    The pools are those of pooling adjacent violators (Brummer and du Preez 2006, "Application-independent
    evaluation of speaker detection"), in rising order: each spans the scores score_low to score_high and
    holds so many of all target and of all nontarget trials. Its ratio is (targets / all targets) /
    (nontargets / all nontargets). Where the lowest pool has no target, or the highest no nontarget, half a
    trial is taken for none, as far as the ratios still rise: they stay finite, and no data could tell them
    from infinite ones. Raises `WespkError` where all trials make one pool.
    """
    low = as_vector("score_low", score_low)
    high = as_vector("score_high", score_high, len(low))
    hits, passes = as_vector("targets", targets, len(low)), as_vector("nontargets", nontargets, len(low))
    if len(low) < 2:
        raise WespkError(
            "calibration: no threshold tells target from nontarget scores on the development trials; "
            "are the labels swapped, or are the scores distances?"
        )
    llrs = np.log(np.maximum(hits, 0.5) / hits.sum()) - np.log(np.maximum(passes, 0.5) / passes.sum())
    if not hits[0]:
        llrs[0] = llrs[:2].min()
    if not passes[-1]:
        llrs[-1] = llrs[-2:].max()
    knots, first = np.unique(np.column_stack([low, high]), return_index=True)
    return PavCalibration(knots, np.repeat(llrs, 2)[first])
