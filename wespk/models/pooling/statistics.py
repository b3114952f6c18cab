"""Poolings without weights of their own: the mean, the spread, or both.

Variances are biased (divided by the number of frames T, not T - 1), so that one frame has a variance and a
repeated utterance keeps its own. Some toolkits divide by T - 1: their standard deviation is sqrt(T / (T -
1)) times this one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wespk.models.masking import masked_mean, weighted_mean_std, weighted_mean_variance, widened


class AveragePooling(nn.Module):
    """TAP, also called GAP: the mean over time (Li et al. 2017, "Deep Speaker")."""

    def __init__(self, in_dim: int) -> None:
        super().__init__()
        self.out_dim = in_dim

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map (B, C, T) to (B, C)."""
        return masked_mean(widened(x), mask).squeeze(-1)


class StandardDeviationPooling(nn.Module):
    """TSDP: the standard deviation over time alone (Wang et al. 2021, ISCSLP)."""

    def __init__(self, in_dim: int) -> None:
        super().__init__()
        self.out_dim = in_dim

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map (B, C, T) to (B, C)."""
        _, std = weighted_mean_std(x, None, mask)
        return std


class StatisticsPooling(nn.Module):
    """TSTP: mean and standard deviation over time (Snyder et al. 2018, "X-vectors")."""

    def __init__(self, in_dim: int) -> None:
        super().__init__()
        self.out_dim = 2 * in_dim

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map (B, C, T) to (B, 2C)."""
        return torch.cat(weighted_mean_std(x, None, mask), dim=1)


class MeanVariancePooling(nn.Module):
    """TSP: mean and variance over time, the statistics pooling of the mvector toolkit."""

    def __init__(self, in_dim: int) -> None:
        super().__init__()
        self.out_dim = 2 * in_dim

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map (B, C, T) to (B, 2C)."""
        return torch.cat(weighted_mean_variance(x, None, mask), dim=1)
