import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.data.matrix_stats import matrix_stats


def split(matrix, edges):
    return [(f"u{number}", part) for number, part in enumerate(np.split(matrix, sorted(edges)))]


@given(st.lists(st.integers(0, 60), max_size=5), st.sampled_from([0.0, 1e6]), st.integers(0, 99))
@settings(deadline=None)
def test_figures_do_not_depend_on_how_the_rows_are_shared_out(edges, offset, seed):
    matrix = (np.random.default_rng(seed).normal(size=(60, 3)) + offset).astype(np.float32)
    stats = matrix_stats(split(matrix, edges))
    exact = matrix.astype(np.float64)
    for found, values in ((stats.columns, exact), (stats.columns.overall(), exact.reshape(-1, 1))):
        np.testing.assert_allclose(found.mean, values.mean(axis=0), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found.deviation, values.std(axis=0), rtol=1e-7)
        np.testing.assert_array_equal(found.low, values.min(axis=0))
        np.testing.assert_array_equal(found.high, values.max(axis=0))
    assert stats.rows.sum() == 60 and len(stats.rows) == len(edges) + 1
    assert stats.non_finite == {}


def test_values_that_are_not_finite_are_counted_by_name_and_left_out():
    good = np.array([[1.0, 2], [3, 4]], dtype=np.float32)
    bad = np.array([[np.nan, 6], [np.inf, -np.inf]], dtype=np.float32)
    stats = matrix_stats([("good", good), ("bad", bad)])
    assert stats.non_finite == {"bad": 3}
    assert stats.columns.count.tolist() == [2, 3]
    np.testing.assert_allclose(stats.columns.mean, [2, 4])
    np.testing.assert_allclose(stats.columns.overall().deviation, np.std([1, 3, 2, 4, 6]))


def test_vectors_are_one_column_and_empty_matrices_have_no_rows():
    stats = matrix_stats([("v", np.arange(4, dtype=np.float32)), ("e", np.empty((0, 0), dtype=np.float32))])
    assert stats.rows.tolist() == [4, 0]
    assert stats.columns.mean.tolist() == [1.5]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "there are no matrices"),
        ([("e", np.empty((0, 0)))], "no numbers in 1 matrices"),
        ([("a", np.ones((2, 3))), ("b", np.ones((2, 4)))], "'b' has 4 columns where 'a' has 3"),
    ],
)
def test_what_has_no_figures_is_told(items, message):
    with pytest.raises(WespkError, match=message):
        matrix_stats(items)
