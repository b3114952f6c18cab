"""ECAPA-TDNN (Desplanques, Thienpondt and Demuynck, Interspeech 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wespk.core.errors import WespkError
from wespk.models.masking import apply_mask, frame_mask, masked_mean
from wespk.models.pooling import AttentiveStatisticsPooling


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

    def __init__(self, channels: int, kernel: int, dilation: int, scale: int) -> None:
        super().__init__()
        self.width = channels // scale
        self.branches = nn.ModuleList(
            ConvReluNorm(self.width, self.width, kernel, dilation) for _ in range(scale - 1)
        )

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, C, T) to (B, C, T)."""
        first, *groups = apply_mask(x, mask).split(self.width, dim=1)
        done = [first]
        for branch, group in zip(self.branches, groups, strict=True):
            seen = group if len(done) == 1 else group + done[-1]
            done.append(apply_mask(branch(seen), mask))
        return torch.cat(done, dim=1)


class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the utterance's mean (Hu et al. 2018)."""

    def __init__(self, channels: int, bottleneck: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv1d(channels, bottleneck, kernel_size=1)
        self.excite = nn.Conv1d(bottleneck, channels, kernel_size=1)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, C, T) to (B, C, T)."""
        gate = self.excite(torch.relu(self.squeeze(masked_mean(x, mask))))
        return x * torch.sigmoid(gate)


class SeRes2Block(nn.Module):
    """1x1, Res2 and 1x1 convolution, then squeeze-excitation, around a residual (figure 2)."""

    def __init__(self, channels: int, kernel: int, dilation: int, scale: int, se_dim: int) -> None:
        super().__init__()
        self.expand = ConvReluNorm(channels, channels)
        self.res2 = Res2Conv(channels, kernel, dilation, scale)
        self.contract = ConvReluNorm(channels, channels)
        self.attention = SqueezeExcitation(channels, se_dim)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, C, T) to (B, C, T)."""
        return x + self.attention(self.contract(self.res2(self.expand(x), mask)), mask)


class EcapaTdnn(nn.Module):
    """ECAPA-TDNN (figure 1 of the paper).

    With the defaults and 80 bins, 512 channels have 6.19 M parameters (6,190,720) and 1024 have 14.65 M
    (14,657,088).

    Args:
        feat_dim: columns of the features, F.
        embedding_dim: size of the embedding, D.
        channels: channels C of the frame layers; a multiple of `scale`.
        mfa_dim: channels after the multi-layer feature aggregation; the paper has 1536.
        se_dim: bottleneck of the squeeze-excitation.
        attention_dim: bottleneck of the attentive pooling.
        global_context: whether the pooling's attention sees the utterance's statistics.
        scale: groups of the Res2 convolution.
    """

    min_frames = 1

    def __init__(
        self,
        feat_dim: int,
        embedding_dim: int = 192,
        channels: int = 512,
        mfa_dim: int = 1536,
        se_dim: int = 128,
        attention_dim: int = 128,
        global_context: bool = True,
        scale: int = 8,
    ) -> None:
        super().__init__()
        if scale < 2 or channels < scale or channels % scale:
            raise WespkError(f"model ecapa_tdnn: {channels} channels are not a multiple of scale {scale}")
        self.embedding_dim = embedding_dim
        self.input = ConvReluNorm(feat_dim, channels, kernel=5)
        self.blocks = nn.ModuleList(
            SeRes2Block(channels, 3, dilation, scale, se_dim) for dilation in (2, 3, 4)
        )
        self.aggregate = nn.Conv1d(3 * channels, mfa_dim, kernel_size=1)
        self.pooling = AttentiveStatisticsPooling(mfa_dim, attention_dim, global_context)
        self.pooled_norm = nn.BatchNorm1d(self.pooling.out_dim)
        self.embedding = nn.Linear(self.pooling.out_dim, embedding_dim)

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map (B, T, F), with `lengths` (B,) frames if padded, to embeddings (B, D)."""
        mask = frame_mask(lengths, features.shape[1], features.dtype)
        x = apply_mask(features.transpose(1, 2), mask)  # (B, T, F) -> (B, F, T)
        x = self.input(x)  # (B, F, T) -> (B, C, T)
        outputs = []
        for block in self.blocks:
            x = block(x, mask)
            outputs.append(x)
        x = torch.relu(self.aggregate(torch.cat(outputs, dim=1)))  # (B, 3C, T) -> (B, M, T)
        pooled = self.pooled_norm(self.pooling(x, mask))  # (B, M, T) -> (B, 2M)
        return self.embedding(pooled)
