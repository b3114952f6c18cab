"""CAM++ (Wang, Zheng, Chen, Cheng and Chen, Interspeech 2023, arXiv 2303.00332).

A small 2-D network (the front-end convolution module, FCM) is followed by a densely connected TDNN (D-TDNN)
in which the context of each layer gates its output: the mean over the utterance and that over a segment of it
(context-aware masking, CAM, with multi-granularity pooling).
"""

from __future__ import annotations

from typing import Annotated, cast

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from wespk.models.masking import masked_input, masked_mean, strided
from wespk.models.pooling import PoolingOption, build_pooling
from wespk.models.residual import conv_norm, masked_relu, receptive_field

SEGMENT_FRAMES = 100  # of the segment means, at the D-TDNN's rate of half the frames
DILATIONS = (1, 2, 2)  # of the three dense blocks
KERNEL = 3  # of the dense layers


class FrequencyBlock(nn.Module):
    """Two 3x3 convolutions around a residual; the first divides the bins by `stride`."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.first = conv_norm(channels, channels, 3, (stride, 1))
        self.second = conv_norm(channels, channels, 3)
        self.shortcut = nn.Identity() if stride == 1 else conv_norm(channels, channels, 1, (stride, 1))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, C, F, T), whose padding is zero, to (B, C, F/stride, T), whose padding is zero."""
        y = masked_relu(self.first(x), mask)
        return masked_relu(self.second(y).add_(self.shortcut(x)), mask)


class ConvolutionHead(nn.Module):
    """FCM, the front-end convolution module: an eighth of the bins, all the frames."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv_norm(1, channels, 3)
        self.blocks = nn.ModuleList(FrequencyBlock(channels, stride) for stride in (2, 1, 2, 1))
        self.last = conv_norm(channels, channels, 3, (2, 1))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, F, T) to (B, C F/8, T); zero padding in and out."""
        over_bins = None if mask is None else mask.unsqueeze(2)  # (B, 1, 1, T)
        x = masked_relu(self.first(x.unsqueeze(1)), over_bins)  # (B, 1, F, T) -> (B, C, F, T)
        for block in self.blocks:
            x = block(x, over_bins)  # the first and third: F -> F/2 -> F/4
        return masked_relu(self.last(x), over_bins).flatten(1, 2)  # (B, C, F/8, T) -> (B, C F/8, T)


