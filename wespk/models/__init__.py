"""Speaker-embedding networks: `(B, T, F)` features, optional lengths -> `(B, D)` embeddings.

A new network is a new file and one line below, or no line at all when a recipe names it by dotted path. Its
constructor takes `feat_dim` and its own options; an attribute `embedding_dim` says the size of its output.
"""

from __future__ import annotations

from torch import nn

from wespk.core.config import Component, build
from wespk.core.errors import WespkError

REGISTRY = {
    "ecapa_tdnn": "wespk.models.ecapa_tdnn:EcapaTdnn",
    "resnet34": "wespk.models.resnet:resnet34",
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
