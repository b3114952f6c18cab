"""Band-limited change of the sampling rate by soxr, of a whole recording or of a part of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import soxr

QUALITY = "VHQ"  # 28 bits; measured to cost no more than HQ at the rates of speech
CONTEXT_S = 0.25  # of the source on either side of a part: many times the filter's length
LOWEST_RATE, HIGHEST_RATE = 2000, 768000  # Hz; outside it is a damaged header


@dataclass(frozen=True)
class Part:
    """The samples `first:last` of the source to read, and those `begin:end` of their resampling to keep.

    `exact_first:exact_last` are the source's samples without the context around them.
    """

    first: int
    last: int
    begin: int
    end: int | None
    exact_first: int
    exact_last: int


def resample(samples: np.ndarray, source_rate: int, rate: int) -> np.ndarray:
    """Return samples (N,) of `source_rate` Hz as float32 of `rate` Hz: N * rate / source_rate, rounded.

    What lies above the lower of the two Nyquist frequencies is removed. An extreme value of the result can
    lie a little outside those of the input: so runs the band-limited wave between the samples.
    """
    if source_rate == rate:
        return samples
    return soxr.resample(samples, source_rate, rate, quality=QUALITY)


def plan_part(start: float, end: float | None, num_samples: int, source_rate: int, rate: int) -> Part:
    """Say which samples to read so that a part equals the same part of the whole recording resampled.

    `start` and `end` are seconds, `num_samples` the recording's length at `source_rate`. The samples read
    begin where both rates' grids meet, with context before and behind; the result differs from the whole's
    by less than 1e-5 of full scale.
    """
    first, last = round(start * source_rate), num_samples
    if end is not None:
        last = min(round(end * source_rate), num_samples)
    if source_rate == rate:
        return Part(first, last, 0, None, first, last)
    begin = round(start * rate)
    stop = None if end is None else round(end * rate)
    step = source_rate // math.gcd(source_rate, rate)
    context = math.ceil(CONTEXT_S * source_rate)
    read_first = max(0, first - context) // step * step
    read_last = num_samples if end is None else min(num_samples, last + context)
    shift = read_first * rate // source_rate  # whole, because read_first is a multiple of step
    return Part(read_first, read_last, begin - shift, None if stop is None else stop - shift, first, last)