class ContextAwareMasking(nn.Module):
    """Convolution of x whose output is multiplied by the gate sigmoid(W_2 relu(W_1 (e_g + e_s) + b_1) + b_2).

    The context of a frame is e_g, the mean of x over the utterance, and e_s, that over the frame's segment.
    """

    def __init__(self, in_dim: int, out_dim: int, dilation: int, reduction: int = 2) -> None:
        super().__init__()
        padding = dilation * (KERNEL // 2)
        self.local = nn.Conv1d(in_dim, out_dim, KERNEL, padding=padding, dilation=dilation, bias=False)
        self.squeeze = nn.Conv1d(in_dim, in_dim // reduction, kernel_size=1)
        self.excite = nn.Conv1d(in_dim // reduction, out_dim, kernel_size=1)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, C, T), whose padding is zero, to (B, G, T)."""
        context = masked_mean(x, mask) + segment_means(x, mask)  # (B, C, S)
        # The context is the same in all frames of a segment, so its gate is computed once, not 100 times.
        gate = torch.sigmoid(self.excite(torch.relu(self.squeeze(context))))  # (B, C, S) -> (B, G, S)
        over_frames = gate.unsqueeze(-1).expand(*gate.shape, SEGMENT_FRAMES).flatten(2)
        return self.local(x) * over_frames[..., : x.shape[-1]]


class DenseLayer(nn.Module):
    """Normalise, ReLU, 1x1 convolution, normalise, ReLU, context-aware convolution: `growth` new channels."""

    def __init__(self, in_dim: int, growth: int, bottleneck: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(in_dim)
        self.squeeze = nn.Conv1d(in_dim, bottleneck, kernel_size=1, bias=False)
        self.squeezed_norm = nn.BatchNorm1d(bottleneck)
        self.context = ContextAwareMasking(bottleneck, growth, dilation)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, C, T) to (B, G, T)."""
        x = self.squeeze(torch.relu_(self.norm(x)))
        return self.context(masked_relu(self.squeezed_norm(x), mask), mask)


class DenseBlock(nn.Module):
    """Layers that each see the block's input and the outputs of all layers before, then half the channels."""

    def __init__(self, in_dim: int, num_layers: int, growth: int, bottleneck: int, dilation: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            DenseLayer(in_dim + number * growth, growth, bottleneck, dilation) for number in range(num_layers)
        )
        grown = in_dim + num_layers * growth
        self.out_dim = grown // 2
        self.norm = nn.BatchNorm1d(grown)
        self.transit = nn.Conv1d(grown, self.out_dim, kernel_size=1, bias=False)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, C, T) to (B, (C + L G) / 2, T) with L layers."""
        for layer in self.layers:
            x = torch.cat([x, layer(x, mask)], dim=1)
        return self.transit(torch.relu_(self.norm(x)))


class CamPlusPlus(nn.Module):
    """CAM++: the 2-D front end, the D-TDNN of three dense blocks, pooling and a normalised embedding layer.

    With the defaults and 80 bins it has 7.18 M parameters (7,176,224), as published.

    Args:
        feat_dim: columns of the features, F.
        embedding_dim: size of the embedding, D.
        pooling: name of the pooling, or a mapping of its name and options.
        depths: dense layers in each of the three blocks.
        head_channels: channels of the 2-D front end.
        init_channels: channels of the D-TDNN's first layer.
        growth: channels that each dense layer adds.
        bottleneck: channels inside a dense layer; at least 2, for its context's gate halves them.
    """

    min_frames = 1

    def __init__(
        self,
        feat_dim: int,
        embedding_dim: PositiveInt = 512,
        pooling: PoolingOption = "tstp",
        depths: tuple[PositiveInt, PositiveInt, PositiveInt] = (12, 24, 16),
        head_channels: PositiveInt = 32,
        init_channels: PositiveInt = 128,
        growth: PositiveInt = 32,
        bottleneck: Annotated[int, Field(ge=2)] = 128,
    ) -> None:
        super().__init__()
        self.embedding_dim = embedding_dim
        self.head = ConvolutionHead(head_channels)
        self.input = nn.Conv1d(head_channels * -(-feat_dim // 8), init_channels, 5, 2, padding=2, bias=False)
        self.input_norm = nn.BatchNorm1d(init_channels)
        self.blocks = nn.ModuleList()
        channels = init_channels
        for num_layers, dilation in zip(depths, DILATIONS, strict=True):
            block = DenseBlock(channels, num_layers, growth, bottleneck, dilation)
            self.blocks.append(block)
            channels = block.out_dim
        self.frames_norm = nn.BatchNorm1d(channels)
        self.pooling = build_pooling(pooling, channels)
        self.embedding = nn.Linear(cast(int, self.pooling.out_dim), embedding_dim, bias=False)
        self.embedding_norm = nn.BatchNorm1d(embedding_dim, affine=False)
        self.receptive_field = _receptive_field(depths)
        for part in (self.input, self.blocks, self.embedding):  # as the authors' code; the rest is torch's
            part.apply(_initialise)

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map (B, T, F), with `lengths` (B,) frames if padded, to embeddings (B, D)."""
        x, mask = masked_input(features, lengths, self.min_frames)  # (B, T, F) -> (B, F, T)
        x = self.head(x, mask)  # (B, F, T) -> (B, C F/8, T)
        mask = strided(mask, 2)
        x = torch.relu_(self.input_norm(self.input(x)))  # (B, C F/8, T) -> (B, C', T/2)
        for block in self.blocks:
            x = block(x, mask)  # C' = 128 -> 256 -> 512 -> 512
        x = torch.relu_(self.frames_norm(x))
        return self.embedding_norm(self.embedding(self.pooling(x, mask)))  # -> (B, 2C') -> (B, D)


def segment_means(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return the means of (B, C, T) over segments of 100 frames, (B, C, ceil(T / 100)); padding must be zero.

    Of a segment with fewer real frames, the last, only these are averaged; of one without any, the mean is 0.
    """
    means = nn.functional.avg_pool1d(x, SEGMENT_FRAMES, SEGMENT_FRAMES, ceil_mode=True)
    if mask is None:
        return means
    real = nn.functional.avg_pool1d(mask, SEGMENT_FRAMES, SEGMENT_FRAMES, ceil_mode=True)
    return means / real.clamp_min(1 / SEGMENT_FRAMES)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv1d | nn.Linear):
        nn.init.kaiming_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _receptive_field(depths: tuple[int, int, int]) -> int:
    """Return the frames that a frame-level output sees through convolutions, without its context."""
    head = [(3, 1)] * 10  # the first convolution, two in each of the four blocks, the last
    dense = [
        (dilation * (KERNEL - 1) + 1, 1)
        for num_layers, dilation in zip(depths, DILATIONS, strict=True)
        for _ in range(num_layers)
    ]
    return receptive_field([*head, (5, 2), *dense])
