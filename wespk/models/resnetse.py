"""ResNetSE: residual convolutions with a squeeze-excitation in each block (Hu et al. 2018; Heo et al. 2020).

Parameters: with bottlenecks, 80 bins and 192-d embeddings ResNetSE-34 has 7.8 M (7,812,920), as the ResNetSE
of mvector; with basic blocks, 64 bins and 512-d embeddings it has 8.0 M (8,037,420), as H / ASP of Heo et al.
"""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from wespk.models.masking import apply_mask, masked_mean, strided
from wespk.models.residual import (
    Depths,
    ResidualBlock,
    ResidualNetwork,
    conv_norm,
    make_shortcut,
    masked_relu,
)

POOLING = {"name": "astp", "bottleneck": 128, "global_context": False}


class SqueezeExcitation(nn.Module):
    """A gate for each channel of a map, computed from its mean over bins and frames (Hu et al. 2018)."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, max(1, channels // reduction))
        self.excite = nn.Linear(self.squeeze.out_features, channels)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Return the gates (B, C, 1, 1) of (B, C, F, T)."""
        mean = masked_mean(x.mean(dim=2), None if mask is None else mask.squeeze(2))  # (B, C, 1)
        gate = torch.sigmoid(self.excite(torch.relu(self.squeeze(mean.squeeze(2)))))
        return gate[:, :, None, None]


class SeBasicBlock(ResidualBlock):
    """Two 3x3 convolutions and a squeeze-excitation around a residual."""

    def __init__(self, in_channels: int, channels: int, stride: int, reduction: int) -> None:
        super().__init__()
        self.out_channels = channels
        self.time_steps = ((3, stride), (3, 1))
        self.stride = stride
        self.first = conv_norm(in_channels, channels, kernel=3, stride=stride)
        self.second = conv_norm(channels, channels, kernel=3)
        self.attention = SqueezeExcitation(channels, reduction)
        self.shortcut = make_shortcut(in_channels, channels, stride)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, C, F, T) to (B, C', F/stride, T/stride)."""
        x = apply_mask(x, mask)
        mask = strided(mask, self.stride)
        y = self.second(masked_relu(self.first(x), mask))
        return torch.relu_(torch.addcmul(self.shortcut(x), y, self.attention(y, mask)))


class SeBottleneck(ResidualBlock):
    """1x1, 3x3 and 1x1 convolution and a squeeze-excitation around a residual.

    The output has twice the channels between. The 3x3 convolution has the stride.
    """

    expansion = 2

    def __init__(self, in_channels: int, channels: int, stride: int, reduction: int) -> None:
        super().__init__()
        self.out_channels = self.expansion * channels
        self.time_steps = ((3, stride),)
        self.stride = stride
        self.squeeze = conv_norm(in_channels, channels)
        self.conv = conv_norm(channels, channels, kernel=3, stride=stride)
        self.expand = conv_norm(channels, self.out_channels)
        self.attention = SqueezeExcitation(self.out_channels, reduction)
        self.shortcut = make_shortcut(in_channels, self.out_channels, stride)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, C, F, T) to (B, C', F/stride, T/stride)."""
        y = torch.relu_(self.conv(masked_relu(self.squeeze(x), mask)))
        y = self.expand(y)
        gate = self.attention(y, strided(mask, self.stride))
        return torch.relu_(torch.addcmul(self.shortcut(x), y, gate))


class ResNetSe(ResidualNetwork):
    """ResNet with squeeze-excitation, attentive pooling, and normalisation around the embedding layer.

    Args:
        feat_dim: columns of the features, F.
        depths: blocks in each of the four stages.
        channels: channels of the first stage's 3x3 convolutions; they double at each of the three halvings of
            the resolution.
        embedding_dim: size of the embedding, D.
        pooling: how frames become one vector.
        reduction: channels of a map for one hidden unit of its squeeze-excitation.
        bottleneck: whether blocks are of the three-layer kind.
    """

    def __init__(
        self,
        feat_dim: int,
        depths: Depths = (3, 4, 6, 3),
        channels: PositiveInt = 32,
        embedding_dim: PositiveInt = 192,
        pooling: str | dict[str, Any] = POOLING,
        reduction: PositiveInt = 8,
        bottleneck: bool = True,
    ) -> None:
        block = partial(SeBottleneck if bottleneck else SeBasicBlock, reduction=reduction)
        super().__init__(feat_dim, [block] * 4, depths, channels, embedding_dim, pooling)
        self.embedding = nn.Sequential(
            nn.BatchNorm1d(cast(int, self.pooling.out_dim)), self.embedding, nn.BatchNorm1d(embedding_dim)
        )


def resnetse34(
    feat_dim: int,
    channels: PositiveInt = 32,
    embedding_dim: PositiveInt = 192,
    pooling: str | dict[str, Any] = POOLING,
    bottleneck: bool = True,
) -> ResNetSe:
    """ResNetSE-34."""
    return ResNetSe(feat_dim, (3, 4, 6, 3), channels, embedding_dim, pooling, bottleneck=bottleneck)
