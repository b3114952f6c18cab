"""ResNet r-vectors (He et al. 2016; Zeinali et al. 2019): residual convolutions over time and frequency.

Parameters with 80 bins, 256-d embeddings and the mean and standard deviation as pooling, 32 channels:
ResNet-34 has 6.63 M, 221 has 23.79 M and 293 has 28.62 M, as WeSpeaker's.
"""

from __future__ import annotations

import torch
from pydantic import PositiveInt
from torch import Tensor

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


class BasicBlock(ResidualBlock):
    """Two 3x3 convolutions around a residual."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.out_channels = channels
        self.time_steps = ((3, stride), (3, 1))
        self.stride = stride
        self.first = conv_norm(in_channels, channels, kernel=3, stride=stride)
        self.second = conv_norm(channels, channels, kernel=3)
        self.shortcut = make_shortcut(in_channels, channels, stride)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, C, F, T) to (B, C', F/stride, T/stride)."""
        x = apply_mask(x, mask)
        y = masked_relu(self.first(x), strided(mask, self.stride))
        return torch.relu_(self.second(y).add_(self.shortcut(x)))


class Bottleneck(ResidualBlock):
    """1x1, 3x3 and 1x1 convolution around a residual; the output has four times the channels between.

    The 3x3 convolution has the stride.
    """

    expansion = 4

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.out_channels = self.expansion * channels
        self.time_steps = ((3, stride),)
        self.squeeze = conv_norm(in_channels, channels)
        self.conv = conv_norm(channels, channels, kernel=3, stride=stride)
        self.expand = conv_norm(channels, self.out_channels)
        self.shortcut = make_shortcut(in_channels, self.out_channels, stride)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, C, F, T) to (B, C', F/stride, T/stride)."""
        y = masked_relu(self.squeeze(x), mask)
        y = torch.relu_(self.conv(y))  # 1x1 convolutions do not carry the padding to other frames
        return torch.relu_(self.expand(y).add_(self.shortcut(x)))


class ResNet(ResidualNetwork):
    """ResNet with statistics pooling and one linear embedding layer.

    Args:
        feat_dim: columns of the features, F.
        embedding_dim: size of the embedding, D.
        pooling: name of the pooling, or a mapping of its name and options.
        channels: channels of the first stage's 3x3 convolutions; they double at each of the three halvings of
            the resolution.
        depths: blocks in each of the four stages.
        bottleneck: whether blocks are of the three-layer kind.
    """

    def __init__(
        self,
        feat_dim: int,
        embedding_dim: PositiveInt = 256,
        pooling: PoolingOption = "tstp",
        channels: PositiveInt = 32,
        depths: Depths = (3, 4, 6, 3),
        bottleneck: bool = False,
    ) -> None:
        block = Bottleneck if bottleneck else BasicBlock
        super().__init__(feat_dim, embedding_dim, pooling, channels, depths, [block] * 4)


def resnet18(
    feat_dim: int,
    embedding_dim: PositiveInt = 256,
    pooling: PoolingOption = "tstp",
    channels: PositiveInt = 32,
) -> ResNet:
    """ResNet-18: basic blocks."""
    return ResNet(feat_dim, embedding_dim, pooling, channels, (2, 2, 2, 2))


def resnet34(
    feat_dim: int,
    embedding_dim: PositiveInt = 256,
    pooling: PoolingOption = "tstp",
    channels: PositiveInt = 32,
) -> ResNet:
    """ResNet-34: basic blocks."""
    return ResNet(feat_dim, embedding_dim, pooling, channels, (3, 4, 6, 3))


def resnet50(
    feat_dim: int,
    embedding_dim: PositiveInt = 256,
    pooling: PoolingOption = "tstp",
    channels: PositiveInt = 32,
) -> ResNet:
    """ResNet-50: bottlenecks."""
    return ResNet(feat_dim, embedding_dim, pooling, channels, (3, 4, 6, 3), bottleneck=True)


def resnet101(
    feat_dim: int,
    embedding_dim: PositiveInt = 256,
    pooling: PoolingOption = "tstp",
    channels: PositiveInt = 32,
) -> ResNet:
    """ResNet-101: bottlenecks."""
    return ResNet(feat_dim, embedding_dim, pooling, channels, (3, 4, 23, 3), bottleneck=True)


def resnet152(
    feat_dim: int,
    embedding_dim: PositiveInt = 256,
    pooling: PoolingOption = "tstp",
    channels: PositiveInt = 32,
) -> ResNet:
    """ResNet-152: bottlenecks."""
    return ResNet(feat_dim, embedding_dim, pooling, channels, (3, 8, 36, 3), bottleneck=True)


def resnet221(
    feat_dim: int,
    embedding_dim: PositiveInt = 256,
    pooling: PoolingOption = "tstp",
    channels: PositiveInt = 32,
) -> ResNet:
    """ResNet-221 of WeSpeaker: bottlenecks."""
    return ResNet(feat_dim, embedding_dim, pooling, channels, (6, 16, 48, 3), bottleneck=True)


def resnet293(
    feat_dim: int,
    embedding_dim: PositiveInt = 256,
    pooling: PoolingOption = "tstp",
    channels: PositiveInt = 32,
) -> ResNet:
    """ResNet-293 of WeSpeaker: bottlenecks."""
    return ResNet(feat_dim, embedding_dim, pooling, channels, (10, 20, 64, 3), bottleneck=True)
