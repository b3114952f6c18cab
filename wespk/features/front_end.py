"""What all kinds of features have in common: samples in, frames out; alone, in batches, streamed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from wespk.features.frames import FrameStream, cut_frames
from wespk.features.options import FeatureOptions

CPU_BLOCK = 256  # frames in flight: their spectra stay in the cache, which halves the time of long audio
GPU_BLOCK = 1 << 17  # bounds the memory of long audio


class FrontEnd(nn.Module):
    """A kind of features: samples on the scale that its options expect in, frames out.

    A kind of your own derives from it, sets `Options`, and computes `features` of windows.
    """

    Options: type[FeatureOptions]
    options: FeatureOptions
    window: Tensor

    def __init__(self, options: FeatureOptions, window: Tensor) -> None:
        super().__init__()
        self.options = options
        self.register_buffer("window", window, persistent=False)

    def features(self, frames: Tensor) -> Tensor:
        """Return features (T, F) of windows (T, W), which may be overwritten."""
        raise TypeError(f"{type(self).__name__} does not say how features are computed")

    def forward(
        self, samples: Tensor, lengths: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return features (T, F) of a recording (N,), or (B, T, F) of a batch (B, N).

        T is 0 for a recording that is shorter than a frame. `lengths` (B,) are the rows' own numbers of
        samples where they are padded: row b has ``options.num_frames(lengths[b])`` frames, and what follows
        them is of no meaning. `generator` draws the dither; it is required where the options ask for dither.
        """
        if self.options.dither_scale > 0 and generator is None:
            raise ValueError("dither needs a generator: features must not depend on hidden state")
        frames = cut_frames(torch.atleast_2d(samples).to(self.window.dtype), self.options, lengths)
        batch, count, _ = frames.shape
        if torch.compiler.is_exporting():
            features = self._prepared(frames.reshape(-1, frames.shape[-1]), generator)
        elif frames.device.type == "cpu":  # a row at a time stays in the cache
            features = torch.cat([self._blocks(row, generator) for row in frames])
        else:
            features = self._blocks(frames.flatten(0, 1), generator)
        features = features.view(batch, count, self.options.dim)
        return features if samples.ndim == 2 else features[0]

    def stream(self, blocks: Iterable[Tensor], generator: torch.Generator | None = None) -> Iterator[Tensor]:
        """Yield the features of a recording whose samples arrive in blocks (N,), in the memory of a block."""
        frames = FrameStream(self.options, self.window.dtype)
        for block in blocks:
            yield self._blocks(frames.accept(block), generator)
        yield self._blocks(frames.finish(), generator)

    def _blocks(self, frames: Tensor, generator: torch.Generator | None) -> Tensor:
        if not len(frames):
            return frames.new_zeros(0, self.options.dim)
        size = CPU_BLOCK if frames.device.type == "cpu" else GPU_BLOCK
        if len(frames) <= size:
            return self._prepared(frames, generator)
        return torch.cat([self._prepared(block, generator) for block in frames.split(size)])

    def _prepared(self, frames: Tensor, generator: torch.Generator | None) -> Tensor:
        frames = frames.clone(memory_format=torch.contiguous_format)  # the windows are an overlapping view
        if self.options.dither_scale > 0:
            noise = torch.randn(frames.shape, generator=generator, dtype=frames.dtype, device=frames.device)
            frames += self.options.dither_scale * noise
        return self.features(frames)


def floored_log(values: Tensor) -> Tensor:
    """Return the logarithm, floored at Kaldi's float32 epsilon; `values` are overwritten."""
    return values.clamp_min_(torch.finfo(torch.float32).eps).log_()
