from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.data.archives import read_archive, write_archive
from wespk.data.matrices import MappedMatrices
from wespk.data.tables import read_table
from wespk.train.config import DataConfig
from wespk.train.dataset import ChunkDataset, EpochBatches, choose_chunk, load_training_set, repeated
from wespk.train.distributed import Ranks

CPU = torch.device("cpu")


@given(st.integers(1, 60), st.integers(1, 40), st.integers(0, 99))
def test_chunk_is_a_run_of_frames_of_the_repeated_utterance(length, frames, seed):
    start, stop = choose_chunk(length, frames, np.random.default_rng(seed))
    assert stop - start == frames
    assert 0 <= start < length or length < frames
    assert stop <= max(length, -(-frames // length) * length)


def test_repeated_frames_are_those_of_the_tiled_matrix(tmp_path):
    matrix = np.arange(7, dtype=np.float32)[:, None]
    write_archive(tmp_path / "a.ark", tmp_path / "a.scp", [("u", matrix)])
    features = MappedMatrices(read_table(tmp_path / "a.scp"))
    for start, stop in [(0, 7), (2, 5), (0, 20), (6, 9), (13, 21)]:
        np.testing.assert_array_equal(repeated(features, 0, start, stop), np.tile(matrix, (3, 1))[start:stop])


def test_compressed_features_give_the_same_chunks_to_their_precision(features, config):
    plain = ChunkDataset(
        load_training_set(features, DataConfig(cmn="none")), config(data={"spec_augment": None})
    )
    items = list(read_archive(features / "feats.scp"))
    write_archive(features / "c.ark", features / "feats.scp", items, "two-byte-auto")
    small = ChunkDataset(
        load_training_set(features, DataConfig(cmn="none")), config(data={"spec_augment": None})
    )
    for key in [(0, 0), (1, 7), (2, 17)]:
        np.testing.assert_allclose(plain[key][0], small[key][0], atol=1e-3)


def test_examples_are_a_function_of_seed_epoch_and_utterance(features, config):
    data = load_training_set(features, DataConfig(cmn="utterance"))
    dataset, again = ChunkDataset(data, config()), ChunkDataset(data, config())
    other = ChunkDataset(data, config(seed=2))
    for key in [(0, 0), (0, 5), (3, 0)]:
        assert torch.equal(dataset[key][0], again[key][0])
        assert not torch.equal(dataset[key][0], other[key][0])
    assert not torch.equal(dataset[0, 0][0], dataset[1, 0][0])


def test_classes_are_the_speakers_in_byte_order(features):
    data = load_training_set(features, DataConfig(cmn="none"))
    assert data.speakers == ["s0", "s1", "s2"]
    assert data.labels == [0] * 6 + [1] * 6 + [2] * 6


@pytest.mark.parametrize("ranks", [1, 2])
def test_an_epoch_has_each_utterance_at_most_once_and_ranks_share_each_batch(config, ranks):
    parts = [list(EpochBatches(18, config(), Ranks(r, ranks, CPU))) for r in range(ranks)]
    assert all(len(part) == 3 * (18 // 4) for part in parts)
    whole = [[key for batch in step for key in batch] for step in zip(*parts, strict=True)]
    assert whole == list(EpochBatches(18, config(), Ranks(0, 1, CPU)))
    seen = Counter(key for batch in whole for key in batch)
    assert max(seen.values()) == 1 and len(seen) == 3 * 16


def test_batches_continue_from_any_step(config):
    whole = list(EpochBatches(18, config(), Ranks(0, 1, CPU)))
    for step in (1, 4, 7, 12):
        assert list(EpochBatches(18, config(), Ranks(0, 1, CPU), first_step=step)) == whole[step:]


@pytest.mark.parametrize(
    ("size", "ranks", "message"), [(3, 1, "only 3 utterances"), (18, 3, "multiple of the 3")]
)
def test_impossible_batches_are_refused(config, size, ranks, message):
    with pytest.raises(WespkError, match=message):
        EpochBatches(size, config(), Ranks(0, ranks, CPU))
