"""Fusion: several scores and quality measures of a trial become one log-likelihood ratio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.backend.arrays import as_embeddings, as_vector
from wespk.core.errors import WespkError

# Weight of the penalty 1/2 RIDGE |weights|^2, on inputs of unit deviation. It moves the scale of a single
# score by 2e-6 of itself at an EER of 20 %, by 2e-4 at 1 % and by 1e-2 at 0.1 %, less than the sampling error
# there. Without it the scale would be infinite where no score of the two classes overlaps; with it, the
# calibrated gap between them stays below 2 log(1 / RIDGE) = 37. Equal inputs share their weight evenly.
RIDGE = 1e-8
MOST_STEPS = 200  # of Newton's method; separated classes take about 40, others about 10


@dataclass(frozen=True, eq=False)
class LinearFusion:
    """llr = inputs @ weights + offset, natural logarithm.

    weights (N,) may be negative: the difference of two systems that err alike says something too.
    Raises `WespkError` on construction when a number is not finite.
    """

    weights: NDArray[np.float64]
    offset: float

    def __post_init__(self) -> None:
        weights = np.array(as_vector("fusion weights", self.weights))
        if not len(weights) or not np.isfinite(self.offset):
            raise WespkError(f"fusion: {len(weights)} weights and offset {self.offset:g}; all must be finite")
        weights.setflags(write=False)
        object.__setattr__(self, "weights", weights)

    def apply(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Return the log-likelihood ratios (K,) of inputs (K, N). Raises `WespkError` for NaN, another N."""
        rows = as_embeddings("fusion inputs", inputs, dim=len(self.weights))
        return rows.astype(np.float64, copy=False) @ self.weights + self.offset


def train_fusion(
    target_inputs: ArrayLike,
    nontarget_inputs: ArrayLike,
    p_target: float = 0.01,
    names: Sequence[str] | None = None,
) -> LinearFusion:
    """Fit weights and offset on development trials by prior-weighted logistic regression.

    Minimises, over llr = x @ weights + offset, with logit p = log(p_target / (1 - p_target)),
        p_target mean_tar log(1 + exp(-llr - logit p)) + (1 - p_target) mean_non log(1 + exp(llr + logit p))
    plus the small `RIDGE`: Brummer et al. 2007, "Fusion of heterogeneous speaker recognition systems in the
    STBU submission for the NIST speaker recognition evaluation 2006" (FoCal). It is convex, and the classes'
    sizes do not matter, only p_target does; at p_target 0.5 it is Cllr. An affine map of an input leaves the
    ratios as they were.

    target_inputs (T, N), nontarget_inputs (U, N): a column an input, called by `names` (N) in errors. Raises
    `WespkError` for an empty class, NaN, a prior outside (0, 1) and an input that is the same in all trials.
    """
    names = names or [f"values of input {n}" for n in range(np.shape(target_inputs)[-1])]
    if not len(np.asarray(target_inputs)) or not len(np.asarray(nontarget_inputs)):
        counts = f"{len(np.asarray(target_inputs))} and {len(np.asarray(nontarget_inputs))}"
        raise WespkError(f"calibration needs target and nontarget trials, not {counts}")
    targets = as_embeddings("target_inputs", target_inputs, dim=len(names)).astype(np.float64, copy=False)
    nontargets = as_embeddings("nontarget_inputs", nontarget_inputs, dim=len(names))
    if not 0.0 < p_target < 1.0:
        raise WespkError(f"p_target is {p_target}; a prior lies between 0 and 1, both excluded")
    inputs = np.concatenate([targets, nontargets.astype(np.float64, copy=False)])
    is_target = np.arange(len(inputs)) < len(targets)
    # Both classes count alike here too, so that the ridge's effect does not depend on their sizes either.
    share = np.where(is_target, 0.5 / len(targets), 0.5 / len(nontargets))
    centre = share @ inputs
    inputs -= centre
    spread = np.sqrt(share @ inputs**2)
    equal = ~(spread > 1e-12 * (np.abs(centre) + np.abs(inputs).max(axis=0)))
    if equal.any():
        name = names[int(equal.argmax())]
        raise WespkError(f"calibration: all {len(inputs)} {name} are equal; there is nothing to fit")
    inputs /= spread
    cost = np.where(is_target, p_target, 1.0 - p_target) * 2.0 * share
    fitted = _minimise(inputs, is_target, cost, np.log(p_target / (1.0 - p_target)))
    weights = fitted[:-1] / spread
    return LinearFusion(weights, float(fitted[-1] - centre @ weights))


def _minimise(
    inputs: NDArray[np.float64], is_target: NDArray[np.bool_], cost: NDArray[np.float64], logit: float
) -> NDArray[np.float64]:
    """Return the weights and the offset (N + 1,) that minimise the weighted logistic loss of inputs (K, N).

    Newton's method; a step that does not lower the convex loss enough is halved until it does.
    """
    sign = np.where(is_target, 1.0, -1.0)
    design = np.column_stack([inputs, np.ones(len(inputs))])
    ridge = np.append(np.full(inputs.shape[1], RIDGE), 0.0)
    parameters = np.zeros(design.shape[1])
    loss, slope, curvature = _loss(parameters, design, sign, cost, logit, ridge)
    for _ in range(MOST_STEPS):
        step = np.linalg.solve(curvature, slope)
        gain = float(slope @ step)  # twice what the quadratic model promises
        size, last = 1.0, gain <= 1e-9 * loss  # convergence is quadratic: after one more step it is exact
        while True:
            moved = parameters - size * step
            found = _loss(moved, design, sign, cost, logit, ridge)
            if last or found[0] <= loss - 1e-4 * size * gain:
                break
            size *= 0.5
        parameters, (loss, slope, curvature) = moved, found
        if last:
            return parameters
    raise WespkError("calibration: the fit does not converge; are two inputs nearly the same?")


def _loss(
    parameters: NDArray[np.float64],
    design: NDArray[np.float64],
    sign: NDArray[np.float64],
    cost: NDArray[np.float64],
    logit: float,
    ridge: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Return the penalised loss, its gradient (P,) and its Hessian (P, P)."""
    surprise = np.logaddexp(0.0, -sign * (design @ parameters + logit))
    wrong = -np.expm1(-surprise)  # the posterior of the other class
    loss = float(cost @ surprise + 0.5 * ridge @ parameters**2)
    slope = (-cost * sign * wrong) @ design + ridge * parameters
    curvature = (design.T * (cost * wrong * (1.0 - wrong))) @ design + np.diag(ridge)
    return loss, slope, curvature
