"""Embeddings of many utterances: in batches of like lengths, in the order asked for, equal to one by one."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import torch

from wespk.core.errors import WespkError
from wespk.inference.batching import plan_batches
from wespk.inference.forward import exact_arithmetic, forward_batch
from wespk.inference.loading import Loaded, Preparation, Source, load_utterances, one_ahead
from wespk.inference.model_dir import SpeakerModel

WINDOW_BATCHES = 16  # utterances of like lengths are looked for among the frames of so many batches
CPU_BATCH_FRAMES, GPU_BATCH_FRAMES = 1400, 32000  # more than fits a core's cache is slower
GPU_THREADS = 2  # one pads and sends the next batch while the other waits for its results
GPU_WORKERS = 8


@dataclass
class Tally:
    """What was seen: utterances, hours of frames, seconds that it took, and utterances treated specially."""

    utterances: int = 0
    hours: float = 0.0
    took: float = 0.0
    cut: int = 0
    averaged: int = 0
    repeated: int = 0


@dataclass(frozen=True)
class _Window:
    """Consecutive utterances and the batches of their parts that are under way; part `first[n]` begins n."""

    loaded: list[Loaded]
    first: list[int]
    batches: list[tuple[np.ndarray, Future[np.ndarray]]]


@dataclass(frozen=True)
class Extraction:
    """How embeddings are computed: see `Preparation` for what of an utterance is looked at.

    On a CPU each thread works on a batch of its own: threads that share one wait for each other.

    batch_frames  most padded frames of a batch (None: 1400 on a CPU, 32000 on a GPU)
    workers       processes that load
    bf16          compute in bfloat16
    """

    model: SpeakerModel
    prepare: Preparation
    batch_frames: int | None = None
    workers: int = 0
    bf16: bool = False
    tally: Tally = field(default_factory=Tally)

    def __call__(self, source: Source, utts: Sequence[str]) -> Iterator[tuple[str, np.ndarray | WespkError]]:
        """Yield each utterance with its embedding (D,), or with why it has none, in the order of `utts`.

        That is an `AudioError` where the utterance cannot be used, another `WespkError` where all should end.
        The utterances of a batch follow from `utts` and their lengths alone, so that a run that was killed
        gives the same again. Memory holds the input of some 64 batches.
        """
        start = time.monotonic()
        on_cpu = self.model.device.type == "cpu"
        budget = self.batch_frames or (CPU_BATCH_FRAMES if on_cpu else GPU_BATCH_FRAMES)
        loaded = load_utterances(source, self.prepare, utts, self.workers)
        threads = torch.get_num_threads() if on_cpu else GPU_THREADS
        pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
        waiting: deque[_Window] = deque()
        try:
            with exact_arithmetic():
                for window in one_ahead(windows(loaded, WINDOW_BATCHES * budget)):
                    waiting.append(self._begun(pool, window, budget))
                    if len(waiting) > 1:  # no thread is idle while a window ends
                        yield from self._finished(waiting.popleft())
                while waiting:
                    yield from self._finished(waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)
            self.tally.took += time.monotonic() - start

    def _begun(self, pool: ThreadPoolExecutor, window: list[Loaded], budget: int) -> _Window:
        parts: list[np.ndarray] = []
        first = [0]
        for each in window:
            if each.fault is None and len(each.inputs[0]) >= self.model.min_frames:
                parts.extend(each.inputs)
            first.append(len(parts))
        batches = [
            (indices, pool.submit(self._embeddings, [parts[index] for index in indices]))
            for indices in plan_batches([len(part) for part in parts], budget)
        ]
        return _Window(window, first, batches)

    def _embeddings(self, batch: list[np.ndarray]) -> np.ndarray:
        embeddings: np.ndarray = forward_batch(self.model.network, batch, self.bf16).cpu().numpy()
        return embeddings

    def _finished(self, window: _Window) -> Iterator[tuple[str, np.ndarray | WespkError]]:
        rows = np.zeros((window.first[-1], self.model.embedding_dim), dtype=np.float32)
        for indices, embeddings in window.batches:
            rows[indices] = embeddings.result()
        for number, each in enumerate(window.loaded):
            self._count(each)
            yield each.utt, self._result(each, rows[window.first[number] : window.first[number + 1]])

    def _result(self, loaded: Loaded, rows: np.ndarray) -> np.ndarray | WespkError:
        if loaded.fault is not None:
            return loaded.fault
        if not len(rows):
            return self.model.too_short(len(loaded.inputs[0]))
        embedding: np.ndarray = rows.mean(axis=0) if len(rows) > 1 else rows[0]
        return embedding if np.isfinite(embedding).all() else self.model.not_finite()

    def _count(self, loaded: Loaded) -> None:
        seen, most = self.tally, self.prepare.most_frames
        seen.utterances += 1
        seen.hours += loaded.num_frames * self.prepare.spec.frame_shift_seconds / 3600
        seen.cut += most is not None and loaded.num_frames > most
        seen.averaged += len(loaded.inputs) > 1
        seen.repeated += self.prepare.repeat_short and 0 < loaded.num_frames < self.prepare.min_frames


def windows(loaded: Iterable[Loaded], most_frames: int) -> Iterator[list[Loaded]]:
    """Yield consecutive utterances in lists that are full at `most_frames` frames of input."""
    window: list[Loaded] = []
    frames = 0
    for each in loaded:
        window.append(each)
        frames += 1 + sum(map(len, each.inputs))  # utterances without frames fill a window too
        if frames >= most_frames:
            yield window
            window, frames = [], 0
    if window:
        yield window
