"""Xi-vector pooling: frames whose uncertainty is known, and a posterior over the utterance."""

from __future__ import annotations

import torch
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn.functional import softplus

from wespk.models.masking import masked_softmax, weighted_mean, weighted_mean_std, widened


class XiPooling(nn.Module):
    """XI: the posterior mean of an utterance's latent variable, given its frames and their uncertainty.

    Lee, Wang and Koshinaka 2021, "Xi-vector embedding for speaker recognition", IEEE SPL 28.

    Each frame z_t is the latent variable h plus Gaussian noise of the diagonal precision L_t that a small
    network estimates; h has the Gaussian prior of mean mu_p and precision L_p, which are trained. The
    posterior of h is Gaussian, of precision L_s = sum_t L_t + L_p and mean phi = (sum_t L_t z_t + L_p mu_p)
    / L_s. So an uncertain frame weighs little, and a short or uncertain utterance stays near the prior. Like
    the authors' software, the network gives the root of a precision, through a softplus.

    Args:
        in_dim: channels C.
        hidden_dim: channels of the hidden layer of the network that estimates the precisions.
        std: also give the standard deviation around phi under the same weights, of the frames and mu_p.
    """

    def __init__(self, in_dim: int, hidden_dim: PositiveInt = 256, std: bool = False) -> None:
        super().__init__()
        self.std = std
        self.out_dim = (2 if std else 1) * in_dim
        self.prior_mean = nn.Parameter(torch.zeros(1, in_dim))
        self.prior_log_precision = nn.Parameter(torch.zeros(1, in_dim))
        self.estimate = nn.Sequential(
            nn.Conv1d(in_dim, hidden_dim, kernel_size=1),
            nn.ReLU(),
            nn.BatchNorm1d(hidden_dim),
            nn.Conv1d(hidden_dim, in_dim, kernel_size=1),
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map (B, C, T) to (B, C), or (B, 2C) with `std`."""
        batch = x.shape[0]
        log_precisions = 2 * log_softplus(widened(self.estimate(x)))
        # The prior is one frame more, and a precision over the sum of all of them a softmax of their logs.
        points = _with_last(widened(x), self.prior_mean.expand(batch, -1))
        log_precisions = _with_last(log_precisions, self.prior_log_precision.expand(batch, -1))
        real = None if mask is None else _with_last(mask, torch.ones_like(mask[..., 0]))
        weights = masked_softmax(log_precisions, real)
        if not self.std:
            return weighted_mean(points, weights).squeeze(-1)
        return torch.cat(weighted_mean_std(points, weights, real), dim=1)


def log_softplus(x: Tensor) -> Tensor:
    """Return log(log(1 + exp(x))), also where exp(x) underflows: there it is x."""
    return torch.log(softplus(x.clamp_min(-15))) + (x + 15).clamp_max(0)


def _with_last(x: Tensor, last: Tensor) -> Tensor:
    """Append the frame `last` (B, C) to (B, C, T)."""
    return torch.cat([x, last.unsqueeze(-1)], dim=-1)
