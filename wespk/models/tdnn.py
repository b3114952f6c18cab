"""TDNN, the x-vector network (Snyder, Garcia-Romero, Sell, Povey and Khudanpur, ICASSP 2018)."""

from __future__ import annotations

from typing import Literal, cast

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from wespk.models.masking import masked_input
from wespk.models.pooling import PoolingOption, build_pooling

CONTEXTS = ((5, 1), (3, 2), (3, 3), (1, 1), (1, 1))  # kernel and dilation of frame1 to frame5 (table 1)


class TdnnLayer(nn.Module):
    """1-D convolution without padding, ReLU, batch normalisation without scale and shift, as in Kaldi."""

    def __init__(self, in_dim: int, out_dim: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(in_dim, out_dim, kernel, dilation=dilation)
        self.norm = nn.BatchNorm1d(out_dim, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C', T - dilation (kernel - 1))."""
        return self.norm(torch.relu(self.conv(x)))


class Tdnn(nn.Module):
    """TDNN with statistics pooling and two segment layers (table 1).

    With the defaults and 80 bins it has 4.61 M parameters (4,610,524).

    The x-vector of the paper, and Kaldi's, is the output of the first segment layer before its nonlinearity;
    the second then belongs to the head (`loss: {hidden: [512]}`), and the network has 4.35 M parameters.
    The default takes the output of the second, as WeSpeaker does.

    Args:
        feat_dim: columns of the features, F.
        embedding_dim: size of the embedding, D, and of the first segment layer.
        pooling: name of the pooling, or a mapping of its name and options.
        hidden_dim: channels C of the first four frame layers.
        stats_dim: channels S of the fifth, which are pooled.
        embedding_layer: segment layer, 1 or 2, whose output is the embedding.
    """

    receptive_field = 1 + sum(dilation * (kernel - 1) for kernel, dilation in CONTEXTS)
    min_frames = receptive_field  # nothing is padded

    def __init__(
        self,
        feat_dim: int,
        embedding_dim: PositiveInt = 512,
        pooling: PoolingOption = "tstp",
        hidden_dim: PositiveInt = 512,
        stats_dim: PositiveInt = 1500,
        embedding_layer: Literal[1, 2] = 2,
    ) -> None:
        super().__init__()
        self.embedding_dim = embedding_dim
        widths = [feat_dim, *[hidden_dim] * (len(CONTEXTS) - 1), stats_dim]
        self.frames = nn.Sequential(
            *(
                TdnnLayer(in_dim, out_dim, *context)
                for in_dim, out_dim, context in zip(widths[:-1], widths[1:], CONTEXTS, strict=True)
            )
        )
        self.pooling = build_pooling(pooling, stats_dim)
        self.segment = nn.Sequential(nn.Linear(cast(int, self.pooling.out_dim), embedding_dim))
        if embedding_layer == 2:
            self.segment.extend(
                [
                    nn.ReLU(),
                    nn.BatchNorm1d(embedding_dim, affine=False),
                    nn.Linear(embedding_dim, embedding_dim),
                ]
            )

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map (B, T, F), with `lengths` (B,) frames if padded, to embeddings (B, D)."""
        x, mask = masked_input(features, lengths, self.min_frames)  # (B, T, F) -> (B, F, T)
        x = self.frames(x)  # (B, F, T) -> (B, S, T - 14)
        # No layer pads, so a frame whose context is all real has seen no padding: only those are pooled.
        if mask is not None:
            mask = mask[..., self.receptive_field - 1 :]
        return self.segment(self.pooling(x, mask))  # (B, S, T - 14) -> (B, 2S) -> (B, D)
