"""Padded batches: frames behind an utterance's end must not reach its embedding.

A mask is a (B, 1, T) tensor of ones and zeros, or None when all frames are real; then nothing is paid. A
network of 2-D maps (B, C, F, T) uses `mask.unsqueeze(2)`.

Two rules make a padded batch equal its utterances one by one. Before every convolution over more than one
frame the padding is zero, as the convolution's own padding is (a batch normalisation's shift makes it
anything else). And every mean over time leaves the padding out. A convolution that keeps the length, with an
odd kernel and stride s, centres its output frame i on input frame s i: the mask of its output is
`strided(mask, s)`. One without padding that eats c frames has the mask `mask[..., c:]`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wespk.core.errors import WespkError

LEAST_VARIANCE = 1e-7  # the floor under a variance before its root: constant input has finite gradients


def masked_input(features: Tensor, lengths: Tensor | None, min_frames: int) -> tuple[Tensor, Tensor | None]:
    """Begin a network: features (B, T, F) as (B, F, T) with zeros for padding, and the mask (B, 1, T).

    `lengths` (B,) are the utterances' frames; None when none is padded. Raises WespkError where an utterance
    has fewer than `min_frames`. While the network is traced for a compiler or for export only T is checked,
    because the values of `lengths` are not known then.
    """
    num_frames = features.shape[1]
    if num_frames < min_frames:
        raise _too_few(num_frames, min_frames)
    x = features.transpose(1, 2)  # (B, T, F) -> (B, F, T)
    if lengths is None:
        return x, None
    if not torch.compiler.is_compiling():
        _check_lengths(lengths, features.shape[0], num_frames, min_frames)
    mask = frame_mask(lengths.to(features.device), num_frames, features.dtype)
    return x.masked_fill(mask == 0, 0), mask  # filled, not multiplied: nonsense times zero may be nonsense


def frame_mask(lengths: Tensor, num_frames: int, dtype: torch.dtype) -> Tensor:
    """Return the mask (B, 1, T) of utterances of `lengths` (B,) frames."""
    positions = torch.arange(num_frames, device=lengths.device)
    return (positions < lengths.unsqueeze(1)).unsqueeze(1).to(dtype)


def apply_mask(x: Tensor, mask: Tensor | None) -> Tensor:
    """Zero the padding of (B, C, T), as a convolution's own zero padding would be."""
    return x if mask is None else x * mask.to(x.dtype)  # a float32 mask must not widen bfloat16 maps


def strided(mask: Tensor | None, stride: int) -> Tensor | None:
    """Return the mask (B, 1, ceil(T / stride)) behind a convolution that keeps the length, or a slice."""
    return None if mask is None else mask[..., ::stride]


def masked_mean(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean of (B, C, T) over real frames, shape (B, C, 1), summed in float32 at least."""
    if mask is None:
        return x.mean(dim=-1, keepdim=True)
    num_frames = widened(mask).sum(dim=-1, keepdim=True)  # bfloat16 cannot count beyond 256
    total = apply_mask(x, mask).sum(dim=-1, keepdim=True, dtype=num_frames.dtype)
    return (total / num_frames).to(x.dtype)


def widened(x: Tensor) -> Tensor:
    """Return `x` in float32 at least, which statistics are computed in, under autocast too."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def masked_softmax(energies: Tensor, mask: Tensor | None) -> Tensor:
    """Return weights (B, C, T) of sum 1 over the real frames and 0 on padding, in float32 at least."""
    energies = widened(energies)
    if mask is not None:
        energies = energies.masked_fill(mask == 0, float("-inf"))
    return energies.softmax(dim=-1)


def weighted_mean(x: Tensor, weights: Tensor) -> Tensor:
    """Return the mean of (B, C, T) under `weights` as of `masked_softmax`, shape (B, C, 1)."""
    return (weights * x).sum(dim=-1, keepdim=True)


def weighted_mean_variance(x: Tensor, weights: Tensor | None, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the weighted mean and biased variance of (B, C, T) over time, each (B, C), in float32 at least.

    `weights` (B, C, T), or a shape that broadcasts to it, sum to 1 over time and are 0 on padding; None
    weighs all real frames alike. The variance is computed around the mean: the mean of squares less the
    squared mean cancels.
    """
    x = widened(x)
    mean = masked_mean(x, mask) if weights is None else weighted_mean(x, weights)
    # Around the mean the variance's derivative by the mean is zero: detached, its terms are not computed.
    squares = (x - mean.detach()).square()
    variance = masked_mean(squares, mask) if weights is None else weighted_mean(squares, weights)
    return mean.squeeze(-1), variance.squeeze(-1)


def weighted_mean_std(x: Tensor, weights: Tensor | None, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the mean and standard deviation, as `weighted_mean_variance` does; the variance is floored."""
    mean, variance = weighted_mean_variance(x, weights, mask)
    return mean, variance.clamp_min(LEAST_VARIANCE).sqrt()


def _too_few(num_frames: int, min_frames: int) -> WespkError:
    return WespkError(f"{num_frames} frames are too few: this network needs {min_frames}")


def _check_lengths(lengths: Tensor, batch: int, num_frames: int, min_frames: int) -> None:
    if lengths.shape != (batch,):
        raise WespkError(f"lengths of shape {tuple(lengths.shape)}: a batch of {batch} needs ({batch},)")
    shortest, longest = torch.stack(lengths.aminmax()).tolist()  # one wait for the device
    if shortest < min_frames:
        raise _too_few(shortest, min_frames)
    if longest > num_frames:
        raise WespkError(f"a length of {longest} frames is beyond the {num_frames} frames of its batch")
