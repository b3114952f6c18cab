"""Classification heads: `(B, D)` embeddings and `(B,)` labels -> loss and logits.

A new head is a new file and one line below, or a dotted path in a recipe. Its constructor takes
`embedding_dim`, `num_classes` and its own options; `forward(embeddings, labels)` returns a `HeadOutput`. The
training loop may change a head's `margin` attribute between steps.
"""

from __future__ import annotations

from torch import nn

from wespk.core.config import Component, build

REGISTRY = {
    "softmax": "wespk.losses.softmax:SoftmaxHead",
    "aam": "wespk.losses.margin:AamSoftmax",
}


def build_head(component: Component, embedding_dim: int, num_classes: int) -> nn.Module:
    """Make the classification head that `component` names."""
    return build(component, REGISTRY, "loss", embedding_dim=embedding_dim, num_classes=num_classes)
