"""The layout of weights in which convolutions over two dimensions train fastest."""

from __future__ import annotations

import torch
from torch import nn

from wespk.core.errors import WespkError
from wespk.models.residual import SlicingConv2d


def to_channels_last(network: nn.Module, device: torch.device) -> None:
    """Lay the 2-D convolutions of `network`, which is on `device`, out channels-last, in place.

    Raises `WespkError` on a CPU for a layer whose gradient would overwrite other memory: see `SlicingConv2d`.
    """
    if device.type == "cpu":
        for name, layer in network.named_modules():
            if isinstance(layer, nn.Conv2d) and _overruns(layer):
                raise WespkError(
                    f"layer {name}, a strided 1x1 Conv2d of {layer.in_channels} input channels, crashes in "
                    "training on a CPU (oneDNN issue 6035): give it 16 of them or more, or make it a "
                    "wespk.models.residual.SlicingConv2d"
                )
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _overruns(layer: nn.Conv2d) -> bool:
    fused = tuple(layer.kernel_size) == (1, 1) and max(layer.stride) > 1
    return fused and layer.in_channels < 16 and layer.groups == 1 and not isinstance(layer, SlicingConv2d)
