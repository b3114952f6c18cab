"""Speed (resampling: duration and pitch change) and tempo (overlap-add: duration alone changes).

Three-class speed perturbation (Ko et al., Interspeech 2015; for speaker recognition Yamamoto et al.,
Interspeech 2019) makes a new speaker of each speaker and factor: a voice at another pitch is another voice.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from wespk.augment.resampling import of_length, resample
from wespk.core.errors import WespkError

SLOWEST, FASTEST = 0.5, 2.0
FRAME_S = 0.032  # more than two periods of a low voice
SEARCH_S = 0.008  # either way; together more than one period of a 65 Hz voice
BLOCK = 4096  # frames that are added up at once: memory stays small for an hour of speech


def change_speed(samples: np.ndarray, factor: float) -> np.ndarray:
    """Return samples (N,) played `factor` times as fast: float32 (round(N / factor),).

    Band-limited: what would lie beyond the Nyquist frequency after speeding up is removed, not folded back.
    Raises `WespkError` for a factor outside 0.5 to 2.
    """
    check_factor(factor)
    return resample(samples, factor, 1.0)


def change_tempo(samples: np.ndarray, factor: float, sample_rate: int) -> np.ndarray:
    """Return samples (N,) spoken `factor` times as fast at the same pitch: float32 (round(N / factor),).

    WSOLA (Verhelst and Roelands, ICASSP 1993): frames that overlap by half are taken `factor` hops apart and
    written one hop apart, each moved by up to 8 ms to where it best continues the one before. A factor of 1
    returns the samples. Raises `WespkError` for a factor outside 0.5 to 2.
    """
    check_factor(factor)
    hop = max(1, round(FRAME_S * sample_rate / 2))
    search = round(SEARCH_S * sample_rate)
    length = max(1, round(len(samples) / factor))
    written = -(-length // hop) + 1  # frames; the first is centred on sample 0, before and after
    nominal = np.round(np.arange(written) * (hop * factor)).astype(int) + search
    after = max(0, int(nominal[-1]) + 3 * hop + 2 * search - len(samples))
    padded = np.pad(np.asarray(samples, np.float32), (search + hop, after))
    places = _continuous_places(padded, nominal, hop, search)
    frames = sliding_window_view(padded, 2 * hop)
    # A periodic Hann window and its copy half a frame later add up to 1.
    window = (0.5 - 0.5 * np.cos(np.pi * np.arange(2 * hop) / hop)).astype(np.float32)
    result = np.zeros((written + 1) * hop, np.float32)
    for first in range(0, written, BLOCK):
        made = frames[places[first : first + BLOCK]] * window
        middle, end = (first + 1) * hop, (first + len(made)) * hop
        result[middle - hop : end] += made[:, :hop].ravel()
        result[middle : end + hop] += made[:, hop:].ravel()
    return of_length(result[hop:], length)


def sped_id(name: str, factor: str) -> str:
    """Return the id of a sped-up utterance or speaker, as Kaldi's recipes write it: ``sp0.9-NAME``."""
    return f"sp{factor}-{name}"


def check_factor(factor: float) -> None:
    """Raise `WespkError` for a factor that makes no speech."""
    if not SLOWEST <= factor <= FASTEST:
        raise WespkError(f"factor {factor:g}: speed and tempo change by {SLOWEST} to {FASTEST:.0f}")


def _continuous_places(samples: np.ndarray, nominal: np.ndarray, hop: int, search: int) -> np.ndarray:
    """Return where frames (2 * hop samples) are taken: near `nominal` (T,), each continuing the one before.

    Each choice depends on the one before, so this is a loop over frames; it costs a correlation each.
    """
    exact = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    energy = np.sqrt(np.maximum(exact[2 * hop :] - exact[: -2 * hop], 1e-10))  # of the frame at each sample
    places = nominal.copy()
    for index in range(1, len(nominal)):
        wanted = places[index - 1] + hop  # the frame that would follow without a change of tempo
        first, last = nominal[index] - search, nominal[index] + search
        if first <= wanted <= last:
            places[index] = wanted
            continue
        near = samples[first : last + 2 * hop]
        match = np.correlate(near, samples[wanted : wanted + 2 * hop]) / energy[first : last + 1]
        best = int(match.argmax())
        places[index] = first + best if match[best] > 0 else nominal[index]
    return places
