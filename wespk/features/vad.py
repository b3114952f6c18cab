"""Energy-based voice activity detection as Kaldi's compute-vad does it."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from wespk.core.config import StrictModel


class EnergyVadOptions(StrictModel):
    """Options of Kaldi's compute-vad, with its names and defaults.

    A frame's log energy counts as high when it exceeds ``vad_energy_threshold + vad_energy_mean_scale *
    mean``, the mean over the utterance. A frame is speech when at least `vad_proportion_threshold` of the
    frames within `vad_frames_context` frames of it, itself included, are high.
    """

    vad_energy_threshold: float = 5.0
    vad_energy_mean_scale: float = Field(0.5, ge=0)
    vad_frames_context: int = Field(0, ge=0)
    vad_proportion_threshold: float = Field(0.6, gt=0, lt=1)


def energy_vad(log_energy: np.ndarray, options: EnergyVadOptions) -> np.ndarray:
    """Return which frames hold speech, bool (T,), of their natural-log energies (T,).

    The energies are those of samples on the int16 scale: the threshold is absolute. The window of frames is
    cut at the edges of the utterance. Comparisons are made in float32, the type of Kaldi's tables, so that a
    share exactly at the threshold is judged alike. Raises ValueError for anything but one dimension.
    """
    if log_energy.ndim != 1:
        raise ValueError(f"log energies have one dimension, not shape {log_energy.shape}")
    frames = len(log_energy)
    if frames == 0:
        return np.zeros(0, dtype=bool)
    mean = log_energy.mean(dtype=np.float64)
    threshold = np.float32(options.vad_energy_threshold + options.vad_energy_mean_scale * mean)
    high = log_energy.astype(np.float32) > threshold
    if options.vad_frames_context == 0:
        return high  # a share of 0 or 1, and the proportion lies between
    high_before = np.concatenate([[0], np.cumsum(high)])  # (T + 1,): high frames before each position
    position = np.arange(frames)
    context = min(options.vad_frames_context, frames)
    first = np.maximum(position - context, 0)
    last = np.minimum(position + context + 1, frames)  # one past the window
    high_in_window = high_before[last] - high_before[first]
    needed = (last - first).astype(np.float32) * np.float32(options.vad_proportion_threshold)
    return high_in_window.astype(np.float32) >= needed
