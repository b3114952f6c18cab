"""ERes2Net: Res2Net whose features are fused by attention, within its blocks and across its stages.

Chen, Zheng, Wang, Cheng, Chen and Qi, "An Enhanced Res2Net with Local and Global Feature Fusion for Speaker
Verification", Interspeech 2023 (arXiv 2305.12838). With 80 bins and 192-d embeddings the base has 6.61 M and
the large network 22.46 M parameters, as 3D-Speaker's; with 512-d the base has 9.88 M. (WeSpeaker's table has
7.88 M for the latter, a slip: the same author counted 9.88 M in 3D-Speaker's issue 55.)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from wespk.models.masking import apply_mask
from wespk.models.pooling import PoolingOption
from wespk.models.res2net import Res2Block
from wespk.models.residual import BlockFactory, Depths, ResidualNetwork, Stage


class AttentionalFusion(nn.Module):
    """Attentional feature fusion: a gate computed from both inputs weighs one against the other.

    The gate is a = tanh(BN(W_2 SiLU(BN(W_1 [x, y])))), the output x (1 + a) + y (1 - a).
    """

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        inner = channels // reduction
        self.squeeze = nn.Conv2d(2 * channels, inner, kernel_size=1)
        self.squeeze_norm = nn.BatchNorm2d(inner)
        self.excite = nn.Conv2d(inner, channels, kernel_size=1)
        self.excite_norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Map two (B, C, F, T) to one; padding that is zero in both stays zero."""
        # The product with [x, y] is the sum of two products: the inputs need not be copied side by side.
        of_x, of_y = self.squeeze.weight.chunk(2, dim=1)
        hidden = functional.conv2d(x, of_x, self.squeeze.bias) + functional.conv2d(y, of_y)
        hidden = functional.silu(self.squeeze_norm(hidden), inplace=True)
        gate = torch.tanh_(self.excite_norm(self.excite(hidden)))
        return torch.addcmul(x + y, gate, x - y)


class FusedRes2Block(Res2Block):
    """Res2 block whose groups all have a convolution, and are joined by attention: local feature fusion."""

    def __init__(self, in_channels: int, channels: int, stride: int, base_width: int, scale: int) -> None:
        super().__init__(in_channels, channels, stride, base_width, scale, passing=0)
        self.fusions = nn.ModuleList(AttentionalFusion(self.width) for _ in range(scale - 1))

    def join(self, number: int, previous: Tensor, group: Tensor) -> Tensor:
        """Fuse the previous branch's output with the group of branch `number`."""
        return self.fusions[number - 1](previous, group)


def four_stages(base_width: int, scale: int) -> list[BlockFactory]:
    """Return what makes the blocks of the four stages: plain in the first two, fused in the last two."""

    def plain(in_channels: int, channels: int, stride: int) -> Res2Block:
        return Res2Block(in_channels, channels, stride, base_width, scale, passing=0)

    def fused(in_channels: int, channels: int, stride: int) -> Res2Block:
        return FusedRes2Block(in_channels, channels, stride, base_width, scale)

    return [plain, plain, fused, fused]


class BottomUpFusion(nn.Module):
    """Global feature fusion: each stage's maps are fused with the result so far, brought to their size.

    A 3x3 convolution of stride 2 halves the resolution and doubles the channels of the result so far.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.downsamples = nn.ModuleList(
            nn.Conv2d(lower, higher, 3, stride=2, padding=1, bias=False)
            for lower, higher in pairwise(channels)
        )
        self.fusions = nn.ModuleList(AttentionalFusion(higher) for higher in channels[1:])

    def forward(self, outputs: Sequence[Tensor], masks: Sequence[Tensor | None]) -> Tensor:
        """Fuse stages' maps, (B, C, F, T), (B, 2C, F/2, T/2), ..., with their masks; return the last size."""
        fused = outputs[0]
        steps = zip(self.downsamples, self.fusions, outputs[1:], masks[:-1], strict=True)
        for downsample, fusion, output, mask in steps:
            fused = fusion(output, downsample(apply_mask(fused, mask)))
        return fused


class ERes2Net(ResidualNetwork):
    """ERes2Net: local fusion in stages 3 and 4, global fusion over all four.

    Args:
        feat_dim: columns of the features, F.
        embedding_dim: size of the embedding, D.
        pooling: name of the pooling, or a mapping of its name and options.
        channels: channels of the first stage; they double at each of the three halvings of the resolution.
        depths: blocks in each stage.
        base_width: channels of a group for each 64 channels of a block.
        scale: channel groups of a block.
    """

    def __init__(
        self,
        feat_dim: int,
        embedding_dim: PositiveInt = 192,
        pooling: PoolingOption = "tstp",
        channels: PositiveInt = 32,
        depths: Depths = (3, 4, 6, 3),
        base_width: PositiveInt = 32,
        scale: PositiveInt = 2,
    ) -> None:
        blocks = four_stages(base_width, scale)
        super().__init__(feat_dim, embedding_dim, pooling, channels, depths, blocks)
        self.fusion = BottomUpFusion([cast(Stage, stage).out_channels for stage in self.stages])

    def maps(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Run the stages over the stem's maps and fuse their outputs; return that and its mask."""
        outputs, masks = [], []
        for stage in self.stages:
            x, mask = stage(x, mask)
            outputs.append(x)
            masks.append(mask)
        return self.fusion(outputs, masks), mask


def eres2net_base(
    feat_dim: int,
    embedding_dim: PositiveInt = 192,
    pooling: PoolingOption = "tstp",
    channels: PositiveInt = 32,
) -> ERes2Net:
    """ERes2Net-base: 32 channels."""
    return ERes2Net(feat_dim, embedding_dim, pooling, channels)


def eres2net_large(
    feat_dim: int,
    embedding_dim: PositiveInt = 192,
    pooling: PoolingOption = "tstp",
    channels: PositiveInt = 64,
) -> ERes2Net:
    """ERes2Net-large: 64 channels."""
    return ERes2Net(feat_dim, embedding_dim, pooling, channels)
