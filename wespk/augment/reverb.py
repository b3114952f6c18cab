"""Reverberation: convolution with a room impulse response, in step with the input and at its power."""

from __future__ import annotations

import numpy as np

from wespk.augment.level import mean_power
from wespk.core.errors import WespkError


def reverberate(samples: np.ndarray, response: np.ndarray, direct: int | None = None) -> np.ndarray:
    """Return samples (N,) as heard in the room of `response` (M,): float32 (N,), of the same mean power.

    The direct path, sample `direct` of the response (its largest magnitude unless given), is put at time 0,
    so that words stay where they were; the tail beyond the end is cut (both as Kaldi's wav-reverberate with
    --shift-output). It may exceed full scale (see `fit_peak`). Raises `WespkError` for a silent response.
    """
    from scipy import signal  # takes a second to import: only where it is used

    if not response.any():
        raise WespkError("silent: the room impulse response is all zeros")
    if direct is None:
        direct = int(np.argmax(np.abs(response)))
    heard = signal.oaconvolve(samples.astype(np.float64), response.astype(np.float64))
    heard = heard[direct : direct + len(samples)]
    power = mean_power(heard)
    gain = np.sqrt(mean_power(samples) / power) if power > 0 else 1.0
    return (heard * gain).astype(np.float32)
