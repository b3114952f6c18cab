"""What extraction reads: utterances from archives or recordings, as the network sees them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from wespk.core.errors import WespkError
from wespk.data.audio import AudioOptions
from wespk.data.datadir import DataDir
from wespk.data.matrices import MappedMatrices
from wespk.features import FeatureExtractor, FeatureSpec
from wespk.features.extractor import normalise
from wespk.inference.batching import equal_parts

GROUP = 16  # utterances that a worker sends at once
Item = TypeVar("Item")


class Source(Protocol):
    """Where features come from: `source(utt)` is the utterance's matrix (T, F), as an archive holds it."""

    def __call__(self, utt: str, /) -> np.ndarray:
        """Return the matrix; raise `AudioError` for an utterance that cannot be used."""


class ArchivedFeatures:
    """A `Source` that reads matrices of `dim` columns where a feats.scp says."""

    def __init__(self, locations: Mapping[str, str], dim: int) -> None:
        self._matrices = MappedMatrices(locations, dim)
        self._index = {utt: index for index, utt in enumerate(locations)}

    def __call__(self, utt: str) -> np.ndarray:
        """Return a view of the archive, (T, F)."""
        return self._matrices[self._index[utt]]


class FeaturesOfAudio:
    """A `Source` that computes the features of recordings: what their archive would hold, bit for bit."""

    def __init__(self, data: DataDir, audio: AudioOptions, spec: FeatureSpec) -> None:
        self._data, self._audio = data, audio
        self._extractor = FeatureExtractor(spec)

    def __call__(self, utt: str) -> np.ndarray:
        """Read the recording and compute its features, (T, F)."""
        return self._extractor.archived(self._data.audio(utt, self._audio), utt)


@dataclass(frozen=True)
class Preparation:
    """How archived features become network input.

    spec          the network's; with ``cmn: utterance`` each part is normalised on its own: the mean is that
                  of the frames that the network sees
    raw           False where the archive is normalised already
    min_frames    the fewest that the network takes
    most_frames   frames behind these are not looked at
    chunk_frames  longer utterances are cut into the fewest equal parts of at most these
    repeat_short  utterances below `min_frames` are repeated up to it, as training repeats them
    """

    spec: FeatureSpec
    raw: bool = True
    min_frames: int = 1
    most_frames: int | None = None
    chunk_frames: int | None = None
    repeat_short: bool = False

    def __post_init__(self) -> None:
        """Refuse limits that the network cannot work with."""
        for name, frames, least, where in (
            ("--max-duration", self.most_frames, self.min_frames, ""),
            ("--chunk-duration", self.chunk_frames, 2 * self.min_frames, " in either half"),
        ):
            if frames is not None and frames < least:
                seconds = least * self.spec.frame_shift_seconds
                raise WespkError(
                    f"{name}: {frames} frames are too few for this network, which needs "
                    f"{self.min_frames}{where}; give at least {seconds + 0.05:.2f} s"
                )

    def __call__(self, features: np.ndarray) -> list[np.ndarray]:
        """Return network input (T_i, F), one matrix or several parts, of archived features (T, F)."""
        whole = len(features)
        features = features[: self.most_frames]
        if self.repeat_short and 0 < len(features) < self.min_frames:
            features = features[np.arange(self.min_frames) % len(features)]
        parts = equal_parts(len(features), self.chunk_frames or max(1, len(features)))
        changed = len(parts) > 1 or len(features) != whole
        inputs = [features[start:stop] for start, stop in parts]
        if not (self.raw or changed):
            return inputs
        with np.errstate(invalid="ignore"):  # what is not finite is rejected by its embedding
            return [normalise(each, self.spec) for each in inputs]


@dataclass(frozen=True)
class Loaded:
    """An utterance: its frames, all of them, and its network input, or why it cannot be used."""

    utt: str
    num_frames: int
    inputs: list[np.ndarray]
    fault: WespkError | None = None


class _Groups(Dataset):
    """Utterances by groups; a fault travels as a value, so that it arrives as it was raised."""

    def __init__(self, source: Source, prepare: Preparation, utts: Sequence[str]) -> None:
        self.source, self.prepare, self.utts = source, prepare, utts

    def __len__(self) -> int:
        return -(-len(self.utts) // GROUP)

    def __getitem__(self, index: int) -> list[Loaded]:
        return [self._load(utt) for utt in self.utts[index * GROUP : (index + 1) * GROUP]]

    def _load(self, utt: str) -> Loaded:
        try:
            features = self.source(utt)
            return Loaded(utt, len(features), self.prepare(features))
        except WespkError as fault:
            return Loaded(utt, 0, [], fault)


def load_utterances(
    source: Source, prepare: Preparation, utts: Sequence[str], workers: int = 0
) -> Iterator[Loaded]:
    """Yield the utterances in their order, loaded ahead by `workers` processes, or by this one for 0."""
    groups = _Groups(source, prepare, utts)
    workers = min(workers, len(groups))
    with warnings.catch_warnings():
        # More workers than cores: they wait for disks.
        warnings.filterwarnings("ignore", "This DataLoader will create")
        loader = DataLoader(
            groups,
            batch_size=None,
            num_workers=workers,
            collate_fn=_as_it_is,
            prefetch_factor=4 if workers else None,
        )
        return _items(iter(loader), workers)  # the workers are forked here, before there are threads


def one_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items, none of them None, each made in a thread while the one before it is used."""
    with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        waiting = pool.submit(next, items, None)
        while (item := waiting.result()) is not None:
            waiting = pool.submit(next, items, None)
            yield item


def _as_it_is(group: list[Loaded]) -> list[Loaded]:
    return group


def _items(groups: Iterator[list[Loaded]], workers: int) -> Iterator[Loaded]:
    while True:
        try:
            group = next(groups, None)
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            raise WespkError(
                f"one of {workers} loader processes died, perhaps for lack of memory; give fewer --workers"
            ) from None
        if group is None:
            return
        yield from group
