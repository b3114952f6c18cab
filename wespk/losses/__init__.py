"""Losses: `(B, D)` embeddings and `(B,)` labels -> a `HeadOutput` of loss and accuracy.

A new loss is a new file and one line below, or a dotted path in a recipe. Its constructor takes
`embedding_dim`, `num_classes` and its own options; `forward(embeddings, labels)` returns a `HeadOutput`. The
training loop may change the `margin` of a loss, and of any part of it, between steps.

Any loss takes two options more: `hidden`, the widths of blocks between the embedding and the loss, and
`dropout`, the share of values that are cleared before it.
"""

from __future__ import annotations

from torch import nn

from wespk.core.config import Component, build, parse_config
from wespk.losses.hidden import HiddenHead, HiddenOptions
from wespk.losses.output import HeadOutput

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

__all__ = ["REGISTRY", "HeadOutput", "build_head"]


def build_head(component: Component, embedding_dim: int, num_classes: int) -> nn.Module:
    """Make the loss that `component` names, behind the hidden blocks and the dropout that it asks for."""
    before = {key: value for key, value in component.options.items() if key in HiddenOptions.model_fields}
    options = parse_config(HiddenOptions, before, f"loss {component.name}")
    own = {key: value for key, value in component.options.items() if key not in before}
    width = options.hidden[-1] if options.hidden else embedding_dim
    head = build(
        Component(name=component.name, **own), REGISTRY, "loss", embedding_dim=width, num_classes=num_classes
    )
    return HiddenHead(embedding_dim, options, head) if before else head
