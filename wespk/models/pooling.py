"""Pooling over time: `(B, C, T)` frames -> `(B, out_dim)` statistics."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wespk.models.masking import weighted_mean_std


class StatisticsPooling(nn.Module):
    """TSTP: mean and standard deviation over time (Snyder et al. 2018, section 2.1)."""

    def __init__(self, in_dim: int) -> None:
        super().__init__()
        self.out_dim = 2 * in_dim

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map (B, C, T) to (B, 2C)."""
        return torch.cat(weighted_mean_std(x, None, mask), dim=1)


class AttentiveStatisticsPooling(nn.Module):
    """ASTP: channel-dependent attention weights the statistics (Desplanques et al. 2020, section 3.1).

    With `global_context` the attention also sees the utterance's plain mean and standard deviation.
    """

    def __init__(self, in_dim: int, bottleneck: int = 128, global_context: bool = True) -> None:
        super().__init__()
        self.global_context = global_context
        self.out_dim = 2 * in_dim
        self.squeeze = nn.Conv1d(in_dim * (3 if global_context else 1), bottleneck, kernel_size=1)
        self.excite = nn.Conv1d(bottleneck, in_dim, kernel_size=1)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map (B, C, T) to (B, 2C)."""
        hidden = self._squeeze_with_context(x, mask) if self.global_context else self.squeeze(x)
        energies = self.excite(torch.tanh(hidden))  # (B, C, T)
        if mask is not None:
            energies = energies.masked_fill(mask == 0, float("-inf"))
        return torch.cat(weighted_mean_std(x, energies.softmax(dim=-1), mask), dim=1)

    def _squeeze_with_context(self, x: Tensor, mask: Tensor | None) -> Tensor:
        # The context is the same at every frame, so its share of the product is computed once, not T times.
        mean, std = weighted_mean_std(x, None, mask)
        context = torch.cat([mean, std], dim=1).to(x.dtype).unsqueeze(-1)  # (B, 2C, 1)
        of_frames, of_context = self.squeeze.weight.split([x.shape[1], context.shape[1]], dim=1)
        return nn.functional.conv1d(x, of_frames, self.squeeze.bias) + nn.functional.conv1d(
            context, of_context
        )
