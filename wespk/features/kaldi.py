"""Kaldi's features: log-Mel filterbank energies, MFCC, log power spectra. CPU, GPU, float32 or float64.

The steps follow feature-window.cc, feature-fbank.cc, feature-mfcc.cc and feature-spectrogram.cc: dither, DC
removal, raw log energy, pre-emphasis, window, power spectrum; then what each kind makes of it. Logarithms are
floored at the float32 epsilon.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wespk.features.front_end import FrontEnd, floored_log
from wespk.features.mel import kaldi_filters
from wespk.features.options import FbankOptions, KaldiOptions, MfccOptions, SpectrogramOptions


class KaldiFrontEnd(FrontEnd):
    """Windows and power spectra as Kaldi computes them; samples are expected on the int16 scale."""

    options: KaldiOptions

    def __init__(self, options: KaldiOptions, dtype: torch.dtype = torch.float32) -> None:
        super().__init__(options, _window(options).to(dtype))

    def spectrum(self, frames: Tensor, with_energy: bool) -> tuple[Tensor, Tensor | None]:
        """Return the power spectrum (T, fft_size / 2 + 1) of windows (T, W) and their log energy (T,)."""
        options = self.options
        if options.remove_dc_offset:
            frames -= frames.mean(dim=1, keepdim=True)
        energy = _log_energy(frames, options) if with_energy and options.raw_energy else None
        if options.preemphasis_coefficient:
            frames[:, 1:] -= frames[:, :-1] * options.preemphasis_coefficient
            frames[:, 0] *= 1 - options.preemphasis_coefficient
        frames *= self.window
        if with_energy and not options.raw_energy:
            energy = _log_energy(frames, options)
        parts = torch.view_as_real(torch.fft.rfft(frames, n=options.fft_size))
        return parts[..., 0].square().addcmul_(parts[..., 1], parts[..., 1]), energy


class Fbank(KaldiFrontEnd):
    """Kaldi's compute-fbank-feats."""

    Options = FbankOptions
    options: FbankOptions
    mel: Tensor

    def __init__(self, options: FbankOptions, dtype: torch.dtype = torch.float32) -> None:
        super().__init__(options, dtype)
        self.register_buffer("mel", _with_nyquist(kaldi_filters(options, dtype)), persistent=False)

    def features(self, frames: Tensor) -> Tensor:
        """Return log-Mel energies (T, num_mel_bins), with the log energy beside them if asked for."""
        options = self.options
        power, energy = self.spectrum(frames, options.use_energy)
        features = (power if options.use_power else power.sqrt_()) @ self.mel
        if options.use_log_fbank:
            features = floored_log(features)
        if energy is None:
            return features
        column = energy.unsqueeze(1)
        return torch.cat([features, column] if options.htk_compat else [column, features], dim=1)


class Mfcc(KaldiFrontEnd):
    """Kaldi's compute-mfcc-feats."""

    Options = MfccOptions
    options: MfccOptions
    mel: Tensor
    cosines: Tensor

    def __init__(self, options: MfccOptions, dtype: torch.dtype = torch.float32) -> None:
        super().__init__(options, dtype)
        self.register_buffer("mel", _with_nyquist(kaldi_filters(options, dtype)), persistent=False)
        self.register_buffer("cosines", _cosines(options).to(dtype), persistent=False)

    def features(self, frames: Tensor) -> Tensor:
        """Return cepstra (T, num_ceps); the log energy replaces C0 if asked for, htk-compat moves it last."""
        options = self.options
        power, energy = self.spectrum(frames, options.use_energy)
        cepstra = floored_log(power @ self.mel) @ self.cosines
        if energy is not None:
            cepstra[:, 0] = energy
        if not options.htk_compat:
            return cepstra
        first = cepstra[:, :1] if options.use_energy else cepstra[:, :1] * math.sqrt(2)  # HTK's C0
        return torch.cat([cepstra[:, 1:], first], dim=1)


class Spectrogram(KaldiFrontEnd):
    """Kaldi's compute-spectrogram-feats."""

    Options = SpectrogramOptions

    def features(self, frames: Tensor) -> Tensor:
        """Return the log power spectrum (T, fft_size / 2 + 1); the log energy stands at frequency 0."""
        power, energy = self.spectrum(frames, with_energy=True)
        features = floored_log(power)
        assert energy is not None
        features[:, 0] = energy
        return features


def _log_energy(frames: Tensor, options: KaldiOptions) -> Tensor:
    energy = floored_log(frames.square().sum(dim=1))
    return energy.clamp_min_(math.log(options.energy_floor)) if options.energy_floor > 0 else energy


def _window(options: KaldiOptions) -> Tensor:
    size = options.window_samples
    angle = 2 * math.pi / (size - 1) * torch.arange(size, dtype=torch.float64)
    hanning = 0.5 - 0.5 * angle.cos()
    coefficient = options.blackman_coeff
    shapes = {
        "hanning": hanning,
        "povey": hanning.pow(0.85),  # like Hamming, but zero at the edges
        "hamming": 0.54 - 0.46 * angle.cos(),
        "sine": (0.5 * angle).sin(),
        "rectangular": torch.ones(size, dtype=torch.float64),
        "blackman": coefficient - 0.5 * angle.cos() + (0.5 - coefficient) * (2 * angle).cos(),
    }
    return shapes[options.window_type]


def _with_nyquist(filters: Tensor) -> Tensor:
    """Add the row of the Nyquist bin, which Kaldi leaves out: zeros spare a copy of the spectrum."""
    return torch.cat([filters, filters.new_zeros(1, filters.shape[1])])


def _cosines(options: MfccOptions) -> Tensor:
    """Return the orthonormal DCT-II of Kaldi's ComputeDctMatrix with the lifter, (num_mel_bins, num_ceps)."""
    bins = options.num_mel_bins
    order = torch.arange(options.num_ceps, dtype=torch.float64)
    place = torch.arange(bins, dtype=torch.float64).unsqueeze(1) + 0.5
    cosines = math.sqrt(2 / bins) * torch.cos(math.pi / bins * place * order)
    cosines[:, 0] = math.sqrt(1 / bins)
    if options.cepstral_lifter:
        cosines *= 1 + 0.5 * options.cepstral_lifter * torch.sin(math.pi * order / options.cepstral_lifter)
    return cosines
