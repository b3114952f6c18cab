"""Pooling over time: frames (B, C, T) and their mask -> statistics (B, out_dim), under the field's names.

A new pooling is a new class and one line below, or no line at all when a recipe names it by dotted path. Its
constructor takes `in_dim`, the channels C, and its own options; an attribute `out_dim` says the size of its
output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator
from torch import nn

from wespk.core.config import Component, build, parse_config
from wespk.core.errors import WespkError

REGISTRY = {
    "tap": "wespk.models.pooling.statistics:AveragePooling",
    "gap": "wespk.models.pooling.statistics:AveragePooling",
    "tsdp": "wespk.models.pooling.statistics:StandardDeviationPooling",
    "tstp": "wespk.models.pooling.statistics:StatisticsPooling",
    "tsp": "wespk.models.pooling.statistics:MeanVariancePooling",
    "sap": "wespk.models.pooling.attentive:SelfAttentivePooling",
    "asp": "wespk.models.pooling.attentive:AttentiveStatisticsPooling",
    "astp": "wespk.models.pooling.attentive:ChannelAttentiveStatisticsPooling",
    "mhastp": "wespk.models.pooling.multi_head:MultiHeadPooling",
    "mqmhastp": "wespk.models.pooling.multi_head:MultiQueryMultiHeadPooling",
    "xi": "wespk.models.pooling.xi:XiPooling",
    "netvlad": "wespk.models.pooling.vlad:NetVlad",
    "ghostvlad": "wespk.models.pooling.vlad:GhostVlad",
}


def _name_or_mapping(value: Any) -> Any:
    if not isinstance(value, str | Mapping):
        raise ValueError("must be the name of a pooling, or a mapping of its name and options")
    return value


# The type of the option `pooling` of every network.
PoolingOption = Annotated[str | dict[str, Any], BeforeValidator(_name_or_mapping)]


def build_pooling(pooling: Mapping[str, Any] | str, in_dim: int) -> nn.Module:
    """Make a pooling of `in_dim` channels by name: ``tstp``, or ``{name: asp, bottleneck: 64}``."""
    values = {"name": pooling} if isinstance(pooling, str) else pooling
    component = parse_config(Component, values, "pooling")
    module = build(component, REGISTRY, "pooling", in_dim=in_dim)
    if not hasattr(module, "out_dim"):
        raise WespkError(f"pooling {component.name}: set the attribute out_dim, the size of its output")
    return module
