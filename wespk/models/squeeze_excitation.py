"""Squeeze-excitation (Hu, Shen and Sun 2018): channels gated by what the whole utterance says of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wespk.models.masking import masked_mean


class SqueezeExcitation(nn.Module):
    """A gate for each channel, computed from its mean over the utterance (and the bins, of maps).

    The gates are sigmoid(W_2 relu(W_1 m + b_1) + b_2) of the means m.
    """

    def __init__(self, channels: int, bottleneck: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv1d(channels, bottleneck, kernel_size=1)
        self.excite = nn.Conv1d(bottleneck, channels, kernel_size=1)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map frames (B, C, T) to gates (B, C, 1) in (0, 1), or maps (B, C, F, T) to (B, C, 1, 1)."""
        mean = masked_mean(x.mean(dim=2, keepdim=True) if x.dim() == 4 else x, mask)
        gate = torch.sigmoid(self.excite(torch.relu(self.squeeze(mean.flatten(2)))))
        return gate.view_as(mean)
