"""What a network costs: parameters, multiply-accumulates and receptive field, of the whole and of its layers.

Everything is counted on torch's meta device, which computes shapes and no values: the largest network takes
a second and no memory. Multiply-accumulates (MACs) are those of convolutions and matrix products, two FLOPs
each; what is done to single values (normalisation, gates, pooling) is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.flop_counter import FlopCounterMode

from wespk.core.config import Component
from wespk.core.errors import WespkError
from wespk.models import build_model, num_parameters

TWO_SECONDS = 200  # frames at the field's rate of 100 a second


@dataclass(frozen=True)
class Layer:
    """A part of a network with all that is in it.

    Attributes:
        name: where it is, as in `named_modules`.
        kind: its class.
        depth: how far below the network, from 1.
        output: shape of what it returns for a batch of one; empty for a list of layers, which is not called.
        parameters: trained values.
        macs: multiply-accumulates.
    """

    name: str
    kind: str
    depth: int
    output: tuple[int, ...]
    parameters: int
    macs: int


@dataclass(frozen=True)
class Summary:
    """A network's sizes for one utterance of `num_frames` frames of `feat_dim` columns.

    `receptive_field` counts the frames that one frame-level output sees through convolutions, and
    `min_frames` those of the shortest utterance; None if the network does not say, as a user's own may not.
    """

    feat_dim: int
    num_frames: int
    embedding_dim: int
    parameters: int
    macs: int
    receptive_field: int | None
    min_frames: int | None
    layers: tuple[Layer, ...]


def summarise(component: Component, feat_dim: int = 80, num_frames: int = TWO_SECONDS) -> Summary:
    """Build the network that `component` names on the meta device and count it.

    Raises `WespkError` for what `build_model` refuses, for an utterance that the network finds too short, and
    for a network whose forward depends on values, which the meta device has not.
    """
    with torch.device("meta"):
        network = build_model(component, feat_dim).eval()
        features = torch.empty(1, num_frames, feat_dim)
    for module in network.modules():
        if isinstance(module, _BatchNorm):  # is not counted, and would take half of the time
            module.forward = _unchanged  # type: ignore[method-assign]
    outputs: dict[str, tuple[int, ...]] = {}
    for name, module in network.named_modules():
        module.register_forward_hook(_keep_shape(name, outputs))
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), counter:
            network(features)
    except (NotImplementedError, RuntimeError) as error:
        reason = str(error).split("\n")[0]
        what = f"{num_frames} frames of {feat_dim} columns"
        raise WespkError(f"model {component.name}: cannot be counted on {what} ({reason})") from None
    macs = {name: sum(flops.values()) // 2 for name, flops in counter.get_flop_counts().items()}
    root = type(network).__name__  # which begins all names of the counter
    return Summary(
        feat_dim=feat_dim,
        num_frames=num_frames,
        embedding_dim=cast(int, network.embedding_dim),
        parameters=num_parameters(network),
        macs=macs.get("Global", 0),
        receptive_field=getattr(network, "receptive_field", None),
        min_frames=getattr(network, "min_frames", None),
        layers=tuple(
            Layer(
                name=name,
                kind=type(module).__name__,
                depth=name.count(".") + 1,
                output=outputs.get(name, ()),
                parameters=num_parameters(module),
                macs=_macs(module, f"{root}.{name}", macs),
            )
            for name, module in network.named_modules()
            if name
        ),
    )


def _unchanged(input: Tensor) -> Tensor:
    return input


def _keep_shape(name: str, outputs: dict[str, tuple[int, ...]]) -> Callable[..., None]:
    def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        first = output[0] if isinstance(output, tuple) else output  # of maps and their mask
        if isinstance(first, Tensor):
            outputs[name] = tuple(first.shape)

    return hook


def _macs(module: nn.Module, name: str, macs: Mapping[str, int]) -> int:
    """Return a module's count; that of a list, which is never called itself, is the sum of its members'."""
    if name in macs:
        return macs[name]
    return sum(_macs(child, f"{name}.{key}", macs) for key, child in module.named_children())
