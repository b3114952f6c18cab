"""Softmax with an additive margin: on cosines (AM, Real-AM) or on angles (AAM)."""

from __future__ import annotations

import torch
from torch import Tensor

from wespk.losses.angles import widened, widened_below_right_angle
from wespk.losses.classification import Angle, CosineHead, CosineStep, Scale


class AmSoftmax(CosineHead):
    """Additive margin softmax (Wang et al., IEEE SPL 2018; CosFace): s (cos theta - m).

    Args:
        embedding_dim: D.
        num_classes: number of training speakers, 2 or more.
        margin: m, a difference of cosines, 0 to 1. It may be changed between steps.
        scale: s, above 0.
    """

    def __init__(
        self, embedding_dim: int, num_classes: int, margin: CosineStep = 0.2, scale: Scale = 32.0
    ) -> None:
        super().__init__(embedding_dim, num_classes, margin, scale)

    def penalise_target(self, cosine: Tensor) -> Tensor:
        """Return cos theta - m, any shape."""
        return cosine - self.margin


class RealAmSoftmax(AmSoftmax):
    """Real additive margin softmax (Li et al., ICASSP 2022, arXiv 2110.09116): a margin that can be reached.

    The loss is log(1 + sum over j != y of exp(max(0, s (cos_j - cos_y + m)))): a class that the target beats
    by m is not pushed away any further, while AM-softmax goes on pushing. Each such class still counts as
    one: the least loss is the logarithm of the number of classes. Options as of AM-softmax.
    """

    def penalise(self, cosine: Tensor, labels: Tensor) -> Tensor:
        """Return cosines (B, classes): the target's less m, and no other below that."""
        target = labels.unsqueeze(1)
        reached = self.penalise_target(cosine.gather(1, target))
        return torch.maximum(cosine, reached).scatter(1, target, reached)


class AamSoftmax(CosineHead):
    """Additive angular margin softmax (ArcFace; Deng et al., CVPR 2019, equation 3): s cos(theta + m).

    Args:
        embedding_dim: D.
        num_classes: number of training speakers, 2 or more.
        margin: m in radians, 0 to pi / 2. It may be changed between steps.
        scale: s, above 0.
        easy_margin: apply the margin only where theta is below pi / 2.
    """

    def __init__(
        self,
        embedding_dim: int,
        num_classes: int,
        margin: Angle = 0.2,
        scale: Scale = 32.0,
        easy_margin: bool = False,
    ) -> None:
        super().__init__(embedding_dim, num_classes, margin, scale)
        self.easy_margin = easy_margin

    def penalise_target(self, cosine: Tensor) -> Tensor:
        """Return cos(theta + m), any shape; it falls over the whole circle unless the margin is easy."""
        return (widened_below_right_angle if self.easy_margin else widened)(cosine, self.margin)
