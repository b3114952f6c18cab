"""How fast each kind of augmentation is, in times real time on one thread.

    OMP_NUM_THREADS=1 python bench/augment.py

On utterances of 6 s at 16 kHz, with noise files of 30 s read from disk (in the page cache); the median of
several runs. What `wespk augment-data` adds to this is the reading and writing of the utterance.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from wespk.augment import Augmenter, AugmentOptions
from wespk.augment.options import KINDS, Kind

RATE, SECONDS, RUNS = 16000, 6, 15


def main() -> None:
    random = np.random.default_rng(0)
    time_axis = np.arange(RATE * SECONDS) / RATE
    tones = sum(np.sin(2 * np.pi * 130 * k * time_axis) / k for k in range(1, 20))
    speech = (0.05 * (tones + random.normal(0, 0.2, len(time_axis)))).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        _write_noises(Path(folder), random)
        for name, kind, more in _cases(folder):
            augmenter = Augmenter(AugmentOptions(kinds={kind: 1.0}, **more))
            print(f"{name:28} {_rate(augmenter, speech):8.0f} x real time")


def _cases(folder: str) -> list[tuple[str, Kind, dict[str, Any]]]:
    cases: list[tuple[str, Kind, dict[str, Any]]] = []
    for kind in KINDS:
        if kind == "reverb":
            cases.append(("reverb, response read", kind, {"rirs": f"{folder}/rirs"}))
            cases += [
                (f"reverb, {size} room simulated", kind, {"rooms": (size,)}) for size in ("small", "large")
            ]
        elif kind == "codec":
            cases += [(f"codec, {codec}", kind, {"codecs": (codec,)}) for codec in ("vorbis", "mp3", "opus")]
        elif kind == "telephone":
            cases += [
                (f"telephone, {law}", kind, {"telephones": (law,)}) for law in ("mu-law", "gsm", "adpcm")
            ]
        else:
            cases.append((kind, kind, {"musan": folder}))
    return cases


def _rate(augmenter: Augmenter, speech: np.ndarray) -> float:
    augmenter(speech, RATE, np.random.default_rng(0))  # imports, caches
    took = []
    for run in range(RUNS):
        start = time.perf_counter()
        augmenter(speech, RATE, np.random.default_rng(run))
        took.append(time.perf_counter() - start)
    return SECONDS / statistics.median(took)


def _write_noises(folder: Path, random: np.random.Generator) -> None:
    for kind in ("noise", "music", "speech"):
        (folder / kind).mkdir()
        for number in range(20):
            seconds = 3 if kind == "noise" else 30
            sound = random.normal(0, 0.05, RATE * seconds)
            soundfile.write(folder / kind / f"{number}.wav", sound, RATE, subtype="PCM_16")
    (folder / "rirs").mkdir()
    response = random.normal(0, 0.1, RATE) * np.exp(-np.arange(RATE) / 2000)
    soundfile.write(folder / "rirs/one.wav", response, RATE, subtype="PCM_16")


if __name__ == "__main__":
    main()
