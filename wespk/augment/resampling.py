"""Band-limited resampling of whole utterances to an exact number of samples."""

from __future__ import annotations

import numpy as np
import soxr


def resample(samples: np.ndarray, rate: float, wanted: float) -> np.ndarray:
    """Return samples (N,) of `rate` at the `wanted` rate: float32 (max(1, round(N * wanted / rate)),).

    soxr's "very high quality": nothing above the lower of the two Nyquist frequencies is folded back, and
    nothing is delayed.
    """
    length = max(1, round(len(samples) * wanted / rate))
    return of_length(soxr.resample(np.asarray(samples, np.float32), rate, wanted, quality="VHQ"), length)


def of_length(samples: np.ndarray, length: int) -> np.ndarray:
    """Return samples (N,) cut, or padded with zeros, to `length`."""
    return np.pad(samples[:length], (0, max(0, length - len(samples))))
