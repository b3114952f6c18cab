"""Additive noise at a stated SNR.

The SNR is 10 log10 of the speech's mean power over the noise's, of both without their means. The speech's is
taken over the whole utterance, the noise's over the samples where it is active, as in Kaldi's
wav-reverberate. A noise under the whole utterance has therefore the SNR that a plain measurement of both
signals shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wespk.augment.level import mean_power
from wespk.core.errors import WespkError

QUIETEST = 1e-12  # mean power (-120 dB): below the last of 20 bits there is nothing to amplify


@dataclass(frozen=True)
class Placed:
    """A noise (M,), the sample of the utterance where it begins, and its SNR in dB."""

    noise: np.ndarray
    snr_db: float
    start: int = 0


def add_noise(speech: np.ndarray, *placed: Placed) -> np.ndarray:
    """Return speech (N,) with the noises added, float32 (N,); it may exceed full scale (see `fit_peak`).

    A constant is not heard, and so is no power: the noise's mean is taken out, the speech's stays in the
    result but is left out of its power. A noise that goes beyond the end is cut there, and its power is that
    of the part that is left. Raises `WespkError` for a noise outside the utterance and where speech or noise
    is silent, which has no SNR.
    """
    power = mean_power(without_mean(speech))
    if power < QUIETEST:
        raise WespkError("silent: speech without power has no SNR")
    mixed = speech.astype(np.float64)
    for one in placed:
        if not 0 <= one.start < len(speech):
            raise WespkError(f"noise begins at sample {one.start} of {len(speech)}")
        part = without_mean(one.noise[: len(speech) - one.start])
        loudness = mean_power(part)
        if loudness < QUIETEST:
            raise WespkError("silent: noise without power has no SNR")
        gain = np.sqrt(power / loudness * 10 ** (-one.snr_db / 10))
        mixed[one.start : one.start + len(part)] += gain * part
    return mixed.astype(np.float32)


def babble(talkers: Sequence[np.ndarray]) -> np.ndarray:
    """Return the sum of voices (N,), each brought to the same mean power first so that none leads."""
    total = np.zeros(len(talkers[0]))
    for talker in talkers:
        voice = without_mean(talker)
        total += voice / np.sqrt(max(mean_power(voice), QUIETEST))
    return (total / len(talkers)).astype(np.float32)


def cycle(noise: np.ndarray, length: int, start: int = 0) -> np.ndarray:
    """Return `length` samples of a noise (M,) that is repeated for ever, beginning at sample `start`."""
    turned = np.roll(noise, -start)
    return np.resize(turned, length)


def without_mean(samples: np.ndarray) -> np.ndarray:
    """Return samples (N,) less their mean, in float64."""
    exact = samples.astype(np.float64)
    return exact - exact.mean()


def is_silent(noise: np.ndarray) -> bool:
    """True for a noise that has no power besides its mean, and so cannot be given an SNR."""
    return mean_power(without_mean(noise)) < QUIETEST
