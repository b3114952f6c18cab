"""A weighted sum of losses on the same embeddings."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from wespk.core.config import Component
from wespk.losses import build_head
from wespk.losses.output import HeadOutput


class Part(Component):
    """A loss with its options, and its weight in the sum: ``{name: triplet, weight: 0.5, margin: 0.1}``."""

    weight: float = Field(1.0, gt=0, allow_inf_nan=False)


class WeightedLoss(nn.Module):
    """The sum of weight x loss over the parts, each of which may have hidden blocks and dropout of its own.

    The accuracy is that of the part that is named first.

    Args:
        embedding_dim: D.
        num_classes: number of training speakers.
        parts: one or more.
    """

    def __init__(
        self, embedding_dim: int, num_classes: int, parts: Annotated[list[Part], Field(min_length=1)]
    ) -> None:
        super().__init__()
        self.weights = [part.weight for part in parts]
        self.parts = nn.ModuleList(build_head(part, embedding_dim, num_classes) for part in parts)

    def forward(self, embeddings: Tensor, labels: Tensor) -> HeadOutput:
        """Map embeddings (B, D) and labels (B,) to the weighted loss and the first part's accuracy."""
        outputs: list[HeadOutput] = [part(embeddings, labels) for part in self.parts]
        losses = [weight * output.loss for weight, output in zip(self.weights, outputs, strict=True)]
        return HeadOutput(torch.stack(losses).sum(), outputs[0].accuracy)
