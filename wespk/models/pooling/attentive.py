"""Attentive poolings: a small network weighs the frames before their statistics are taken."""

from __future__ import annotations

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from wespk.models.masking import masked_softmax, weighted_mean, weighted_mean_std


class SelfAttentivePooling(nn.Module):
    """SAP: the mean of the frames, each weighted by its agreement with a learned context vector.

    h_t = tanh(W x_t + b), weights softmax_t(mu' h_t) (Cai, Chen and Li 2018, "Exploring the encoding layer
    and loss function in end-to-end speaker and language recognition system"). One weight a frame, for all
    channels.
    """

    def __init__(self, in_dim: int, bottleneck: PositiveInt = 128) -> None:
        super().__init__()
        self.out_dim = in_dim
        self.attention = FrameAttention(in_dim, bottleneck)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map (B, C, T) to (B, C)."""
        return weighted_mean(x, self.attention(x, mask)).squeeze(-1)


class AttentiveStatisticsPooling(nn.Module):
    """ASP: mean and standard deviation under one weight a frame (Okabe, Koshinaka and Shinoda 2018).

    The energy of frame t is v' f(W h_t + b) with f = tanh. The paper adds a constant k, which the softmax
    over time cancels.
    """

    def __init__(self, in_dim: int, bottleneck: PositiveInt = 128) -> None:
        super().__init__()
        self.out_dim = 2 * in_dim
        self.attention = FrameAttention(in_dim, bottleneck)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map (B, C, T) to (B, 2C)."""
        return torch.cat(weighted_mean_std(x, self.attention(x, mask), mask), dim=1)


class FrameAttention(nn.Module):
    """One weight a frame from a perceptron of one hidden layer."""

    def __init__(self, in_dim: int, bottleneck: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv1d(in_dim, bottleneck, kernel_size=1)
        self.excite = nn.Conv1d(bottleneck, 1, kernel_size=1, bias=False)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (B, C, T) to weights (B, 1, T)."""
        return masked_softmax(self.excite(torch.tanh(self.squeeze(x))), mask)


class ChannelAttentiveStatisticsPooling(nn.Module):
    """ASTP: mean and standard deviation under a weight for each channel and frame (Desplanques et al. 2020).

    With `global_context` the attention also sees the utterance's plain mean
    and standard deviation. The bias of the last layer changes nothing under the softmax over time; it is
    there because published weights and parameter counts have it.
    """

    def __init__(self, in_dim: int, bottleneck: PositiveInt = 128, global_context: bool = True) -> None:
        super().__init__()
        self.global_context = global_context
        self.out_dim = 2 * in_dim
        self.squeeze = nn.Conv1d(in_dim * (3 if global_context else 1), bottleneck, kernel_size=1)
        self.excite = nn.Conv1d(bottleneck, in_dim, kernel_size=1)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map (B, C, T) to (B, 2C)."""
        hidden = self._squeeze_with_context(x, mask) if self.global_context else self.squeeze(x)
        weights = masked_softmax(self.excite(torch.tanh(hidden)), mask)  # (B, C, T)
        return torch.cat(weighted_mean_std(x, weights, mask), dim=1)

    def _squeeze_with_context(self, x: Tensor, mask: Tensor | None) -> Tensor:
        # The context is the same at every frame, so its share of the product is computed once, not T times.
        mean, std = weighted_mean_std(x, None, mask)
        context = torch.cat([mean, std], dim=1).to(x.dtype).unsqueeze(-1)  # (B, 2C, 1)
        of_frames, of_context = self.squeeze.weight.split([x.shape[1], context.shape[1]], dim=1)
        return nn.functional.conv1d(x, of_frames, self.squeeze.bias) + nn.functional.conv1d(
            context, of_context
        )
