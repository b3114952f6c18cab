"""How fast embeddings are extracted: batches of like lengths against one utterance at a time.

    python bench/extraction.py                                    # ECAPA-TDNN, all cores
    python bench/extraction.py --model resnet34 --utterances 40   # another network, a shorter look

The lengths are drawn to be like those of AN4 (0.8 to 6.3 s, 2.6 s on average), the features are noise. In the
first row `SpeakerModel.embed` is called in a loop: a batch is one utterance, and all threads share it. The
others are what `wespk extract` does. The settings take turns. A ratio is the median over the rounds: of wall
seconds, and beside it of processor seconds, which other work on the machine disturbs less. The last column is
the largest cosine distance from the embeddings of the first row. Wanted in fp32: 1.4x on two CPU cores, 10x
on a GPU; docs/extraction.md has what was found.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from measuring import restart_with

from wespk.core.config import Component
from wespk.core.process import MALLOC, OPENMP
from wespk.features import FbankOptions, FeatureSpec
from wespk.inference import SpeakerModel
from wespk.inference.extraction import Extraction
from wespk.inference.loading import Preparation
from wespk.models import build_model

BINS = 80
LINE = "{:24} {:>8} {:>11} {:>13} {:>10}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="ecapa_tdnn", help="the network (ecapa_tdnn: 512 channels)")
    parser.add_argument("--utterances", type=int, help="of each run (100; 4000 on a GPU)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each setting (5)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of a CPU (all)")
    arguments = parser.parse_args()
    restart_with({**MALLOC, **OPENMP, "OMP_NUM_THREADS": str(arguments.threads)})

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = untrained(arguments.model, device)
    features = utterances(arguments.utterances or (100 if device.type == "cpu" else 4000))
    settings: dict[str, Callable[[], np.ndarray]] = {
        "one by one": lambda: np.stack([model.embed(each) for each in features.values()]),
        "batches": lambda: extracted(model, features, bf16=False),
        "batches, bf16": lambda: extracted(model, features, bf16=True),
    }
    for run in settings.values():
        run()  # the first call of each shape is slower
    times = np.zeros((arguments.rounds, len(settings), 2))
    results = {}
    for at_round in times:
        for place, (name, run) in zip(at_round, settings.items(), strict=True):
            results[name], place[:] = timed(run)

    where = (
        torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    )
    print(f"{arguments.model}, {len(features)} utterances, {where}")
    print(LINE.format("", "utt/s", "wall ratio", "CPU s ratio", "distance"))
    ratios = np.median(times[:, :1] / times, axis=0)
    speeds = len(features) / np.median(times[..., 0], axis=0)
    for name, speed, (wall, cpu) in zip(settings, speeds, ratios, strict=True):
        distance = worst_distance(results[name], results["one by one"])
        print(LINE.format(name, f"{speed:.1f}", f"{wall:.2f}x", f"{cpu:.2f}x", f"{distance:.0e}"))


def untrained(name: str, device: torch.device) -> SpeakerModel:
    torch.manual_seed(0)
    network = build_model(Component(name=name), BINS).to(device).eval()
    if device.type == "cpu":  # as `load_model` does
        network.to(memory_format=torch.channels_last)
    spec = FeatureSpec(options=FbankOptions(num_mel_bins=BINS, dither=0), cmn="utterance")
    return SpeakerModel(Path(name), network, spec, [], "")


def utterances(count: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    lengths = random.lognormal(np.log(238), 0.42, count).clip(78, 628).astype(int)
    return {
        f"{number:05d}": random.normal(size=(length, BINS)).astype(np.float32)
        for number, length in enumerate(lengths)
    }


def extracted(model: SpeakerModel, features: dict[str, np.ndarray], bf16: bool) -> np.ndarray:
    prepare = Preparation(model.spec, raw=False, min_frames=model.min_frames)
    extraction = Extraction(model, prepare, bf16=bf16)
    return np.stack([np.asarray(row) for _, row in extraction(features.__getitem__, list(features))])


def timed(run: Callable[[], np.ndarray]) -> tuple[np.ndarray, tuple[float, float]]:
    """Return what `run` gives, and its wall and processor seconds."""
    start, cpu_start = time.perf_counter(), time.process_time()
    result = run()
    return result, (time.perf_counter() - start, time.process_time() - cpu_start)


def worst_distance(one: np.ndarray, other: np.ndarray) -> float:
    one, other = (each.astype(np.float64) for each in (one, other))
    cosines = (one * other).sum(axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    return float(max(0.0, (1 - cosines).max()))


if __name__ == "__main__":
    main()
