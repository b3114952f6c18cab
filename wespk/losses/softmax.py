"""Plain softmax cross-entropy."""

from __future__ import annotations

from torch import Tensor, nn

from wespk.losses.classification import ClassificationHead
from wespk.losses.vectors import full_precision


class SoftmaxHead(ClassificationHead):
    """An affine layer and cross-entropy.

    Args:
        embedding_dim: D.
        num_classes: number of training speakers, 2 or more.
    """

    def __init__(self, embedding_dim: int, num_classes: int) -> None:
        super().__init__(num_classes)
        self.linear = nn.Linear(embedding_dim, num_classes)

    def judge(self, embeddings: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Map embeddings (B, D) and labels (B,) to losses (B,) and logits (B, classes)."""
        weight, bias = full_precision(self.linear.weight), full_precision(self.linear.bias)
        logits = nn.functional.linear(embeddings, weight, bias)
        return nn.functional.cross_entropy(logits, labels, reduction="none"), logits
