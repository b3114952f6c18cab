"""Voice activity detection by a small recurrent network: Silero VAD, the optional extra ``wespk[vad]``.

https://github.com/snakers4/silero-vad (MIT licence). The network comes with the package silero-vad as an ONNX
file; onnxruntime runs it, and no code of the package itself is imported.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from wespk.core.config import StrictModel
from wespk.core.errors import WespkError

WINDOW = {
    8000: (256, 32),
    16000: (512, 64),
}  # Hz: samples of a window, samples before it that the network sees
STATE = (2, 1, 128)  # of the recurrent layer
HYSTERESIS = 0.15  # speech ends where the probability falls this far below the threshold


class NeuralVadOptions(StrictModel):
    """How the network's probabilities become stretches of speech; defaults as in Silero's own code."""

    threshold: float = Field(0.5, ge=0.01, lt=1)
    min_speech_ms: int = Field(250, ge=0)  # a stretch must be longer than this
    min_silence_ms: int = Field(100, ge=0)  # a pause that is shorter does not end a stretch
    speech_pad_ms: int = Field(30, ge=0)  # added on both sides of a stretch


def neural_vad(
    samples: np.ndarray,
    sample_rate: int,
    options: NeuralVadOptions,
    num_frames: int,
    window_samples: int,
    shift_samples: int,
    *,
    first_sample: int = 0,
) -> np.ndarray:
    """Return which of `num_frames` feature frames hold speech, bool (T,): those with their centre in speech.

    `samples` (N,) are float32 in [-1, 1]. Frame 0 begins at `first_sample`: below 0 where edges are mirrored.
    Raises `WespkError` when the extra is not installed, or the rate is neither 8000 nor 16000 Hz.
    """
    stretches = speech_stretches(
        speech_probabilities(samples, sample_rate), len(samples), sample_rate, options
    )
    centres = first_sample + window_samples / 2 + shift_samples * np.arange(num_frames)
    # Stretches are in order and apart: a centre lies in one when it has passed one more start than ends.
    return np.searchsorted(stretches[:, 0], centres, "right") > np.searchsorted(
        stretches[:, 1], centres, "right"
    )


def speech_probabilities(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return the network's probability of speech in each window of 32 ms, float32 (ceil(N / window),).

    The last window is filled up with zeros. The network is recurrent, so that windows follow one another.
    """
    if sample_rate not in WINDOW:
        raise WespkError(
            f"the neural VAD works at 8000 and 16000 Hz, not at {sample_rate} Hz; use the energy VAD there"
        )
    size, context = WINDOW[sample_rate]
    session = _session()
    count = -(-len(samples) // size)
    padded = np.zeros(context + count * size, dtype=np.float32)
    padded[context : context + len(samples)] = samples
    state = np.zeros(STATE, dtype=np.float32)
    rate = np.array(sample_rate, dtype=np.int64)
    probabilities = np.empty(count, dtype=np.float32)
    for index in range(count):
        window = padded[None, index * size : (index + 1) * size + context]
        output, state = session.run(None, {"input": window, "state": state, "sr": rate})
        probabilities[index] = output[0, 0]
    return probabilities


def speech_stretches(
    probabilities: np.ndarray, num_samples: int, sample_rate: int, options: NeuralVadOptions
) -> np.ndarray:
    """Turn the windows' probabilities (W,) into stretches of speech (S, 2): first sample, one past the last.

    Silero's rule. A stretch begins with a window at or above the threshold. Of the windows below the
    threshold less 0.15 that follow before speech goes on, the first ends it, if the last comes
    `min_silence_ms` later or more. A stretch of no more than `min_speech_ms` is dropped. The others grow by
    `speech_pad_ms` on both sides; two that would meet share the pause between them.
    """
    size, _ = WINDOW[sample_rate]
    speech = np.flatnonzero(probabilities >= options.threshold)
    if not len(speech):
        return np.zeros((0, 2), dtype=np.int64)
    low = np.flatnonzero(probabilities < max(options.threshold - HYSTERESIS, 0.01))
    # Between each window of speech and the next one (or the end) lie the low windows low[first:past].
    first = np.searchsorted(low, speech)
    past = np.append(first[1:], len(low))
    low_or_none = np.append(low, 0)
    lasted = (low_or_none[past - 1] - low_or_none[first]) * size
    closing = np.flatnonzero((past > first) & (lasted >= options.min_silence_ms * sample_rate // 1000))
    opening = np.append(0, closing + 1)
    begin = speech[opening[opening < len(speech)]] * size
    end = np.append(low_or_none[first[closing]] * size, num_samples)[: len(begin)]
    long_enough = end - begin > options.min_speech_ms * sample_rate // 1000
    return _pad(
        begin[long_enough], end[long_enough], num_samples, options.speech_pad_ms * sample_rate // 1000
    )


def _pad(begin: np.ndarray, end: np.ndarray, num_samples: int, pad: int) -> np.ndarray:
    pause = begin[1:] - end[:-1]
    grow = np.where(pause < 2 * pad, pause // 2, pad)
    begin[1:] -= grow
    end[:-1] += grow
    begin[:1] = np.maximum(begin[:1] - pad, 0)
    end[-1:] = np.minimum(end[-1:] + pad, num_samples)
    return np.stack([begin, end], axis=1)


@lru_cache(maxsize=1)
def _session() -> Any:
    """Open the network, once a process; on one thread, for jobs run side by side."""
    package = util.find_spec("silero_vad")  # finds the folder; its code is not run
    if package is None or not package.submodule_search_locations or util.find_spec("onnxruntime") is None:
        raise WespkError("the neural VAD needs an extra of wespk: pip install 'wespk[vad]'")
    import onnxruntime

    path = Path(package.submodule_search_locations[0]) / "data" / "silero_vad.onnx"
    if not path.exists():
        raise WespkError(f"{path}: not in this version of silero-vad: pip install -U 'wespk[vad]'")
    settings = onnxruntime.SessionOptions()
    settings.inter_op_num_threads = settings.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
