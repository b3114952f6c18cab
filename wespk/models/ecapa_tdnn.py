"""ECAPA-TDNN (Desplanques, Thienpondt and Demuynck, Interspeech 2020)."""

from __future__ import annotations

from typing import Annotated, cast

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from wespk.core.errors import WespkError
from wespk.models.masking import apply_mask, masked_input
from wespk.models.pooling import PoolingOption, build_pooling
from wespk.models.squeeze_excitation import SqueezeExcitation

INPUT_KERNEL = 5
BLOCK_KERNEL = 3
DILATIONS = (2, 3, 4)  # of the three blocks


class ConvReluNorm(nn.Module):
    """1-D convolution that keeps the length, ReLU, batch normalisation."""

    def __init__(self, in_dim: int, out_dim: int, kernel: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv1d(
            in_dim, out_dim, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2
        )
        self.norm = nn.BatchNorm1d(out_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C', T)."""
        return self.norm(torch.relu(self.conv(x)))


class Res2Conv(nn.Module):
    """Multi-scale convolution: each of `scale` channel groups also sees the result of the one before it.

    The first group passes unchanged (Gao et al. 2021).
    """

    def __init__(self, channels: int, dilation: int, scale: int) -> None:
        super().__init__()
        self.width = channels // scale
        self.branches = nn.ModuleList(
            ConvReluNorm(self.width, self.width, BLOCK_KERNEL, dilation) for _ in range(scale - 1)
        )

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, C, T) to (B, C, T)."""
        first, *groups = x.split(self.width, dim=1)
        done = [first]
        for branch, group in zip(self.branches, groups, strict=True):
            seen = group if len(done) == 1 else group + done[-1]
            done.append(branch(apply_mask(seen, mask)))
        return torch.cat(done, dim=1)


class SeRes2Block(nn.Module):
    """1x1, Res2 and 1x1 convolution, then squeeze-excitation, around a residual."""

    def __init__(self, channels: int, dilation: int, scale: int, se_dim: int) -> None:
        super().__init__()
        self.expand = ConvReluNorm(channels, channels)
        self.res2 = Res2Conv(channels, dilation, scale)
        self.contract = ConvReluNorm(channels, channels)
        self.attention = SqueezeExcitation(channels, se_dim)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, C, T) to (B, C, T)."""
        y = self.contract(self.res2(self.expand(x), mask))
        return torch.addcmul(x, y, self.attention(y, mask))  # x + gate y, in one pass over memory


class EcapaTdnn(nn.Module):
    """ECAPA-TDNN with three blocks, whose outputs are aggregated and pooled by attention.

    With the defaults and 80 bins it has 6.19 M parameters (6,190,720). With 1024 channels and
    `mfa_dim` 3072 it has 20.76 M, the size of SpeechBrain's, which also normalises the aggregate and the
    attention's hidden layer.

    Args:
        feat_dim: columns of the features, F.
        embedding_dim: size of the embedding, D.
        pooling: name of the pooling, or a mapping of its name and options. The paper's is `astp`, whose
            attention has a bottleneck of 128 and sees the utterance's statistics.
        channels: channels C of the frame layers; a multiple of `scale`.
        mfa_dim: channels M after the multi-layer feature aggregation; the paper has 1536.
        se_dim: bottleneck of the squeeze-excitation.
        scale: groups of the Res2 convolution; at least 2.
    """

    min_frames = 1

    def __init__(
        self,
        feat_dim: int,
        embedding_dim: PositiveInt = 192,
        pooling: PoolingOption = "astp",
        channels: PositiveInt = 512,
        mfa_dim: PositiveInt = 1536,
        se_dim: PositiveInt = 128,
        scale: Annotated[int, Field(ge=2)] = 8,
    ) -> None:
        super().__init__()
        if channels % scale:
            raise WespkError(f"model ecapa_tdnn: {channels} channels are not a multiple of scale {scale}")
        self.embedding_dim = embedding_dim
        # The last group of a block is behind all its convolutions.
        self.receptive_field = INPUT_KERNEL + sum(DILATIONS) * (BLOCK_KERNEL - 1) * (scale - 1)
        self.input = ConvReluNorm(feat_dim, channels, INPUT_KERNEL)
        self.blocks = nn.ModuleList(SeRes2Block(channels, dilation, scale, se_dim) for dilation in DILATIONS)
        self.aggregate = nn.Conv1d(len(DILATIONS) * channels, mfa_dim, kernel_size=1)
        self.pooling = build_pooling(pooling, mfa_dim)
        pooled_dim = cast(int, self.pooling.out_dim)
        self.pooled_norm = nn.BatchNorm1d(pooled_dim)
        self.embedding = nn.Linear(pooled_dim, embedding_dim)

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map (B, T, F), with `lengths` (B,) frames if padded, to embeddings (B, D)."""
        x, mask = masked_input(features, lengths, self.min_frames)  # (B, T, F) -> (B, F, T)
        x = self.input(x)  # (B, F, T) -> (B, C, T)
        outputs = []
        for block in self.blocks:
            x = block(x, mask)
            outputs.append(x)
        x = torch.relu(self.aggregate(torch.cat(outputs, dim=1)))  # (B, 3C, T) -> (B, M, T)
        pooled = self.pooled_norm(self.pooling(x, mask))  # (B, M, T) -> (B, 2M)
        return self.embedding(pooled)


def ecapa_tdnn_1024(
    feat_dim: int,
    embedding_dim: PositiveInt = 192,
    pooling: PoolingOption = "astp",
    mfa_dim: PositiveInt = 1536,
    se_dim: PositiveInt = 128,
) -> EcapaTdnn:
    """ECAPA-TDNN with 1024 channels: 14.65 M parameters (14,657,088) with the defaults and 80 bins."""
    return EcapaTdnn(feat_dim, embedding_dim, pooling, 1024, mfa_dim, se_dim)
