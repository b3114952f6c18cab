"""Padded batches: frames behind an utterance's end must not reach its embedding.

A mask is a (B, 1, T) tensor of ones and zeros, or None when all frames are real; then nothing is paid.
"""

from __future__ import annotations

import torch
from torch import Tensor


def frame_mask(lengths: Tensor | None, num_frames: int, dtype: torch.dtype) -> Tensor | None:
    """Return the mask (B, 1, T) of utterances of `lengths` (B,) frames; None for None."""
    if lengths is None:
        return None
    positions = torch.arange(num_frames, device=lengths.device)
    return (positions < lengths.unsqueeze(1)).unsqueeze(1).to(dtype)


def apply_mask(x: Tensor, mask: Tensor | None) -> Tensor:
    """Zero the padding of (B, C, T), as a convolution's own zero padding would be."""
    return x if mask is None else x * mask


def masked_mean(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean of (B, C, T) over real frames, shape (B, C, 1)."""
    if mask is None:
        return x.mean(dim=-1, keepdim=True)
    return (x * mask).sum(dim=-1, keepdim=True) / mask.sum(dim=-1, keepdim=True)


def weighted_mean_std(x: Tensor, weights: Tensor | None, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the weighted mean and standard deviation of (B, C, T) over time, each (B, C).

    `weights` (B, C, T) sum to 1 over time and are 0 on padding; None weighs all real frames alike. The
    variance is computed around the mean, in float32, and floored: constant input has finite gradients.
    """
    x = x.float()
    if weights is None:
        mean = masked_mean(x, mask)
        variance = masked_mean((x - mean).square(), mask)
    else:
        weights = weights.float()
        mean = (weights * x).sum(dim=-1, keepdim=True)
        variance = (weights * (x - mean).square()).sum(dim=-1, keepdim=True)
    return mean.squeeze(-1), variance.squeeze(-1).clamp_min(1e-7).sqrt()
