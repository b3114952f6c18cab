"""Plain softmax cross-entropy, and the result type that all heads share."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn


class HeadOutput(NamedTuple):
    """`loss` is the mean over the batch, a scalar; `logits` (B, classes) are free of any margin."""

    loss: Tensor
    logits: Tensor


class SoftmaxHead(nn.Module):
    """A linear layer and cross-entropy."""

    def __init__(self, embedding_dim: int, num_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(embedding_dim, num_classes)

    def forward(self, embeddings: Tensor, labels: Tensor) -> HeadOutput:
        """Map embeddings (B, D) and labels (B,) to loss and logits."""
        logits = self.linear(embeddings).float()
        return HeadOutput(nn.functional.cross_entropy(logits, labels), logits)
