"""Seconds of each backbone, and the share of the machine's own matrix rate that they reach.

    python bench/models.py                                 # every backbone, batches of 8 x 200 frames
    python bench/models.py ecapa_tdnn resnet34 --batch 32  # two of them as they are trained

A training step is forward, AAM over 5994 speakers, backward and SGD. On a CPU it runs in fp32 and in bf16
autocast, on a GPU in bf16, eager and compiled; always in channels_last, as it is trained. A MAC is two
floating-point operations, a backward pass counts twice the forward one; the matrix rate is that of a large
square product of the same precision, measured before each row (GFLOP/s). Medians.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import torch
from measuring import restart_with
from torch import nn

from wespk.core.config import Component
from wespk.core.process import MALLOC, OPENMP
from wespk.losses import build_head
from wespk.models import REGISTRY, build_model
from wespk.models.summary import summarise

FEAT_DIM = 80
SPEAKERS = 5994
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
HEADS = ("backbone", "setting", "GFLOP/s", "inference ms", "utt/s", "share", "step ms", "utt/s", "share")
WIDTHS = (20, 16, 8, 14, 8, 7, 10, 8, 7)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=list(REGISTRY), help="backbones (all)")
    parser.add_argument("--batch", type=int, help="utterances a batch (8; 128 on a GPU)")
    parser.add_argument("--frames", type=int, default=200, help="frames of an utterance (200)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of a CPU (all)")
    arguments = parser.parse_args()
    restart_with({**MALLOC, **OPENMP, "OMP_NUM_THREADS": str(arguments.threads)})

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    gpu = device.type == "cuda"
    batch = arguments.batch or (128 if gpu else 8)
    # (label, precision, compiled)
    settings = [("fp32", "fp32", False), ("bf16", "bf16", False)]
    if gpu:
        settings = [("bf16", "bf16", False), ("bf16, compiled", "bf16", True)]
    name = torch.cuda.get_device_name() if gpu else f"CPU, {arguments.threads} threads"
    print(f"{name}; batches of {batch} x {arguments.frames} frames")
    line(HEADS)
    for backbone in arguments.names:
        for label, precision, compiled in settings:
            work = Work(backbone, batch, arguments.frames, device, precision, compiled)
            rate = matrix_rate(device, DTYPES[precision])  # beside each row: other work changes it
            cells = [backbone, label, f"{rate / 1e9:.0f}"]
            for call, passes in ((work.infer, 1), (work.step, 3)):
                seconds = median_seconds(call, device)
                share = 2 * work.macs * batch * passes / seconds / rate
                cells += [f"{1000 * seconds:.1f}", f"{batch / seconds:.1f}", f"{100 * share:.0f} %"]
            line(cells)


class Work:
    """One backbone with a head, a batch of noise and an optimiser on a device."""

    def __init__(
        self, name: str, batch: int, frames: int, device: torch.device, precision: str, compiled: bool
    ) -> None:
        torch.manual_seed(0)
        model = build_model(Component(name=name), FEAT_DIM)
        self.macs = summarise(Component(name=name), FEAT_DIM, frames).macs
        self.head = build_head(Component(name="aam"), model.embedding_dim, SPEAKERS).to(device)
        self.precision, self.device = precision, device
        model = model.to(device)
        model = model.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.SGD([*model.parameters(), *self.head.parameters()], 1e-3)
        self.model: nn.Module = torch.compile(model) if compiled else model  # type: ignore[assignment]
        self.features = torch.randn(batch, frames, FEAT_DIM, device=device)
        self.labels = torch.randint(SPEAKERS, (batch,), device=device)

    def infer(self) -> None:
        self.model.eval()
        with torch.inference_mode(), self._autocast():
            self.model(self.features)

    def step(self) -> None:
        self.model.train()
        with self._autocast():
            loss = self.head(self.model(self.features), self.labels).loss
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()

    def _autocast(self):
        half = self.precision == "bf16"
        return torch.autocast(self.device.type, torch.bfloat16) if half else nullcontext()


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Return floating-point operations a second of a large square matrix product."""
    size = 8192 if device.type == "cuda" else 2048
    one, other = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    return 2 * size**3 / median_seconds(lambda: one @ other, device)


def median_seconds(call: Callable[[], object], device: torch.device, budget: float = 5.0) -> float:
    """Return the median of at least 3 and at most 20 calls within `budget` seconds, after two to warm up."""
    for _ in range(2):
        call()
    seconds: list[float] = []
    while len(seconds) < 3 or (len(seconds) < 20 and sum(seconds) < budget):
        if device.type == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def line(cells) -> None:
    aligned = [
        f"{cell:<{width}}" if n < 2 else f"{cell:>{width}}"
        for n, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    ]
    print("".join(aligned).rstrip(), flush=True)


if __name__ == "__main__":
    main()
