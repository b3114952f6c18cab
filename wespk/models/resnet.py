"""ResNet r-vectors: 2-D convolutions over time and frequency (He et al. 2016; Zeinali et al. 2019)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from wespk.core.errors import WespkError
from wespk.models.masking import apply_mask, frame_mask
from wespk.models.pooling import StatisticsPooling


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a residual, which a 1x1 convolution adapts where the shape changes."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, C, F, T) to (B, C', F/stride, T/stride); `mask` is that of the output."""
        y = apply_mask(torch.relu(self.norm1(self.conv1(x))), mask)
        y = self.norm2(self.conv2(y)) + self.shortcut(x)
        return apply_mask(torch.relu(y), mask)


class ResNet(nn.Module):
    """ResNet with statistics pooling over time and one linear embedding layer.

    Args:
        feat_dim: columns of the features, F; a multiple of 8.
        blocks: residual blocks in each of the four stages.
        channels: channels of the first stage; they double at each of the three halvings of the resolution.
        embedding_dim: size of the embedding, D.
    """

    min_frames = 8

    def __init__(
        self, feat_dim: int, blocks: tuple[int, int, int, int], channels: int = 32, embedding_dim: int = 256
    ) -> None:
        super().__init__()
        if feat_dim % 8:
            raise WespkError(f"model resnet: {feat_dim} feature columns are not a multiple of 8")
        self.embedding_dim = embedding_dim
        self.stem = nn.Sequential(
            nn.Conv2d(1, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
        )
        widths = [channels, channels, 2 * channels, 4 * channels, 8 * channels]
        self.stages = nn.ModuleList(
            nn.ModuleList(
                BasicBlock(
                    widths[stage] if first else widths[stage + 1],
                    widths[stage + 1],
                    2 if first and stage else 1,
                )
                for first in [True] + [False] * (depth - 1)
            )
            for stage, depth in enumerate(blocks)
        )
        self.pooling = StatisticsPooling(widths[-1] * (feat_dim // 8))
        self.embedding = nn.Linear(self.pooling.out_dim, embedding_dim)

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map (B, T, F), with `lengths` (B,) frames if padded, to embeddings (B, D)."""
        mask = time_mask(lengths, features.shape[1], features.dtype)
        x = features.transpose(1, 2).unsqueeze(1)  # (B, T, F) -> (B, 1, F, T)
        x = apply_mask(self.stem(apply_mask(x, mask)), mask)  # -> (B, C, F, T)
        for number, stage in enumerate(cast("list[nn.ModuleList]", self.stages)):
            if number and lengths is not None:  # every stage but the first halves time, rounding up
                lengths = (lengths + 1) // 2
                mask = time_mask(lengths, (x.shape[-1] + 1) // 2, x.dtype)
            for block in stage:
                x = block(x, mask)
        x = x.flatten(1, 2)  # (B, 8C, F/8, T/8) -> (B, C F, T/8)
        return self.embedding(self.pooling(x, None if mask is None else mask.squeeze(1)))


def time_mask(lengths: Tensor | None, num_frames: int, dtype: torch.dtype) -> Tensor | None:
    """Return the mask of (B, C, F, T) maps, shape (B, 1, 1, T); None for None."""
    mask = frame_mask(lengths, num_frames, dtype)
    return None if mask is None else mask.unsqueeze(1)


def resnet34(feat_dim: int, channels: int = 32, embedding_dim: int = 256) -> ResNet:
    """ResNet-34: 6.63 M parameters with 32 channels, 80 bins and 256-d embeddings."""
    return ResNet(feat_dim, (3, 4, 6, 3), channels, embedding_dim)
