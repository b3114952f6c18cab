"""Res2Net for speakers: residual blocks whose 3x3 convolutions run over channel groups, one after the other.

Gao et al., "Res2Net: A New Multi-scale Backbone Architecture", PAMI 2021; for speakers Zhou, Zhao and Wu,
"ResNeXt and Res2Net Structures for Speaker Verification", SLT 2021 (arXiv 2007.02480). The block is that of
3D-Speaker and WeSpeaker: its first 1x1 convolution has the stride, its output twice the channels, and its
ReLU is clipped at 20. With 80 bins it has their 4.03 M parameters for 192-d and 4.68 M for 256-d embeddings.
"""

from __future__ import annotations

import torch
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from wespk.core.errors import WespkError
from wespk.models.masking import apply_mask, strided
from wespk.models.pooling import PoolingOption
from wespk.models.residual import Depths, ResidualBlock, ResidualNetwork, conv_norm, make_shortcut


class Res2Block(ResidualBlock):
    """1x1 convolution, 3x3 convolutions of `scale` channel groups, 1x1 convolution, around a residual.

    Each group is joined by what became of the one before it: y_1 = K_1(x_1), y_i = K_i(x_i + y_{i-1})
    (Gao et al. 2021, with the group that passes unchanged put last).

    Args:
        base_width: channels of a group for each 64 of `channels`.
        scale: channel groups.
        passing: how many of them, the last, pass without a convolution.
    """

    expansion = 2

    def __init__(
        self, in_channels: int, channels: int, stride: int, base_width: int, scale: int, passing: int = 1
    ) -> None:
        super().__init__()
        self.width = channels * base_width // 64
        num_branches = scale - passing
        if self.width < 1 or num_branches < 1:
            raise WespkError(
                f"Res2 block: {channels} channels, base width {base_width} and scale {scale} leave no group "
                "to convolve; raise them"
            )
        self.out_channels = self.expansion * channels
        self.time_steps = ((1, stride), *[(3, 1)] * num_branches)
        self.stride = stride
        self.split = conv_norm(in_channels, scale * self.width, stride=stride)
        self.branches = nn.ModuleList(
            conv_norm(self.width, self.width, kernel=3) for _ in range(num_branches)
        )
        self.merge = conv_norm(scale * self.width, self.out_channels)
        self.shortcut = make_shortcut(in_channels, self.out_channels, stride)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, C, F, T) to (B, C', F/stride, T/stride)."""
        mask = strided(mask, self.stride)
        groups = apply_mask(clipped_relu(self.split(x)), mask).split(self.width, dim=1)
        done: list[Tensor] = []
        for number, branch in enumerate(self.branches):
            seen = self.join(number, apply_mask(done[-1], mask), groups[number]) if done else groups[0]
            done.append(clipped_relu(branch(seen)))
        merged = self.merge(torch.cat([*done, *groups[len(done) :]], dim=1))
        return clipped_relu(merged.add_(self.shortcut(x)))

    def join(self, number: int, previous: Tensor, group: Tensor) -> Tensor:
        """Return what branch `number` sees, of the previous branch's output and its own group."""
        return previous + group


class Res2Net(ResidualNetwork):
    """Res2Net of `depths` blocks in its four stages.

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
        embedding_dim: PositiveInt = 256,
        pooling: PoolingOption = "tstp",
        channels: PositiveInt = 32,
        depths: Depths = (3, 4, 6, 3),
        base_width: PositiveInt = 32,
        scale: PositiveInt = 2,
    ) -> None:
        def block(in_channels: int, channels: int, stride: int) -> Res2Block:
            return Res2Block(in_channels, channels, stride, base_width, scale)

        super().__init__(feat_dim, embedding_dim, pooling, channels, depths, [block] * 4)


def res2net34(
    feat_dim: int,
    embedding_dim: PositiveInt = 256,
    pooling: PoolingOption = "tstp",
    channels: PositiveInt = 32,
) -> Res2Net:
    """Res2Net34-Base of WeSpeaker: base width 32, scale 2."""
    return Res2Net(feat_dim, embedding_dim, pooling, channels)


def clipped_relu(x: Tensor) -> Tensor:
    """Return x limited to [0, 20], the ReLU of this family; overwrites x, a sum or norm just made."""
    return functional.hardtanh_(x, 0.0, 20.0)
