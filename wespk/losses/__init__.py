"""Losses: `(B, D)` embeddings and `(B,)` labels -> a `HeadOutput` of loss and accuracy.

A new loss is a new file and one line below, or a dotted path in a recipe. Its constructor takes
`embedding_dim`, `num_classes` and its own options; `forward(embeddings, labels)` returns a `HeadOutput`. The
training loop may change the `margin` of a loss, and of any part of it, between steps.

Any loss takes two options more: `hidden`, the widths of blocks between the embedding and the loss, and
`dropout`, the share of values that are cleared before it.
"""

from __future__ import annotations

import inspect

from torch import nn

from wespk.core.config import Component, build, find_component, parse_config
from wespk.core.errors import WespkError, nearest
from wespk.losses.hidden import HiddenHead, HiddenOptions
from wespk.losses.output import HeadOutput, utterance_losses

REGISTRY = {
    "softmax": "wespk.losses.softmax:SoftmaxHead",
    "asoftmax": "wespk.losses.sphere:ASoftmax",
    "am": "wespk.losses.margin:AmSoftmax",
    "aam": "wespk.losses.margin:AamSoftmax",
    "subcentre_aam": "wespk.losses.subcentre:SubcentreAam",
    "arm": "wespk.losses.margin:RealAmSoftmax",
    "sphereface2": "wespk.losses.sphere:SphereFace2",
    "triplet": "wespk.losses.triplet:TripletLoss",
    "ge2e": "wespk.losses.ge2e:Ge2eLoss",
    "prototypical": "wespk.losses.prototypical:PrototypicalLoss",
    "angular_prototypical": "wespk.losses.prototypical:AngularPrototypicalLoss",
    "weighted": "wespk.losses.weighted:WeightedLoss",
}

DERIVED = {"embedding_dim", "num_classes"}  # arguments of every loss that no recipe gives

__all__ = ["REGISTRY", "HeadOutput", "build_head", "utterance_losses"]


def build_head(component: Component, embedding_dim: int, num_classes: int) -> nn.Module:
    """Make the loss that `component` names, behind the hidden blocks and the dropout that it asks for."""
    _check_keys(component)
    before = {key: value for key, value in component.options.items() if key in HiddenOptions.model_fields}
    options = parse_config(HiddenOptions, before, f"loss {component.name}")
    own = {key: value for key, value in component.options.items() if key not in before}
    width = options.hidden[-1] if options.hidden else embedding_dim
    head = build(
        Component(name=component.name, **own), REGISTRY, "loss", embedding_dim=width, num_classes=num_classes
    )
    return HiddenHead(embedding_dim, options, head) if before else head


def _check_keys(component: Component) -> None:
    """Refuse an option that the loss has not, nor what stands before it, nor the sum that it is part of."""
    parameters = inspect.signature(find_component(component.name, REGISTRY, "loss")).parameters
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    known = {*parameters, *HiddenOptions.model_fields, *type(component).model_fields} - {"name"}
    for key in component.options:
        if key not in known:
            raise WespkError(f"loss {component.name}: unknown key '{key}': {nearest(key, known - DERIVED)}")
