"""Cutting samples into overlapping windows, whole recordings at once or as they arrive."""

from __future__ import annotations

import torch
from torch import Tensor

from wespk.features.options import FeatureOptions, KaldiOptions


def cut_frames(samples: Tensor, options: FeatureOptions, lengths: Tensor | None = None) -> Tensor:
    """Cut samples (B, N) into windows (B, T, W), T frames of N samples; a view where nothing is mirrored.

    `lengths` (B,) says where each row ends if rows are padded: what is mirrored at the end is then the row's
    own. Frames beyond a row's own number hold anything.
    """
    total = options.num_frames(samples.shape[-1])
    size, shift = options.window_samples, options.shift_samples
    if total == 0:
        return samples.new_zeros(len(samples), 0, size)
    if not mirrors_edges(options):
        return samples.unfold(-1, size, shift)[:, :total]
    first = first_sample(options)
    last = first + (total - 1) * shift + size
    positions = torch.arange(first, last, device=samples.device)
    if lengths is not None:
        # A row too short to be mirrored has no frames: any length serves that is not beyond the tensor.
        shortest = min(2, samples.shape[-1])
        index = mirror(positions, lengths.clamp_min(shortest).unsqueeze(1), options)
        return samples.gather(-1, index).unfold(-1, size, shift)
    edge = samples.shape[-1]
    left = samples[:, mirror(positions[: max(-first, 0)], edge, options)]
    right = samples[:, mirror(edge + torch.arange(size, device=samples.device), edge, options)]
    padded = torch.cat([left, samples, right], dim=-1)[:, max(first, 0) :]
    return padded[:, : last - first].unfold(-1, size, shift)


def mirrors_edges(options: FeatureOptions) -> bool:
    """True when frames reach beyond the recording, which is mirrored there."""
    if isinstance(options, KaldiOptions):
        return not options.snip_edges
    return bool(getattr(options, "center", False))


def first_sample(options: FeatureOptions) -> int:
    """Return where the first frame begins: as a rule before the recording where edges are mirrored."""
    if not mirrors_edges(options):
        return 0
    before_centre = options.window_samples // 2
    return (options.shift_samples // 2 if isinstance(options, KaldiOptions) else 0) - before_centre


def mirror(positions: Tensor, length: int | Tensor, options: FeatureOptions) -> Tensor:
    """Bring positions beyond the edges back inside: Kaldi repeats the edge sample, torchaudio does not."""
    repeats = int(isinstance(options, KaldiOptions))  # -1 -> 0, or -1 -> 1
    period = 2 * (length - 1 + repeats)
    positions = positions.remainder(period)
    return torch.minimum(positions, period - repeats - positions)


class FrameStream:
    """The frames of a recording that arrives in blocks, equal to those of the whole; holds about a window."""

    def __init__(self, options: FeatureOptions, dtype: torch.dtype = torch.float32) -> None:
        self.options = options
        self._tail = torch.zeros(0, dtype=dtype)  # the samples that later frames need
        self._tail_start = 0
        self._frames = 0

    def accept(self, samples: Tensor) -> Tensor:
        """Take the next samples (N,); return the frames (T, W) that are complete now."""
        self._tail = torch.cat([self._tail, samples.to(self._tail)])
        total = self._tail_start + len(self._tail)
        covered = total - first_sample(self.options) - self.options.window_samples
        complete = covered >= 0 and total >= self.options.min_samples  # the mirrored start needs these
        return self._up_to(covered // self.options.shift_samples + 1 if complete else 0, total)

    def finish(self) -> Tensor:
        """Return the last frames, which see the mirrored end."""
        total = self._tail_start + len(self._tail)
        return self._up_to(self.options.num_frames(total), total)

    def _up_to(self, frames: int, total: int) -> Tensor:
        size, shift = self.options.window_samples, self.options.shift_samples
        count = frames - self._frames
        if count <= 0:
            return self._tail.new_zeros(0, size)
        start = first_sample(self.options) + self._frames * shift
        positions = torch.arange(start, start + (count - 1) * shift + size)
        cut = self._tail[mirror(positions, total, self.options) - self._tail_start].unfold(0, size, shift)
        self._frames = frames
        # What the next frame begins with, and what the mirrored end may reach back to.
        keep_from = max(self._tail_start, min(start + count * shift, total - size))
        self._tail = self._tail[keep_from - self._tail_start :].clone()
        self._tail_start = keep_from
        return cut
