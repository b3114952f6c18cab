import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wespk.data import pair_set
from wespk.data.pair_set import PairSet

blocks = st.lists(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=12), max_size=12)
few = st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=9), max_size=9)


def first_repeat(blocks):
    pairs = PairSet()
    for block in blocks:
        enrol, test = np.array(block, dtype=np.int32).reshape(-1, 2).T
        repeat = pairs.add(enrol, test)
        if repeat:
            return repeat
    return pairs.finish()


@pytest.mark.parametrize("most_cells", [0, 1 << 13, 1 << 31])  # codes, first bits and then codes, bits
@given(blocks=st.one_of(blocks, few))
def test_first_pair_that_was_there_before_is_found(most_cells, blocks):
    pairs = [pair for block in blocks for pair in block]
    again = [(n, *pair) for n, pair in enumerate(pairs) if pair in pairs[:n]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_set, "MOST_CELLS", most_cells)
        patch.setattr(pair_set, "CODES_AT_ONCE", 10)
        assert first_repeat(blocks) == (again[0] if again else None)


def test_memory_of_the_map_does_not_grow_with_the_pairs():
    pairs = PairSet()
    test = np.arange(10_000, dtype=np.int32)
    for model in range(200):
        assert pairs.add(np.full_like(test, model), test) is None
    assert pairs._bits.nbytes == 256 * 16384 // 8
    assert pairs.add(np.array([199]), np.array([9999])) == (2_000_000, 199, 9999)
