"""Margins on angles, worked out on cosines: no arc cosine, whose derivative is infinite at +-1.

Each function takes cosines of any shape and returns what stands in their place: finite in value and gradient
at cosines of +-1, also where rounding puts one just outside. All but the easy margin, which has a step, are
monotone over the half circle, so that no loss rewards a larger angle to the target.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

LEAST_SINE_SQUARED = 1e-7  # d sqrt(1 - c^2) / dc is infinite at +-1: below this floor the gradient is cut


def widened(cosine: Tensor, margin: float) -> Tensor:
    """Return cos(theta + m) for a margin m in radians, [0, pi / 2).

    Beyond theta = pi - m that would rise again; there cos theta - m sin m goes on falling (Deng et al., CVPR
    2019, and their code).
    """
    return torch.where(
        cosine > -math.cos(margin), _rotated(cosine, margin), cosine - margin * math.sin(margin)
    )


def widened_below_right_angle(cosine: Tensor, margin: float) -> Tensor:
    """Return cos(theta + m) where theta is below pi / 2, and cos theta beyond: the easy margin."""
    return torch.where(cosine > 0, _rotated(cosine, margin), cosine)


def widened_to_pi(cosine: Tensor, margin: float) -> Tensor:
    """Return cos(min(theta + m, pi)) for a margin m in radians, [0, pi / 2)."""
    return torch.where(cosine > -math.cos(margin), _rotated(cosine, margin), -1.0)


def narrowed(cosine: Tensor, margin: float) -> Tensor:
    """Return cos(theta - m) for a margin m in radians, [0, pi / 2).

    Below theta = m that would fall again; there cos theta + 1 - cos m goes on rising, up to 2 - cos m.
    """
    rotated = _rotated(cosine, -margin)
    return torch.where(cosine < math.cos(margin), rotated, cosine + (1.0 - math.cos(margin)))


def multiplied(cosine: Tensor, margin: float) -> Tensor:
    """Return psi(theta) = (-1)^k cos(m theta) - 2k, theta in [k pi / m, (k + 1) pi / m], for whole m >= 1.

    (Liu et al., CVPR 2017.) Between whole numbers the two neighbours are mixed linearly, so that
    m can grow during training; below 1 it counts as 1, which is no margin.
    """
    whole = max(1, math.floor(margin))
    rest = max(1.0, margin) - whole
    if rest == 0:
        return _multiplied(cosine, whole)
    return (1 - rest) * _multiplied(cosine, whole) + rest * _multiplied(cosine, whole + 1)


def _rotated(cosine: Tensor, margin: float) -> Tensor:
    sine = (1.0 - cosine.square()).clamp_min(LEAST_SINE_SQUARED).sqrt()
    return cosine * math.cos(margin) - sine * math.sin(margin)


def _multiplied(cosine: Tensor, m: int) -> Tensor:
    before, chebyshev = torch.ones_like(cosine), cosine  # T_0 and T_1; T_m(cos theta) = cos(m theta)
    for _ in range(m - 1):
        before, chebyshev = chebyshev, 2 * cosine * chebyshev - before
    k = torch.zeros_like(cosine)
    for j in range(1, m):
        k = k + (cosine < math.cos(j * math.pi / m))
    return (1 - 2 * (k % 2)) * chebyshev - 2 * k
