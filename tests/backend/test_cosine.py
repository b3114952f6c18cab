import numpy as np
import pytest

from wespk.backend import cosine_scores, pairs
from wespk.core.errors import WespkError

RNG = np.random.default_rng(1)


def naive(enrol, test, enrol_index, test_index):
    """Return the cosines one by one, by their definition, in float64."""
    scores = []
    for row, column in zip(enrol_index, test_index, strict=True):
        a, b = enrol[row].astype(np.float64), test[column].astype(np.float64)
        scores.append(a @ b / np.sqrt((a @ a) * (b @ b)))
    return np.array(scores)


def sides(num_enrol=13, num_test=29, dim=16, dtype=np.float32):
    return RNG.standard_normal((num_enrol, dim)).astype(dtype), RNG.standard_normal((num_test, dim)).astype(
        dtype
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "num_trials", [0, 1, 5, 377, 2000]
)  # below and above what one matrix product pays for
def test_scores_equal_the_naive_loop(num_trials, dtype):
    enrol, test = sides(dtype=dtype)
    enrol_index, test_index = RNG.integers(0, 13, num_trials), RNG.integers(0, 29, num_trials)
    scores = cosine_scores(enrol, test, enrol_index, test_index)
    assert scores.dtype == dtype and scores.shape == (num_trials,)
    tolerance = 1e-6 if dtype == np.float32 else 1e-14
    np.testing.assert_allclose(scores, naive(enrol, test, enrol_index, test_index), atol=tolerance)


@pytest.mark.parametrize("cells_per_pair", [0, 10**9], ids=["gathered", "matrix product"])
@pytest.mark.parametrize("block_bytes", [1, 500, 1 << 20])
def test_scores_do_not_depend_on_the_path_or_the_blocks(monkeypatch, cells_per_pair, block_bytes):
    monkeypatch.setattr(pairs, "CELLS_PER_PAIR", cells_per_pair)
    monkeypatch.setattr(pairs, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(pairs, "GATHER_BYTES", block_bytes)
    enrol, test = sides()
    enrol_index, test_index = RNG.integers(0, 13, 100), RNG.integers(0, 29, 100)
    scores = cosine_scores(enrol, test, enrol_index, test_index)
    np.testing.assert_allclose(scores, naive(enrol, test, enrol_index, test_index), atol=1e-6)


def test_scores_do_not_depend_on_the_lengths_and_stay_within_one():
    enrol, test = sides()
    every = np.repeat(np.arange(13), 29), np.tile(np.arange(29), 13)
    scores = cosine_scores(enrol, test, *every)
    np.testing.assert_allclose(cosine_scores(enrol * 1e25, test * 1e-25, *every), scores, atol=1e-6)
    itself = cosine_scores(test, 3 * test, np.arange(29), np.arange(29))
    assert itself.max() <= 1.0
    np.testing.assert_allclose(itself, 1.0, atol=1e-6)


def test_a_gathered_trial_list_keeps_its_memory_bounded():
    # 250 k trials of 60 k x 60 k pairs: the matrix would take 14 GB, the gathered rows of one side 32 MB.
    tracemalloc = pytest.importorskip("tracemalloc")
    big = RNG.standard_normal((60_000, 32), dtype=np.float32)
    index = RNG.integers(0, len(big), (2, 250_000))
    tracemalloc.start()
    cosine_scores(big, big, *index)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * big.nbytes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"enrol": np.zeros((2, 3))}, "enrol: row 0 is a zero vector"),
        ({"test": np.array([[1.0, 1, 1], [0, 0, 0]])}, "test: row 1 is a zero vector"),
        ({"test": np.ones((2, 4))}, "test: 4 dimensions where 3 are needed"),
        ({"test": np.array([[1.0, np.inf, 1]])}, "test: row 0 holds NaN or infinity"),
        ({"enrol_index": [2, 0]}, "enrol_index: item 0 is 2, outside the 2 rows"),
        ({"test_index": [0, -1]}, "test_index: item 1 is -1"),
        ({"test_index": [0.0, 1.0]}, "whole numbers"),
        ({"test_index": [0]}, "2 enrol sides and 1 test sides"),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_wrong(change, message):
    good = {"enrol": np.ones((2, 3)), "test": np.ones((2, 3)), "enrol_index": [0, 1], "test_index": [0, 1]}
    with pytest.raises(WespkError, match=message):
        cosine_scores(**(good | change))
