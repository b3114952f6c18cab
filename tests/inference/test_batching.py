"""Batches hold every utterance once, within their budget, with little padding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wespk.inference.batching import equal_parts, padded, plan_batches

LENGTHS = st.lists(st.integers(1, 400), max_size=60)


@given(LENGTHS, st.integers(1, 2000))
def test_every_utterance_is_in_one_batch_within_the_budget(lengths, budget):
    batches = plan_batches(lengths, budget)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[index] for index in batch)
        assert len(batch) == 1 or len(batch) * longest <= budget


@given(LENGTHS, st.integers(1, 2000))
def test_batches_go_from_long_to_short(lengths, budget):
    order = [lengths[index] for batch in plan_batches(lengths, budget) for index in batch]
    assert order == sorted(lengths, reverse=True)


@given(LENGTHS, st.integers(1, 2000))
def test_another_utterance_would_not_fit(lengths, budget):
    batches = plan_batches(lengths, budget)
    for batch in batches[:-1]:
        assert (len(batch) + 1) * lengths[batch[0]] > budget


def test_padding_of_like_lengths_is_small():
    lengths = np.random.default_rng(0).integers(78, 628, 500)
    batches = plan_batches(lengths, 2000)
    frames = sum(len(batch) * lengths[batch].max() for batch in batches)
    assert frames < 1.03 * lengths.sum()


def test_no_lengths_no_batches():
    assert plan_batches([], 100) == []


def test_padding_is_zero_and_lengths_are_told():
    batch, lengths = padded([np.ones((3, 2)), np.ones((1, 2))])
    assert batch.dtype == np.float32
    np.testing.assert_array_equal(batch[:, :, 0], [[1, 1, 1], [1, 0, 0]])
    np.testing.assert_array_equal(lengths, [3, 1])


def test_equal_lengths_need_no_mask():
    assert padded([np.ones((3, 2)), np.zeros((3, 2))])[1] is None


@given(st.integers(0, 5000), st.integers(1, 700))
def test_parts_are_the_fewest_and_equal_but_for_one_frame(num_frames, most):
    parts = equal_parts(num_frames, most)
    sizes = [stop - start for start, stop in parts]
    assert [start for start, _ in parts] == [0, *np.cumsum(sizes)[:-1]] and sum(sizes) == num_frames
    assert max(sizes) <= most and max(sizes) - min(sizes) <= 1
    assert len(parts) == max(1, np.ceil(num_frames / most))


@pytest.mark.parametrize("most", [7, 8])
def test_parts_are_at_least_half_of_the_most(most):
    sizes = [stop - start for n in range(most + 1, 200) for start, stop in equal_parts(n, most)]
    assert min(sizes) >= most // 2
