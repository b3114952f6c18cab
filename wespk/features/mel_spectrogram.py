"""The log-Mel spectrogram by torchaudio's definition: centred windows of n_fft samples, periodic Hann."""

from __future__ import annotations

import torch
from torch import Tensor

from wespk.features.front_end import FrontEnd
from wespk.features.mel import torchaudio_filters
from wespk.features.options import MelSpectrogramOptions


class MelSpectrogram(FrontEnd):
    """The logarithm of torchaudio.transforms.MelSpectrogram; samples are expected in [-1, 1]."""

    Options = MelSpectrogramOptions
    options: MelSpectrogramOptions
    mel: Tensor

    def __init__(self, options: MelSpectrogramOptions, dtype: torch.dtype = torch.float32) -> None:
        length = options.win_length or options.n_fft
        window = torch.hann_window(length, dtype=torch.float64)
        before = (options.n_fft - length) // 2
        window = torch.nn.functional.pad(window, (before, options.n_fft - length - before))
        super().__init__(options, window.to(dtype))
        self.register_buffer("mel", torchaudio_filters(options).to(dtype), persistent=False)

    def features(self, frames: Tensor) -> Tensor:
        """Return Mel energies (T, n_mels), in natural logarithms or dB unless `log` is "none"."""
        options = self.options
        frames *= self.window
        magnitude = torch.fft.rfft(frames).abs()
        features = magnitude.pow_(options.power) @ self.mel
        if options.log == "none":
            return features
        features = features.clamp_min_(options.log_floor)
        return features.log_() if options.log == "ln" else features.log10_().mul_(10)
