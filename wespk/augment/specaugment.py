"""SpecAugment: masking of time and frequency stripes (Park et al., Interspeech 2019, without warping)."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from wespk.core.config import StrictModel


class SpecAugmentOptions(StrictModel):
    """How many stripes are masked and how wide at most, in frames and in feature columns."""

    time_masks: int = Field(1, ge=0)
    max_frames: int = Field(10, ge=0)
    frequency_masks: int = Field(1, ge=0)
    max_bins: int = Field(8, ge=0)
    probability: float = Field(0.6, ge=0, le=1)


def spec_augment(
    features: np.ndarray, options: SpecAugmentOptions, random: np.random.Generator
) -> np.ndarray:
    """Return (T, F) features with stripes set to 0, the mean after mean subtraction. The input is kept."""
    if random.random() >= options.probability:
        return features
    masked = features.copy()
    for count, widest, view in (
        (options.time_masks, options.max_frames, masked),
        (options.frequency_masks, options.max_bins, masked.T),
    ):
        for _ in range(count):
            width = int(random.integers(0, min(widest, len(view)) + 1))
            start = int(random.integers(0, len(view) - width + 1))
            view[start : start + width] = 0.0
    return masked
