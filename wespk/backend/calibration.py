"""Linear calibration: from a score to a log-likelihood ratio that a Bayes threshold can be put on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit

from wespk.backend.arrays import as_vector
from wespk.core.errors import WespkError

# Weight of the penalty 1/2 RIDGE scale^2, on scores of unit deviation. It moves the scale by 2e-6 of itself
# at an EER of 20 %, by 2e-4 at 1 % and by 1e-2 at 0.1 %, less than the sampling error there. Without it the
# scale would be infinite where no score of the two classes overlaps; with it, the calibrated gap between
# them stays below 2 log(1 / RIDGE) = 37.
RIDGE = 1e-8


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

    Minimises, over llr = scale * s + offset, with logit p = log(p_target / (1 - p_target)),
        p_target mean_tar log(1 + exp(-llr - logit p)) + (1 - p_target) mean_non log(1 + exp(llr + logit p))
    plus the small `RIDGE`: Brummer and Doddington 2013, "Likelihood-ratio calibration using prior-weighted
    proper scoring rules". It is convex, and the classes' sizes do not matter, only p_target does. Afterwards
    the threshold for a cost with effective prior p is -logit p. An affine map of all scores with a positive
    factor leaves the calibrated scores as they were.

    target_scores (T,), nontarget_scores (U,). Raises `WespkError` for an empty class, NaN, a prior outside
    (0, 1), scores that are all equal, and targets that do not score above nontargets.
    """
    targets = as_vector("target_scores", target_scores)
    nontargets = as_vector("nontarget_scores", nontarget_scores)
    if not len(targets) or not len(nontargets):
        raise WespkError(
            f"calibration needs target and nontarget trials, not {len(targets)} and {len(nontargets)}"
        )
    if not 0.0 < p_target < 1.0:
        raise WespkError(f"p_target is {p_target}; a prior lies between 0 and 1, both excluded")
    scores = np.concatenate([targets, nontargets])
    # Both classes count alike here too, so that the ridge's effect does not depend on their sizes either.
    centre = 0.5 * (targets.mean() + nontargets.mean())
    spread = np.sqrt(0.5 * (np.square(targets - centre).mean() + np.square(nontargets - centre).mean()))
    if not spread > 1e-12 * np.abs(scores).max():
        raise WespkError(f"calibration: all {len(scores)} scores are equal; there is nothing to fit")
    is_target = np.arange(len(scores)) < len(targets)
    weights = np.where(is_target, p_target / len(targets), (1.0 - p_target) / len(nontargets))
    scale, offset = _fit((scores - centre) / spread, is_target, weights, np.log(p_target / (1.0 - p_target)))
    if scale <= 0:
        raise WespkError(
            "calibration: target scores do not lie above nontarget scores on the development trials; "
            "are the labels swapped, or are the scores distances?"
        )
    return LinearCalibration(float(scale / spread), float(offset - scale * centre / spread))


def _fit(
    scores: NDArray[np.float64], is_target: NDArray[np.bool_], weights: NDArray[np.float64], logit: float
) -> NDArray[np.float64]:
    """Return the [scale, offset] that minimise the weighted logistic loss of standardised scores."""
    sign = np.where(is_target, 1.0, -1.0)

    def loss_and_gradient(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (parameters[0] * scores + parameters[1] + logit)
        loss = weights @ np.logaddexp(0.0, -margin)
        slope = -weights * sign * expit(-margin)
        gradient = np.array([slope @ scores + RIDGE * parameters[0], slope.sum()])
        return loss + 0.5 * RIDGE * parameters[0] ** 2, gradient

    def hessian(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        share = expit(parameters[0] * scores + parameters[1] + logit)
        curvature = weights * share * (1.0 - share)
        cross = curvature @ scores
        return np.array([[curvature @ scores**2 + RIDGE, cross], [cross, curvature.sum()]])

    # A trust region keeps Newton's method safe where a far-off step would leave the curvature at zero.
    result = minimize(
        loss_and_gradient, np.zeros(2), jac=True, hess=hessian, method="trust-exact", options={"gtol": 1e-12}
    )
    return result.x
