"""What all classification heads share: scores of the training speakers, and each utterance's loss on them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from wespk.core.errors import WespkError
from wespk.losses.output import HeadOutput
from wespk.losses.vectors import cosines, full_precision

Angle = Annotated[float, Field(ge=0, lt=math.pi / 2)]  # a margin in radians
CosineStep = Annotated[float, Field(ge=0, lt=1)]  # a margin on cosines
Scale = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ClassificationHead(nn.Module, ABC):
    """A head that decides for the training speaker with the highest score.

    A subclass says in `judge` how scores and losses come about. Both are in float32, also under autocast and
    for embeddings in bf16; float64 stays.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        if num_classes < 2:
            raise WespkError(f"a classification loss needs two training speakers or more, not {num_classes}")

    @abstractmethod
    def judge(self, embeddings: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Map embeddings (B, D) and labels (B,) to losses (B,) and scores (B, classes) without a margin."""

    def forward(self, embeddings: Tensor, labels: Tensor) -> HeadOutput:
        """Map embeddings (B, D) and labels (B,) to the mean loss and the share of right decisions."""
        losses, scores = self._judge_precisely(embeddings, labels)
        return HeadOutput(losses.mean(), (scores.argmax(dim=1) == labels).float().mean())

    def utterance_losses(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of each utterance (B,); `forward` returns their mean."""
        return self._judge_precisely(embeddings, labels)[0]

    def _judge_precisely(self, embeddings: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(embeddings.device.type, enabled=False):
            return self.judge(full_precision(embeddings), labels)


class CosineHead(ClassificationHead):
    """Cross-entropy on scaled cosines of the embedding with a vector of each class.

    At margin 0 it is normalised, scaled softmax. `margin` may be changed between steps.
    """

    def __init__(self, embedding_dim: int, num_classes: int, margin: float, scale: float) -> None:
        super().__init__(num_classes)
        self.margin = margin
        self.scale = scale
        self.weight = class_vectors(num_classes, embedding_dim)

    def judge(self, embeddings: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Map embeddings (B, D) and labels (B,) to losses (B,) and cosines (B, classes)."""
        cosine = self.cosine(embeddings)
        logits = self.scales(embeddings) * self.penalise(cosine, labels)
        return nn.functional.cross_entropy(logits, labels, reduction="none"), cosine

    def cosine(self, embeddings: Tensor) -> Tensor:
        """Return the cosines (B, classes) of embeddings (B, D) with the classes."""
        return cosines(embeddings, self.weight)

    def penalise(self, cosine: Tensor, labels: Tensor) -> Tensor:
        """Return the cosines (B, classes) with the margin applied, by default to the targets' alone."""
        target = labels.unsqueeze(1)
        return cosine.scatter(1, target, self.penalise_target(cosine.gather(1, target)))

    @abstractmethod
    def penalise_target(self, cosine: Tensor) -> Tensor:
        """Return what stands in the place of a target's cosine, any shape."""

    def scales(self, embeddings: Tensor) -> Tensor | float:
        """Return the factor from cosines to logits: one for all, or (B, 1)."""
        return self.scale


def class_vectors(count: int, dim: int) -> nn.Parameter:
    """Return `count` vectors of `dim` values to train, initialised as Glorot and Bengio do (AISTATS 2010)."""
    vectors = nn.Parameter(torch.empty(count, dim))
    nn.init.xavier_normal_(vectors)
    return vectors
