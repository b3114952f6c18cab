"""Mel filters: Kaldi's, with its float32 scale and its warping, and torchaudio's."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from wespk.core.errors import WespkError
from wespk.features.options import MelOptions, MelSpectrogramOptions


def kaldi_filters(options: MelOptions, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return Kaldi's triangles (MelBanks in mel-computations.cc), shape (fft_size / 2, num_mel_bins).

    They are linear on the mel scale and have no bin at the Nyquist frequency. Kaldi evaluates the scale with
    logf also in a double-precision build, and all else in its BaseFloat: `dtype` here. The order of the
    operations is Kaldi's, since the last bit matters where a bin lies at a triangle's foot (3e-4 in a log
    energy).
    """
    real: type[np.floating[Any]] = np.float64 if dtype == torch.float64 else np.float32
    low, high = (_kaldi_mel(np.array([edge], real)) for edge in options.mel_edges)
    step = (high - low) / (options.num_mel_bins + 1)
    edges = low + np.arange(options.num_mel_bins + 2).astype(real) * step
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    if options.vtln_warp != 1.0:
        left, centre, right = (_warped(edge, options, real) for edge in (left, centre, right))
    width = real(options.sample_frequency) / real(options.fft_size)
    mel = _kaldi_mel(width * np.arange(options.fft_size // 2).astype(real))[:, None]
    rising, falling = (mel - left) / (centre - left), (right - mel) / (right - centre)
    inside = (mel > left) & (mel < right)
    empty = np.flatnonzero(~inside.any(axis=0))
    if len(empty):
        raise WespkError(
            f"num-mel-bins {options.num_mel_bins} is too large: filter {empty[0]} holds no frequency of a "
            f"transform of {options.fft_size} samples; take fewer, or a longer frame"
        )
    return torch.from_numpy(np.where(inside, np.where(mel <= centre, rising, falling), real(0)))


def _kaldi_mel(frequency: np.ndarray) -> np.ndarray:
    """Return 1127 ln(1 + f/700) as Kaldi does: the argument in BaseFloat, logf and the product in float32."""
    argument = (frequency.dtype.type(1) + frequency / frequency.dtype.type(700)).astype(np.float32)
    logarithm = np.log(argument.astype(np.float64)).astype(np.float32)  # as exact as glibc's logf
    return (np.float32(1127) * logarithm).astype(frequency.dtype)


def _warped(mel: np.ndarray, options: MelOptions, real: type[np.floating[Any]]) -> np.ndarray:
    """Warp mel values by the piecewise linear function of Kaldi's MelBanks::VtlnWarpFreq."""
    frequency = 700.0 * (np.exp(mel / real(1127)) - 1)
    (low, high), (vtln_low, vtln_high), warp = options.mel_edges, options.vtln_edges, options.vtln_warp
    bend_low, bend_high = vtln_low * max(1.0, warp), vtln_high * min(1.0, warp)
    knots = [low, bend_low, bend_high, high]
    warped = np.interp(frequency, knots, [low, bend_low / warp, bend_high / warp, high])
    outside = (frequency < low) | (frequency > high)
    return _kaldi_mel(np.where(outside, frequency, warped).astype(real))


def torchaudio_filters(options: MelSpectrogramOptions) -> Tensor:
    """Return the triangles of torchaudio's melscale_fbanks, float64, shape (n_fft / 2 + 1, n_mels).

    They are linear in frequency. "htk" is 2595 log10(1 + f/700); "slaney" is linear below 1 kHz and
    logarithmic above (Auditory Toolbox, 1998); the norm "slaney" gives each filter the area 1.
    """
    to_mel, to_frequency = _SCALES[options.mel_scale]
    low, high = (float(to_mel(np.float64(edge))) for edge in options.mel_edges)
    edges = to_frequency(np.linspace(low, high, options.n_mels + 2))
    frequency = np.linspace(0, options.sample_frequency // 2, options.n_fft // 2 + 1)[:, None]
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    filters = np.minimum((frequency - left) / (centre - left), (right - frequency) / (right - centre))
    filters = np.maximum(filters, 0.0)
    if options.norm == "slaney":
        filters = filters * 2 / (right - left)
    return torch.from_numpy(filters)


def _slaney_mel(frequency: np.ndarray) -> np.ndarray:
    above = 15 + np.log(np.maximum(frequency, 1000.0) / 1000.0) * 27 / np.log(6.4)
    return np.where(frequency < 1000.0, frequency * 3 / 200, above)


def _slaney_frequency(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000.0 * np.exp(np.log(6.4) / 27 * (mel - 15)))


_SCALES = {
    "htk": (lambda f: 2595 * np.log10(1 + f / 700), lambda m: 700 * (10 ** (m / 2595) - 1)),
    "slaney": (_slaney_mel, _slaney_frequency),
}
