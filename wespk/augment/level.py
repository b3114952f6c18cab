"""Levels of waveforms: gain, clipping, and the one rule for sounds that grow beyond full scale."""

from __future__ import annotations

import numpy as np

HIGHEST = 32767 / 32768  # the largest 16-bit sample; the smallest is -1.0


def change_volume(samples: np.ndarray, decibels: float) -> np.ndarray:
    """Return samples (N,) amplified by `decibels`. The result may exceed full scale (see `fit_peak`)."""
    return (samples * np.float32(10 ** (decibels / 20))).astype(np.float32)


def clip_share(samples: np.ndarray, share: float) -> np.ndarray:
    """Return samples (N,) cut off at the level that `share` (0 to 1) of them reach or exceed.

    At least ``round(share * N)`` samples then lie at plus or minus that level. The level itself is kept, as
    in a recording that was clipped and turned down afterwards.
    """
    count = round(share * len(samples))
    if count == 0:
        return samples.astype(np.float32)
    magnitude = np.abs(samples)
    limit = np.partition(magnitude, len(samples) - count)[len(samples) - count]
    return np.clip(samples, -limit, limit).astype(np.float32)


def fit_peak(samples: np.ndarray) -> tuple[np.ndarray, float]:
    """Return samples (N,) that fit into 16 bits, and the factor (at most 1) that they were scaled by.

    Samples within [-1, 32767/32768] are returned as they are, with factor 1: nothing is normalised. Others
    are scaled as a whole, speech and noise alike, so that an SNR stays what it is.
    """
    if len(samples) == 0:
        return samples, 1.0
    over = max(float(samples.max()) / HIGHEST, -float(samples.min()))
    if over <= 1.0:
        return samples, 1.0
    scaled = (samples / over).astype(np.float32)
    return np.clip(scaled, -1.0, HIGHEST), 1.0 / over  # rounding can leave the peak one step beyond


def mean_power(samples: np.ndarray) -> float:
    """Return the mean square of samples (N,), summed in float64."""
    if len(samples) == 0:
        return 0.0
    exact = samples.astype(np.float64)
    return float(exact @ exact) / len(exact)
