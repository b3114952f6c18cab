"""Speaker-embedding networks: `(B, T, F)` features, optional lengths -> `(B, D)` embeddings.

A new network is a new file and one line below, or no line at all when a recipe names it by dotted path. Its
constructor takes `feat_dim` and its own options; an attribute `embedding_dim` says the size of its output.
`wespk models` prints the networks with their sizes, by what `catalogue` says of them; docs/models.md has the
same table.
"""

from __future__ import annotations

from torch import nn

from wespk.core.config import Component, build
from wespk.core.errors import WespkError

REGISTRY = {
    "tdnn": "wespk.models.tdnn:Tdnn",
    "ecapa_tdnn": "wespk.models.ecapa_tdnn:EcapaTdnn",
    "ecapa_tdnn_1024": "wespk.models.ecapa_tdnn:ecapa_tdnn_1024",
    "resnet18": "wespk.models.resnet:resnet18",
    "resnet34": "wespk.models.resnet:resnet34",
    "resnet50": "wespk.models.resnet:resnet50",
    "resnet101": "wespk.models.resnet:resnet101",
    "resnet152": "wespk.models.resnet:resnet152",
    "resnet221": "wespk.models.resnet:resnet221",
    "resnet293": "wespk.models.resnet:resnet293",
    "resnetse34": "wespk.models.resnetse:resnetse34",
    "res2net34": "wespk.models.res2net:res2net34",
    "campplus": "wespk.models.campplus:CamPlusPlus",
    "eres2net_base": "wespk.models.eres2net:eres2net_base",
    "eres2net_large": "wespk.models.eres2net:eres2net_large",
    "eres2netv2": "wespk.models.eres2netv2:ERes2NetV2",
}


def build_model(component: Component, feat_dim: int, *, registered_only: bool = False) -> nn.Module:
    """Make the network that `component` names for features of `feat_dim` columns."""
    model = build(component, REGISTRY, "model", registered_only=registered_only, feat_dim=feat_dim)
    if not hasattr(model, "embedding_dim"):
        raise WespkError(f"model {component.name}: set the attribute embedding_dim, the size of its output")
    return model


def num_parameters(module: nn.Module) -> int:
    """Return the number of trained values."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
