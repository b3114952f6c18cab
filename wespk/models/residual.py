"""What the two-dimensional residual networks share: maps (B, C, F, T) of channels, frequency and time.

A network of this family is a stem, four stages of blocks, pooling over time and a linear embedding layer
(He et al. 2016; Zeinali et al. 2019). Its file defines its blocks and sizes; `ResidualNetwork` is the rest.

Masks are (B, 1, 1, T), or None. A block takes the mask of its input and zeroes the padding in front of each
of its own convolutions over time; what it leaves in the padding of its output is finite, but not zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import cast

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from wespk.models.masking import masked_input, strided
from wespk.models.pooling import PoolingOption, build_pooling

Depths = tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt]  # blocks in each of the four stages


class ResidualBlock(nn.Module):
    """Base of the blocks: made of `(in_channels, channels, stride)`.

    `out_channels` says the channels of the output; `time_steps` the kernel and stride over time of each
    convolution on the longest path, in order. `forward` takes maps and the mask of these maps.
    """

    out_channels: int
    time_steps: tuple[tuple[int, int], ...]


BlockFactory = Callable[[int, int, int], ResidualBlock]


class ResidualNetwork(nn.Module):
    """Stem, four stages, pooling over time and one linear layer: (B, T, F) -> (B, D).

    Args:
        feat_dim: columns of the features, F.
        embedding_dim: size of the embedding, D.
        pooling: name of the pooling, or a mapping of its name and options.
        channels: channels that the first stage's blocks are asked for; they double at each of the three
            halvings of the resolution.
        depths: blocks in each stage.
        blocks: what makes the blocks of each of the four stages.
    """

    min_frames = 8  # one frame of the last stage

    def __init__(
        self,
        feat_dim: int,
        embedding_dim: int,
        pooling: PoolingOption,
        channels: int,
        depths: Sequence[int],
        blocks: Sequence[BlockFactory],
    ) -> None:
        super().__init__()
        self.embedding_dim = embedding_dim
        self.stem = nn.Sequential(*conv_norm(1, channels, kernel=3), nn.ReLU(inplace=True))
        self.stages = nn.ModuleList()
        in_channels = channels
        for number, (block, depth) in enumerate(zip(blocks, depths, strict=True)):
            stage = Stage(block, in_channels, channels * 2**number, depth, stride=2 if number else 1)
            self.stages.append(stage)
            in_channels = stage.out_channels
        self.receptive_field = receptive_field(
            [(3, 1)] + [step for stage in self.stages for step in cast(Stage, stage).time_steps]
        )
        self.pooling = build_pooling(pooling, in_channels * -(-feat_dim // 8))
        self.embedding: nn.Module = nn.Linear(cast(int, self.pooling.out_dim), embedding_dim)

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map (B, T, F), with `lengths` (B,) frames if padded, to embeddings (B, D)."""
        x, mask = masked_input(features, lengths, self.min_frames)  # (B, F, T)
        if mask is not None:
            mask = mask.unsqueeze(2)
        x, mask = self.maps(self.stem(x.unsqueeze(1)), mask)  # (B, C, F, T) -> (B, C', F/8, T/8)
        if mask is not None:
            mask = mask.squeeze(2)
        return self.embedding(self.pooling(x.flatten(1, 2), mask))  # (B, C' F/8, T/8) -> (B, D)

    def maps(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Run the stages over the stem's maps; return the last maps and their mask."""
        for stage in self.stages:
            x, mask = stage(x, mask)
        return x, mask


class Stage(nn.Module):
    """`depth` blocks; the first changes the resolution by `stride` and the number of channels."""

    def __init__(self, block: BlockFactory, in_channels: int, channels: int, depth: int, stride: int) -> None:
        super().__init__()
        first = block(in_channels, channels, stride)
        self.out_channels = first.out_channels
        self.stride = stride
        rest = [block(self.out_channels, channels, 1) for _ in range(depth - 1)]
        self.blocks = nn.ModuleList([first, *rest])
        self.time_steps = [step for each in [first, *rest] for step in each.time_steps]

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Map (B, C, F, T) to (B, C', F/stride, T/stride); return it with its mask."""
        first, *rest = self.blocks
        x = first(x, mask)
        mask = strided(mask, self.stride)
        for block in rest:
            x = block(x, mask)
        return x, mask


def conv_norm(
    in_channels: int, channels: int, kernel: int = 1, stride: int | tuple[int, int] = 1
) -> nn.Sequential:
    """Return a 2-D convolution without bias that keeps the size (but for `stride`), and its normalisation.

    The stride is one for both, or (over bins, over frames).
    """
    make = SlicingConv2d if kernel == 1 and stride != 1 and in_channels < 16 else nn.Conv2d
    conv = make(in_channels, channels, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels))


class SlicingConv2d(nn.Conv2d):
    """1x1 convolution that takes its stride by slicing, for fewer than 16 input channels.

    oneDNN writes past its buffer where a strided 1x1 convolution's weights get their gradient from
    channels-last maps of fewer channels than one vector has lanes (oneDNN issue 6035, in torch 2.13), and the
    process dies later. The result is the same. Wider ones keep the fused stride: it is a third faster there.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, F, T) to (B, C', F/stride, T/stride)."""
        over_bins, over_frames = self.stride
        return nn.functional.conv2d(x[..., ::over_bins, ::over_frames], self.weight)


def make_shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Return what carries a block's input to its sum: nothing, or a 1x1 convolution to another shape."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return conv_norm(in_channels, out_channels, stride=stride)


def masked_relu(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return max(x, 0) with the padding zeroed; overwrites x, which a normalisation has just made."""
    if mask is not None:
        x = x.mul_(mask.to(x.dtype))
    return torch.relu_(x)


def receptive_field(time_steps: Iterable[tuple[int, int]]) -> int:
    """Return how many frames one output of a chain of convolutions sees, each given by (kernel, stride)."""
    field, hop = 1, 1
    for kernel, stride in time_steps:
        field += (kernel - 1) * hop
        hop *= stride
    return field
