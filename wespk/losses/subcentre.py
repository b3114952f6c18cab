"""AAM-softmax with several centres a class and a penalty on the nearest other classes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from wespk.losses.angles import narrowed
from wespk.losses.classification import Angle, Scale, class_vectors
from wespk.losses.margin import AamSoftmax
from wespk.losses.vectors import cosines


class SubcentreAam(AamSoftmax):
    """Sub-centre ArcFace (Deng et al., ECCV 2020) with inter-top-k penalty (Zhao et al., arXiv 2110.05042).

    The cosine of a class is that of its nearest centre: noisy and odd utterances of a speaker gather at a
    centre of their own. For each utterance the k other classes that are nearest have cos(theta - m') in the
    place of cos theta. m' rises with the margin, in proportion, while training raises that.

    Args:
        embedding_dim: D.
        num_classes: number of training speakers, 2 or more.
        margin: m of the target in radians, 0 to pi / 2. It may be changed between steps.
        scale: s, above 0.
        easy_margin: apply the margin only where theta is below pi / 2.
        centres: centres of a class.
        inter_top_k: k; all other classes where there are no more than that, none at 0.
        penalty: m' in radians, 0 to pi / 2.
    """

    def __init__(
        self,
        embedding_dim: int,
        num_classes: int,
        margin: Angle = 0.2,
        scale: Scale = 32.0,
        easy_margin: bool = False,
        centres: Annotated[int, Field(ge=1)] = 3,
        inter_top_k: Annotated[int, Field(ge=0)] = 5,
        penalty: Angle = 0.06,
    ) -> None:
        super().__init__(embedding_dim, num_classes, margin, scale, easy_margin)
        self.centres = centres
        self.inter_top_k = min(inter_top_k, num_classes - 1)
        self.penalty = penalty
        self._full_margin = margin
        self.weight = class_vectors(centres * num_classes, embedding_dim)

    def cosine(self, embeddings: Tensor) -> Tensor:
        """Return the cosines (B, classes) of embeddings (B, D) with the nearest centre of each class."""
        of_centres = cosines(embeddings, self.weight).unflatten(1, (self.centres, -1))
        return of_centres.max(dim=1).values  # (B, centres, classes) -> (B, classes)

    def penalise(self, cosine: Tensor, labels: Tensor) -> Tensor:
        """Return cosines (B, classes) with the target's lowered and those of the k nearest others raised."""
        penalised = super().penalise(cosine, labels)
        if self.inter_top_k == 0:
            return penalised
        others = cosine.detach().scatter(1, labels.unsqueeze(1), float("-inf"))
        nearest = others.topk(self.inter_top_k, sorted=False).indices  # (B, k)
        return penalised.scatter(1, nearest, narrowed(cosine.gather(1, nearest), self._penalty_now()))

    def _penalty_now(self) -> float:
        return self.penalty * (self.margin / self._full_margin if self._full_margin else 1.0)
