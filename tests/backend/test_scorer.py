import numpy as np
import pytest

from wespk.backend import Plda, cosine_scorer, cosine_scores, pairs, plda_scorer, plda_scores
from wespk.core.errors import WespkError

RNG = np.random.default_rng(4)
MODELS, TESTS, DIM = 13, 29, 6
PLDA = Plda(
    RNG.standard_normal(DIM), RNG.standard_normal((DIM, DIM)) + 2 * np.eye(DIM), np.arange(DIM, 0, -1.0)
)
COUNTS = np.array([1, 2, 3, 1, 1, 2, 9, 3, 1, 2, 2, 1, 4])
EVERY = np.repeat(np.arange(MODELS), TESTS), np.tile(np.arange(TESTS), MODELS)


def scorer(kind, dtype):
    enrol, test = (
        RNG.standard_normal((MODELS, DIM)).astype(dtype),
        RNG.standard_normal((TESTS, DIM)).astype(dtype),
    )
    return cosine_scorer(enrol, test) if kind == "cosine" else plda_scorer(PLDA, enrol, COUNTS, test)


@pytest.mark.parametrize(
    ("kind", "dtype", "near"),
    [("cosine", np.float32, 1e-6), ("cosine", np.float64, 1e-12), ("plda", np.float32, 1e-12)],
)
def test_blocks_of_models_and_of_tests_are_parts_of_the_one_matrix(kind, dtype, near):
    both = scorer(kind, dtype)
    assert (both.num_enrol, both.num_test) == (MODELS, TESTS)
    matrix = both.pairs(*EVERY).reshape(MODELS, TESTS)
    for rows in (slice(0, 4), slice(4, 13), slice(12, 99)):
        assert both.block(rows).dtype == both.test_block(rows).dtype == matrix.dtype
        np.testing.assert_allclose(both.block(rows), matrix[rows], rtol=near, atol=near)
        np.testing.assert_allclose(both.block(rows, slice(3, 8)), matrix[rows, 3:8], rtol=near, atol=near)
        np.testing.assert_allclose(both.test_block(rows), matrix.T[rows], rtol=near, atol=near)


def test_plda_scores_are_float64_also_of_float32_embeddings():
    assert scorer("plda", np.float32).pairs(*EVERY).dtype == np.float64
    assert scorer("cosine", np.float32).pairs(*EVERY).dtype == np.float32


def test_whole_matrices_equal_kaldis_scores_too(golden):
    # They are small beside the terms that they are the difference of: float32 would be 2 % off.
    both = plda_scorer(golden.plda, golden.chain(golden.enrol), 1, golden.chain(golden.test))
    enrol, test, expected = golden.scores["scores_plda"]
    np.testing.assert_allclose(both.block(slice(None))[enrol, test], expected, rtol=1e-4)
    np.testing.assert_allclose(both.test_block(slice(None))[test, enrol], expected, rtol=1e-4)


def test_scores_of_a_list_are_those_of_its_scorer():
    enrol, test = RNG.standard_normal((MODELS, DIM)), RNG.standard_normal((TESTS, DIM))
    np.testing.assert_array_equal(
        cosine_scores(enrol, test, *EVERY), cosine_scorer(enrol, test).pairs(*EVERY)
    )
    np.testing.assert_array_equal(
        plda_scores(PLDA, enrol, COUNTS, test, *EVERY), plda_scorer(PLDA, enrol, COUNTS, test).pairs(*EVERY)
    )


@pytest.mark.parametrize("kind", ["cosine", "plda"])
@pytest.mark.parametrize("order", ["by model", "by test", "at random"])
@pytest.mark.parametrize(
    ("block_pairs", "cells_per_pair", "pairs_per_row"), [(50, 0, 4), (50, 9, 1), (1 << 18, 9, 4)]
)
def test_pairs_do_not_depend_on_order_or_blocks(
    monkeypatch, kind, order, block_pairs, cells_per_pair, pairs_per_row
):
    both = scorer(kind, np.float32)
    expected = both.pairs(*EVERY).reshape(MODELS, TESTS)
    monkeypatch.setattr(pairs, "BLOCK_PAIRS", block_pairs)
    monkeypatch.setattr(pairs, "CELLS_PER_PAIR", cells_per_pair)
    monkeypatch.setattr(pairs, "PAIRS_PER_ROW", pairs_per_row)
    monkeypatch.setattr(pairs, "CAST_ROWS", 7)
    chosen = RNG.permutation(MODELS * TESTS)[:200]
    enrol, test = EVERY[0][chosen], EVERY[1][chosen]
    if order != "at random":
        sort = np.argsort(enrol if order == "by model" else test, kind="stable")
        enrol, test = enrol[sort], test[sort]
    tolerance = 1e-6 if kind == "cosine" else 1e-12
    np.testing.assert_allclose(both.pairs(enrol, test), expected[enrol, test], atol=tolerance, rtol=tolerance)


def test_the_cosine_of_a_vector_with_itself_does_not_pass_one():
    rows = RNG.standard_normal((500, 7)).astype(np.float32)
    itself = cosine_scorer(rows, rows)
    assert itself.block(slice(0, 500)).max() <= 1.0 and itself.test_block(slice(0, 500)).max() <= 1.0


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: scorer("plda", np.float64).pairs([MODELS], [0]), "outside the 13 rows"),
        (lambda: scorer("cosine", np.float64).pairs([0, 1], [0]), "2 enrol sides and 1 test sides"),
        (lambda: plda_scorer(PLDA, np.ones((2, 5)), 1, np.ones((1, 6))), "enrol: 5 dimensions where 6"),
        (
            lambda: plda_scorer(PLDA, np.ones((2, 6)), [1, 0], np.ones((1, 6))),
            "item 1 is 0; a model has 1 or more",
        ),
        (lambda: cosine_scorer(np.ones((2, 6)), np.full((1, 6), np.nan)), "test: row 0 holds NaN"),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_wrong(work, message):
    with pytest.raises(WespkError, match=message):
        work()
