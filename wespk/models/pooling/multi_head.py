"""Multi-head attentive statistics: groups of channels, each with attention of its own.

With H heads, Q queries, n layers, and weights for each head or for each channel, this is a family (Zhao et
al. 2022, "Multi-query multi-head attention pooling and inter-topK penalty for speaker verification", arXiv
2110.05042): H = Q = 1, n = 2 is the attentive statistics pooling of Okabe et al. 2018, or with weights for
each channel that of Desplanques et al. 2020; H > 1, Q = n = 1 is the self multi-head attention of India,
Safari and Hernando 2019 (arXiv 1906.09890) with a standard deviation beside its mean.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from wespk.core.errors import WespkError
from wespk.models.masking import masked_softmax, weighted_mean_std


class MultiQueryMultiHeadPooling(nn.Module):
    """MQMHASTP: every head is read by several queries; each gives a mean and a standard deviation.

    The output is the means of all queries and then their standard deviations; a query's C values follow the
    channels.

    Args:
        in_dim: channels C; a multiple of `heads`.
        heads: groups H of neighbouring channels.
        queries: attention networks Q of each head.
        layers: convolutions of an attention network, 1 or 2, with tanh between; one has no `bottleneck`.
        bottleneck: channels between the two layers, of each head and query.
        per_channel: whether each channel has weights of its own, not all channels of a head the same.
    """

    def __init__(
        self,
        in_dim: int,
        heads: PositiveInt = 8,
        queries: PositiveInt = 2,
        layers: Literal[1, 2] = 2,
        bottleneck: PositiveInt = 64,
        per_channel: bool = True,
    ) -> None:
        super().__init__()
        if in_dim % heads:
            raise WespkError(
                f"pooling: {in_dim} channels cannot be shared among {heads} heads; choose a divisor"
            )
        self.heads, self.queries = heads, queries
        self.out_dim = 2 * queries * in_dim
        pairs = heads * queries
        weights = pairs * (in_dim // heads if per_channel else 1)
        # All heads at once: a head is a group of the first convolution, a head's query one of the second.
        if layers == 1:
            self.attention = nn.Sequential(nn.Conv1d(in_dim, weights, kernel_size=1, groups=heads))
        else:
            self.attention = nn.Sequential(
                nn.Conv1d(in_dim, pairs * bottleneck, kernel_size=1, groups=heads),
                nn.Tanh(),
                nn.Conv1d(pairs * bottleneck, weights, kernel_size=1, groups=pairs),
            )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map (B, C, T) to (B, 2 Q C)."""
        weights = masked_softmax(self.attention(x), mask)
        weights = weights.unflatten(1, (self.heads, self.queries, -1))  # (B, H, Q, C/H or 1, T)
        weights = weights.transpose(1, 2)  # (B, Q, H, C/H or 1, T)
        x = x.unflatten(1, (1, self.heads, -1))  # (B, 1, H, C/H, T)
        mean, std = weighted_mean_std(x, weights, mask)  # (B, Q, H, C/H)
        return torch.cat([mean.flatten(1), std.flatten(1)], dim=1)


class MultiHeadPooling(MultiQueryMultiHeadPooling):
    """MHASTP: several heads with one query each; its options are those of MQMHASTP."""

    def __init__(
        self,
        in_dim: int,
        heads: PositiveInt = 2,
        layers: Literal[1, 2] = 2,
        bottleneck: PositiveInt = 64,
        per_channel: bool = False,
    ) -> None:
        super().__init__(in_dim, heads, 1, layers, bottleneck, per_channel)
