"""Cepstral mean and variance normalisation, over the utterance or a sliding window, as Kaldi does it."""

from __future__ import annotations

import numpy as np
from pydantic import Field, model_validator

from wespk.core.config import StrictModel

SLIDING_VARIANCE_FLOOR = 1e-10  # Kaldi's apply-cmvn-sliding
UTTERANCE_VARIANCE_FLOOR = 1e-20  # Kaldi's apply-cmvn
BLOCK_FRAMES = 4096  # output frames in flight: bounds the float64 copies, and the rounding of their sums


class SlidingCmnOptions(StrictModel):
    """Options of Kaldi's apply-cmvn-sliding, with its names and defaults. Sizes are in frames.

    A causal window (`center` false) holds the frame and the `cmn_window` frames before it; the first frames
    look ahead, to the first `min_cmn_window` of the utterance. A centred window holds `cmn_window` frames and
    moves inwards at the edges instead of shrinking; `min_cmn_window` plays no part in it. A window never has
    more frames than the utterance.
    """

    cmn_window: int = Field(600, gt=0)
    min_cmn_window: int = Field(100, ge=0)
    center: bool = False
    norm_vars: bool = False

    @model_validator(mode="after")
    def _possible(self) -> SlidingCmnOptions:
        if self.center and not 0 < self.min_cmn_window <= self.cmn_window:
            raise ValueError(
                f"with center, min_cmn_window must lie from 1 to cmn_window ({self.cmn_window}), "
                f"not at {self.min_cmn_window}"
            )
        return self


def sliding_cmn(features: np.ndarray, options: SlidingCmnOptions) -> np.ndarray:
    """Return features (T, F), float32, less the mean of the window around each frame.

    With `norm_vars` they are also divided by the window's standard deviation (its square floored at 1e-10),
    and a window of one frame gives 0. Computed in float64.
    """
    frames = len(features)
    normalised = np.empty(features.shape, dtype=np.float32)
    first, last = _windows(frames, options)
    # A block reads its own frames and a window's more: at least as many frames as the window has are done at
    # a time, so that each frame is read twice or so whatever the window.
    step = max(BLOCK_FRAMES, options.cmn_window)
    for start in range(0, frames, step):
        block = slice(start, min(start + step, frames))
        normalised[block] = _normalise_block(features, block, first[block], last[block], options.norm_vars)
    return normalised


def utterance_cmvn(features: np.ndarray, norm_vars: bool = False) -> np.ndarray:
    """Return features (T, F), float32, less their mean over T.

    With `norm_vars` they are also divided by their standard deviation over T (its square floored at 1e-20); a
    column that does not vary gives 0. Computed in float64.
    """
    if not len(features):
        return features.astype(np.float32)
    centred = features.astype(np.float64)
    centred -= centred[0].copy()  # a column that does not vary is exactly 0 from here on
    centred -= centred.mean(axis=0)
    if norm_vars:
        variance = np.einsum("tf,tf->f", centred, centred) / len(centred)
        centred /= np.sqrt(np.maximum(variance, UTTERANCE_VARIANCE_FLOOR))
    return centred.astype(np.float32)


def _windows(frames: int, options: SlidingCmnOptions) -> tuple[np.ndarray, np.ndarray]:
    """Return each frame's window as its first frame and one past its last, two integer arrays (T,)."""
    position = np.arange(frames)
    if options.center:
        first = np.maximum(position - options.cmn_window // 2, 0)
        last = first + options.cmn_window
    else:
        first = np.maximum(position - options.cmn_window, 0)
        last = np.maximum(position + 1, options.min_cmn_window)
    beyond = np.maximum(last - frames, 0)
    return np.maximum(first - beyond, 0), last - beyond


def _normalise_block(
    features: np.ndarray, block: slice, first: np.ndarray, last: np.ndarray, norm_vars: bool
) -> np.ndarray:
    """Return the normalised frames of `block`, float64; `first` and `last` bound each one's window."""
    origin = first[0]
    part = features[origin : last[-1]].astype(np.float64)
    # Sums of values around 0 lose no digits: neither mean nor variance is the difference of large numbers.
    part -= part.mean(axis=0)
    begin, end = first - origin, last - origin
    size = (last - first)[:, None]
    mean = _window_sums(part, begin, end) / size
    normalised = part[block.start - origin : block.stop - origin] - mean
    if norm_vars:
        variance = _window_sums(np.square(part), begin, end) / size - np.square(mean)
        normalised /= np.sqrt(np.maximum(variance, SLIDING_VARIANCE_FLOOR))
        normalised[size[:, 0] == 1] = 0
    return normalised


def _window_sums(values: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the sums of rows `begin` to `end` (one past the last) of values (N, F): shape (T, F)."""
    running = np.zeros((len(values) + 1, values.shape[1]))
    np.cumsum(values, axis=0, out=running[1:])
    return running[end] - running[begin]
