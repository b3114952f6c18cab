"""ResNetSE: residual convolutions with a squeeze-excitation in each block (Hu et al. 2018; Heo et al. 2020).

Parameters: with bottlenecks, 80 bins and 192-d embeddings ResNetSE-34 has 7.8 M (7,812,920), as the ResNetSE
of mvector; with basic blocks, 64 bins and 512-d embeddings it has 8.0 M (8,037,420), as H / ASP of Heo et al.
"""

from __future__ import annotations

from functools import partial
from typing import cast

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from wespk.models.masking import apply_mask, strided
from wespk.models.pooling import PoolingOption
from wespk.models.residual import (
    Depths,
    ResidualBlock,
    ResidualNetwork,
    conv_norm,
    make_shortcut,
    masked_relu,
)
from wespk.models.squeeze_excitation import SqueezeExcitation

POOLING = {"name": "astp", "bottleneck": 128, "global_context": False}


class SeBasicBlock(ResidualBlock):
    """Two 3x3 convolutions and a squeeze-excitation around a residual."""

    def __init__(self, in_channels: int, channels: int, stride: int, reduction: int) -> None:
        super().__init__()
        self.out_channels = channels
        self.time_steps = ((3, stride), (3, 1))
        self.stride = stride
        self.first = conv_norm(in_channels, channels, kernel=3, stride=stride)
        self.second = conv_norm(channels, channels, kernel=3)
        self.attention = SqueezeExcitation(channels, max(1, channels // reduction))
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
        self.attention = SqueezeExcitation(self.out_channels, max(1, self.out_channels // reduction))
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
        embedding_dim: size of the embedding, D.
        pooling: name of the pooling, or a mapping of its name and options.
        channels: channels of the first stage's 3x3 convolutions; they double at each of the three halvings of
            the resolution.
        depths: blocks in each of the four stages.
        reduction: channels of a map for one hidden unit of its squeeze-excitation.
        bottleneck: whether blocks are of the three-layer kind.
    """

    def __init__(
        self,
        feat_dim: int,
        embedding_dim: PositiveInt = 192,
        pooling: PoolingOption = POOLING,
        channels: PositiveInt = 32,
        depths: Depths = (3, 4, 6, 3),
        reduction: PositiveInt = 8,
        bottleneck: bool = True,
    ) -> None:
        block = partial(SeBottleneck if bottleneck else SeBasicBlock, reduction=reduction)
        super().__init__(feat_dim, embedding_dim, pooling, channels, depths, [block] * 4)
        self.embedding = nn.Sequential(
            nn.BatchNorm1d(cast(int, self.pooling.out_dim)), self.embedding, nn.BatchNorm1d(embedding_dim)
        )


def resnetse34(
    feat_dim: int,
    embedding_dim: PositiveInt = 192,
    pooling: PoolingOption = POOLING,
    channels: PositiveInt = 32,
    bottleneck: bool = True,
) -> ResNetSe:
    """ResNetSE-34."""
    return ResNetSe(feat_dim, embedding_dim, pooling, channels, bottleneck=bottleneck)
