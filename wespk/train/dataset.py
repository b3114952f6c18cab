"""Training examples and their order, both functions of (seed, epoch, utterance) and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from wespk.augment import spec_augment
from wespk.core.config import parse_config
from wespk.core.errors import WespkError
from wespk.core.files import digest
from wespk.data.datadir import load_data_dir, load_features
from wespk.data.matrices import MappedMatrices
from wespk.data.tables import byte_sorted
from wespk.features import FeatureSpec
from wespk.features.extractor import check_archive, normalise
from wespk.features.spec import read_archive_record
from wespk.train.config import DataConfig, TrainConfig
from wespk.train.distributed import Ranks

ItemKey = tuple[int, int]  # epoch, index of the utterance


@dataclass(frozen=True)
class TrainingSet:
    """What is trained on: archive location and class of each utterance, and the features' specification."""

    source: str
    locations: dict[str, str]
    labels: list[int]
    speakers: list[str]
    spec: FeatureSpec
    content: str
    raw: bool = True  # features are normalised chunk by chunk; False: the archive's already are

    @property
    def digest(self) -> str:
        """A fingerprint of the utterances, their classes and their features, wherever these are stored."""
        return digest(
            json.dumps(list(self.locations)), json.dumps(self.labels), self.spec.digest, self.content
        )


def load_training_set(path: Path, config: DataConfig) -> TrainingSet:
    """Read a data directory with features. The classes are its speakers, in byte order."""
    data = load_data_dir(path)
    locations = load_features(data)
    speakers = byte_sorted({data.utt2spk[utt] for utt in locations})
    if len(speakers) < 2:
        raise WespkError(f"{path}: {len(speakers)} speaker(s); training needs at least 2")
    position = {spk: index for index, spk in enumerate(speakers)}
    labels = [position[data.utt2spk[utt]] for utt in locations]
    archive = read_archive_record(path)
    normalisation = {"cmn": config.cmn, "norm_vars": config.norm_vars}
    spec = parse_config(FeatureSpec, {**dict(archive.spec), **normalisation}, "data")
    raw = check_archive(archive.spec, spec, str(path), "the training configuration")
    return TrainingSet(str(path), locations, labels, speakers, spec, archive.content, raw)


class ChunkDataset(Dataset):
    """Random chunks of archived features, read by memory map.

    An item is asked for by (epoch, index), so that its chunk and its masks depend on these and the seed,
    not on which worker or rank reads it.
    """

    def __init__(self, data: TrainingSet, config: TrainConfig) -> None:
        self.features = MappedMatrices(data.locations, data.spec.dim)
        self.raw = data.raw
        self.labels = np.asarray(data.labels, dtype=np.int64)
        self.spec = data.spec
        self.chunk_frames = config.data.chunk_frames
        self.augment = config.data.spec_augment
        self.seed = config.seed

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, key: ItemKey) -> tuple[Tensor, int]:
        """Return network input (chunk_frames, F) and the label of one utterance in one epoch."""
        epoch, index = key
        random = np.random.default_rng([self.seed, epoch, index])
        frames = self.features.rows(index)
        if not frames:
            raise WespkError(f"'{self.features.keys[index]}' has no frames; take it out of feats.scp")
        start, stop = choose_chunk(frames, self.chunk_frames, random)
        chunk = repeated(self.features, index, start, stop)
        if self.raw:
            chunk = normalise(chunk, self.spec)
        if self.augment:
            chunk = spec_augment(chunk, self.augment, random)
        return torch.from_numpy(np.ascontiguousarray(chunk)), int(self.labels[index])


def choose_chunk(frames: int, wanted: int, random: np.random.Generator) -> tuple[int, int]:
    """Return start and stop of `wanted` consecutive frames at a random place of an utterance of `frames` > 0.

    A shorter utterance is thought of as repeated, as often as it takes.
    """
    repetitions = max(1, -(-wanted // frames))
    start = int(random.integers(0, repetitions * frames - wanted + 1))
    return start, start + wanted


def repeated(features: MappedMatrices, index: int, start: int, stop: int) -> np.ndarray:
    """Return frames `start` to `stop` of a matrix that is repeated without end, reading no others."""
    frames = features.rows(index)
    if stop <= frames:
        return features.read(index, start, stop)
    return features[index][np.arange(start, stop) % frames]


class EpochBatches(Sampler[list[ItemKey]]):
    """The batches of training from a given step on: every epoch a new seeded permutation of all utterances.

    A global batch is cut into equal parts, one for each rank. The utterances that do not fill an epoch's last
    global batch are left out of that epoch; each epoch leaves out others.
    """

    def __init__(self, size: int, config: TrainConfig, ranks: Ranks, first_step: int = 0) -> None:
        self.size = size
        self.batch_size = config.batch_size
        self.epochs = config.epochs
        self.seed = config.seed
        self.ranks = ranks
        self.first_step = first_step
        if size < config.batch_size:
            raise WespkError(
                f"batch_size is {config.batch_size} but there are only {size} utterances; lower it"
            )
        if config.batch_size % ranks.size or config.batch_size < 2 * ranks.size:
            raise WespkError(
                f"batch_size {config.batch_size} must be a multiple of the {ranks.size} processes"
            )

    @property
    def steps_per_epoch(self) -> int:
        """Global batches in an epoch."""
        return self.size // self.batch_size

    def __len__(self) -> int:
        return self.epochs * self.steps_per_epoch - self.first_step

    def __iter__(self) -> Iterator[list[ItemKey]]:
        step = self.first_step
        while step < self.epochs * self.steps_per_epoch:
            epoch, done = divmod(step, self.steps_per_epoch)
            order = np.random.default_rng([self.seed, epoch]).permutation(self.size)
            for start in range(
                done * self.batch_size, self.steps_per_epoch * self.batch_size, self.batch_size
            ):
                batch = order[start : start + self.batch_size]
                yield [
                    (epoch, int(index)) for index in np.array_split(batch, self.ranks.size)[self.ranks.rank]
                ]
                step += 1
