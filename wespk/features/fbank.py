"""Log-Mel filterbank energies with Kaldi's definition, in torch: CPU, GPU, float32 or float64."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wespk.features.spec import FbankOptions

FLOAT32_EPSILON = float(torch.finfo(torch.float32).eps)
BLOCK_FRAMES = 256  # frames in flight: their spectra stay in the cache, which halves the time of long audio


class Fbank(torch.nn.Module):
    """Kaldi's compute-fbank-feats: samples on the int16 scale in, frames of log-Mel energies out.

    The steps follow Kaldi's feature-window.cc and feature-fbank.cc: dither, DC removal, raw log energy,
    pre-emphasis, window, power spectrum, Mel triangles, logarithm floored at the float32 epsilon.
    """

    window: Tensor
    mel: Tensor

    def __init__(self, options: FbankOptions, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.options = options
        self.register_buffer("window", _window(options).to(dtype), persistent=False)
        self.register_buffer("mel", mel_filters(options).to(dtype), persistent=False)

    def forward(self, samples: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return features (T, F) of one recording's samples (N,); (0, F) if N is less than a window.

        `generator` draws the dither; it is required when `options.dither` is above 0.
        """
        options = self.options
        samples = samples.to(self.window.dtype)
        if options.dither > 0 and generator is None:
            raise ValueError("dither needs a generator: features must not depend on hidden state")
        frames = _frames(samples, options)
        if not len(frames):
            return samples.new_zeros(0, options.dim)
        return torch.cat([self._block(block, generator) for block in frames.split(BLOCK_FRAMES)])

    def _block(self, frames: Tensor, generator: torch.Generator | None) -> Tensor:
        options = self.options
        frames = frames.clone()  # (T, W); the input is a view with overlapping rows
        if options.dither > 0:
            frames += options.dither * torch.randn(
                frames.shape, generator=generator, dtype=frames.dtype, device=frames.device
            )
        if options.remove_dc_offset:
            frames -= frames.mean(dim=1, keepdim=True)
        energy = _log_energy(frames, options) if options.use_energy and options.raw_energy else None
        if options.preemphasis_coefficient:
            previous = torch.cat([frames[:, :1], frames[:, :-1]], dim=1)
            frames = frames - options.preemphasis_coefficient * previous
        frames = frames * self.window
        if options.use_energy and not options.raw_energy:
            energy = _log_energy(frames, options)
        spectrum = torch.fft.rfft(frames, n=options.fft_size)[:, :-1]  # (T, W) -> (T, fft/2): no Nyquist bin
        power = torch.view_as_real(spectrum).square().sum(dim=-1)
        if not options.use_power:
            power = power.sqrt()
        features = power @ self.mel  # (T, fft/2) -> (T, mel)
        if options.use_log_fbank:
            features = features.clamp_min(FLOAT32_EPSILON).log()
        if energy is None:
            return features
        column = energy.unsqueeze(1)
        return torch.cat([features, column] if options.htk_compat else [column, features], dim=1)


def num_frames(num_samples: int, options: FbankOptions) -> int:
    """Return how many frames a recording of `num_samples` gives (Kaldi's NumFrames)."""
    if options.snip_edges:
        if num_samples < options.window_samples:
            return 0
        return 1 + (num_samples - options.window_samples) // options.shift_samples
    return (num_samples + options.shift_samples // 2) // options.shift_samples


def mel_filters(options: FbankOptions) -> Tensor:
    """Return the triangles, float32, shape (fft_size / 2, num_mel_bins), linear on the mel scale.

    Kaldi evaluates the scale in float32, and so does torchaudio, in another order. The last bit matters where
    a bin lies at a triangle's foot: up to 3e-4 in a log energy. The order here is torchaudio's.
    """
    low, high = (1127.0 * math.log(1.0 + edge / 700.0) for edge in options.mel_edges)
    step = (high - low) / (options.num_mel_bins + 1)
    index = torch.arange(options.num_mel_bins, dtype=torch.float32)
    left, centre, right = (low + (index + side) * step for side in (0.0, 1.0, 2.0))
    frequency = options.sample_frequency / options.fft_size * torch.arange(options.fft_size // 2)
    mel = (1127.0 * (1.0 + frequency / 700.0).log()).unsqueeze(1)
    rising, falling = (mel - left) / (centre - left), (right - mel) / (right - centre)
    filters = torch.minimum(rising, falling).clamp_min(0)
    if options.htk_compat:
        filters[0] = 0
    return filters


def _window(options: FbankOptions) -> Tensor:
    size = options.window_samples
    angle = 2 * math.pi / (size - 1) * torch.arange(size, dtype=torch.float64)
    hanning = 0.5 - 0.5 * angle.cos()
    shapes = {
        "hanning": hanning,
        "povey": hanning.pow(0.85),  # like Hamming, but zero at the edges
        "hamming": 0.54 - 0.46 * angle.cos(),
        "sine": (0.5 * angle).sin(),
        "rectangular": torch.ones(size, dtype=torch.float64),
        "blackman": options.blackman_coeff
        - 0.5 * angle.cos()
        + (0.5 - options.blackman_coeff) * (2 * angle).cos(),
    }
    return shapes[options.window_type]


def _frames(samples: Tensor, options: FbankOptions) -> Tensor:
    """Cut (N,) into overlapping windows (T, W), a view where edges are snipped."""
    size, shift = options.window_samples, options.shift_samples
    total = num_frames(len(samples), options)
    if total == 0:
        return samples.new_zeros(0, size)
    if not options.snip_edges:
        start = shift // 2 - size // 2
        positions = torch.arange(start, start + (total - 1) * shift + size, device=samples.device)
        samples = samples[_reflect(positions, len(samples))]
    return samples.unfold(0, size, shift)[:total]


def _reflect(positions: Tensor, length: int) -> Tensor:
    """Mirror positions beyond the edges back inside, repeating the edge sample: -1 -> 0, N -> N - 1."""
    positions = positions.remainder(2 * length)
    return torch.minimum(positions, 2 * length - 1 - positions)


def _log_energy(frames: Tensor, options: FbankOptions) -> Tensor:
    energy = frames.square().sum(dim=1).clamp_min(FLOAT32_EPSILON).log()
    return energy.clamp_min(math.log(options.energy_floor)) if options.energy_floor > 0 else energy
