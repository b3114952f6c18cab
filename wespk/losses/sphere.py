"""SphereFace (A-softmax), whose margin multiplies the angle, and SphereFace2, with a classifier a speaker."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from wespk.losses.angles import multiplied, narrowed, widened_to_pi
from wespk.losses.classification import Angle, CosineHead, Scale


class ASoftmax(CosineHead):
    """A-softmax (SphereFace; Liu et al., CVPR 2017): |x| psi(theta), psi(theta) <= cos(m theta).

    The classes' vectors have length 1, the embedding x keeps its own: at m = 1 this is softmax with
    normalised weights. The target's psi is mixed with its cosine, (lambda cos theta + psi) / (1 + lambda),
    without which the loss hardly converges; the authors end their training at lambda 5.

    Args:
        embedding_dim: D.
        num_classes: number of training speakers, 2 or more.
        margin: m, a whole number from 1 to 4. It may be changed between steps, also to values between (see
            `angles.multiplied`) and below 1, which is no margin.
        annealing: lambda, 0 or more.
    """

    def __init__(
        self,
        embedding_dim: int,
        num_classes: int,
        margin: Annotated[int, Field(ge=1, le=4)] = 4,
        annealing: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 5.0,
    ) -> None:
        super().__init__(embedding_dim, num_classes, margin, scale=1.0)
        self.annealing = annealing

    def penalise_target(self, cosine: Tensor) -> Tensor:
        """Return the mixture of cos theta and psi(theta), any shape."""
        return (self.annealing * cosine + multiplied(cosine, self.margin)) / (1 + self.annealing)

    def scales(self, embeddings: Tensor) -> Tensor:
        """Return the lengths (B, 1) of embeddings (B, D)."""
        return embeddings.norm(dim=1, keepdim=True)


class SphereFace2(CosineHead):
    """SphereFace2 (Wen et al., ICLR 2022; for speakers Han et al., ICASSP 2023): a classifier a speaker.

    With g(z) = 2 ((z + 1) / 2)^t - 1, which spreads the cosines, and a trained bias b, an utterance's loss is

        lambda log(1 + exp(-(s p + b))) + (1 - lambda) sum over j != y of log(1 + exp(s n_j + b)),

    where margin type C has p = g(cos_y) - m and n = g(cos_j) + m, and type A, on angles, has
    p = g(cos(theta_y + m)) and n = g(cos(theta_j - m)).

    Args:
        embedding_dim: D.
        num_classes: number of training speakers, 2 or more.
        margin: m, 0 to pi / 2; the authors take .2 for type C and .15 for A. It may be changed between steps.
        scale: s, above 0.
        margin_type: see above.
        positive_weight: lambda, between 0 and 1.
        power: t, 1 or more.
    """

    def __init__(
        self,
        embedding_dim: int,
        num_classes: int,
        margin: Angle = 0.2,
        scale: Scale = 32.0,
        margin_type: Literal["C", "A"] = "C",
        positive_weight: Annotated[float, Field(gt=0, lt=1)] = 0.7,
        power: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 3.0,
    ) -> None:
        super().__init__(embedding_dim, num_classes, margin, scale)
        self.margin_type = margin_type
        self.positive_weight = positive_weight
        self.power = power
        self.bias = nn.Parameter(torch.tensor(self._first_bias(num_classes)))

    def judge(self, embeddings: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Map embeddings (B, D) and labels (B,) to losses (B,) and cosines (B, classes)."""
        cosine = self.cosine(embeddings)
        target = labels.unsqueeze(1)
        similarity = self.scale * self.penalise(cosine, labels) + self.bias  # (B, classes)
        wrong = similarity.scatter(1, target, -similarity.gather(1, target))  # above 0: classified wrongly
        costs = nn.functional.softplus(wrong)
        positive = costs.gather(1, target).squeeze(1)
        negative = costs.scatter(1, target, 0.0).sum(dim=1)
        return self.positive_weight * positive + (1 - self.positive_weight) * negative, cosine

    def penalise(self, cosine: Tensor, labels: Tensor) -> Tensor:
        """Return p in the targets' places and n in the others', (B, classes)."""
        target = labels.unsqueeze(1)
        return self._others(cosine).scatter(1, target, self.penalise_target(cosine.gather(1, target)))

    def penalise_target(self, cosine: Tensor) -> Tensor:
        """Return p, any shape."""
        if self.margin_type == "A":
            return self._spread(widened_to_pi(cosine, self.margin))
        return self._spread(cosine) - self.margin

    def _others(self, cosine: Tensor) -> Tensor:
        """Return n, any shape."""
        if self.margin_type == "A":
            return self._spread(narrowed(cosine, self.margin))
        return self._spread(cosine) + self.margin

    def _spread(self, cosine: Tensor) -> Tensor:
        # Rounding may put a cosine just below -1, where a power has no value.
        return 2 * ((cosine + 1) / 2).clamp_min(0).pow(self.power) - 1

    def _first_bias(self, num_classes: int) -> float:
        """Return the b of least loss while all cosines are 0, as they nearly are before training.

        There its derivative is lambda sigmoid(-(s p + b)) = (1 - lambda) (classes - 1) sigmoid(s n + b),
        a quadratic equation in exp(b).
        """
        zero = torch.zeros(1, dtype=torch.float64)
        p, n = self.scale * self.penalise_target(zero).item(), self.scale * self._others(zero).item()
        balance = self.positive_weight / ((1 - self.positive_weight) * (num_classes - 1))
        root = math.sqrt((1 - balance) ** 2 + 4 * balance * math.exp(p - n))
        if balance < 1:  # of the two forms of the root, the one without a difference of near numbers
            return math.log(2 * balance / (1 - balance + root)) - n
        return math.log((balance - 1 + root) / 2) - p
