"""Margin softmax on angles."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from wespk.core.errors import WespkError
from wespk.losses.softmax import HeadOutput


class AamSoftmax(nn.Module):
    """Additive angular margin softmax (ArcFace; Deng et al., CVPR 2019, equation 3).

    The target's logit is s cos(theta + m). Beyond theta = pi - m that would rise again; there the logit
    continues as s (cos theta - m sin m), which keeps it falling. With `easy_margin` the margin applies
    only where theta is below pi / 2.

    Args:
        embedding_dim: D.
        num_classes: number of training speakers.
        margin: m in radians, 0 to pi / 2. It may be changed between steps.
        scale: s, above 0.
        easy_margin: see above.
    """

    def __init__(
        self,
        embedding_dim: int,
        num_classes: int,
        margin: float = 0.2,
        scale: float = 32.0,
        easy_margin: bool = False,
    ) -> None:
        super().__init__()
        if not 0 <= margin < math.pi / 2 or scale <= 0:
            raise WespkError(f"loss aam: margin {margin} must be in [0, pi/2) and scale {scale} above 0")
        self.margin = margin
        self.scale = scale
        self.easy_margin = easy_margin
        self.weight = nn.Parameter(torch.empty(num_classes, embedding_dim))
        nn.init.xavier_normal_(self.weight)

    def forward(self, embeddings: Tensor, labels: Tensor) -> HeadOutput:
        """Map embeddings (B, D) and labels (B,) to loss and logits, in float32 also under autocast."""
        with torch.autocast(embeddings.device.type, enabled=False):
            cosine = nn.functional.linear(
                nn.functional.normalize(embeddings.float()), nn.functional.normalize(self.weight.float())
            )
            target = cosine.gather(1, labels.unsqueeze(1))  # (B, 1)
            logits = self.scale * cosine
            with_margin = logits.scatter(1, labels.unsqueeze(1), self.scale * self.penalise(target))
            return HeadOutput(nn.functional.cross_entropy(with_margin, labels), logits)

    def penalise(self, cosine: Tensor) -> Tensor:
        """Return the target's cosine after the margin, any shape; finite in value and gradient at +-1."""
        # d sqrt(1 - c^2) / dc is infinite at +-1: the floor cuts the gradient there.
        sine = (1.0 - cosine.square()).clamp_min(1e-7).sqrt()
        shifted = cosine * math.cos(self.margin) - sine * math.sin(self.margin)
        if self.easy_margin:
            return torch.where(cosine > 0, shifted, cosine)
        beyond = cosine - self.margin * math.sin(self.margin)
        return torch.where(cosine > -math.cos(self.margin), shifted, beyond)
