from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.backend import Affine, Chain, LengthNorm, mean_embedding, normalise_length, subtract_mean
from wespk.core.errors import WespkError

RNG = np.random.default_rng(3)


def affine(rng, dim, to):
    return Affine(rng.standard_normal((to, dim + 1)))


@st.composite
def chains(draw):
    """Return a chain of up to 5 steps from 4 dimensions."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    steps, dim = [], 4
    for kind in draw(st.lists(st.sampled_from(["affine", "mean", "unit", "sqrt_dim"]), max_size=5)):
        if kind == "affine":
            to = int(rng.integers(1, 6))
            steps.append(affine(rng, dim, to))
            dim = to
        elif kind == "mean":
            steps.append(Affine.subtracting(rng.standard_normal(dim)))
        else:
            steps.append(LengthNorm(kind))
    return Chain(tuple(steps))


@given(chain=chains(), seed=st.integers(0, 100))
@settings(max_examples=60)
def test_a_composed_chain_does_what_its_steps_do_one_after_another(chain, seed):
    rows = np.random.default_rng((seed, 1)).standard_normal((7, 4))
    expected = rows
    for step in chain.steps:
        if isinstance(step, Affine):
            expected = expected @ step.matrix[:, :-1].T + step.matrix[:, -1]
        else:
            length = 1.0 if step.length == "unit" else np.sqrt(expected.shape[1])
            expected = expected / np.linalg.norm(expected, axis=1, keepdims=True) * length
    np.testing.assert_allclose(chain.apply(rows), expected, rtol=1e-10, atol=1e-10)
    composed = chain.composed()
    np.testing.assert_allclose(composed.apply(rows), expected, rtol=1e-10, atol=1e-10)
    kinds = [type(step) for step in composed.steps]
    assert (Affine, Affine) not in pairwise(kinds)
    assert kinds.count(LengthNorm) == [type(step) for step in chain.steps].count(LengthNorm)


@given(chain=chains())
@settings(max_examples=30)
def test_a_chain_survives_its_parts(chain):
    rows = RNG.standard_normal((5, 4))
    again = Chain.of(chain.parts)
    np.testing.assert_array_equal(again.apply(rows), chain.apply(rows))
    assert again.input_dim in (None, 4)


def test_without_steps_embeddings_stay_as_they_are():
    rows = RNG.standard_normal((3, 4))
    np.testing.assert_array_equal(Chain().apply(rows), rows)
    assert Chain().input_dim is None


def test_then_appends_a_step_or_a_chain():
    rows = RNG.standard_normal((3, 4))
    first, second = affine(RNG, 4, 2), affine(RNG, 2, 3)
    expected = second.apply(first.apply(rows))
    np.testing.assert_allclose(Chain((first,)).then(second).apply(rows), expected, atol=1e-14)
    chain = Chain((first,)).then(Chain((second, LengthNorm("unit"))))
    np.testing.assert_allclose(chain.apply(rows), normalise_length(expected), atol=1e-14)


def test_subtracting_a_mean_is_exactly_that():
    rows = (RNG.standard_normal((50, 4)) + 100.0).astype(np.float32)
    mean = mean_embedding(rows).astype(np.float32)
    np.testing.assert_array_equal(Affine.subtracting(mean).apply(rows), subtract_mean(rows, mean))


def test_rows_keep_their_precision_and_the_work_is_done_in_float64():
    step = Affine(np.array([[1.0, -1.0, 0.0]]))
    rows = np.array([[1e4 + 0.5, 1e4], [1.0, 2.0]], np.float32)
    assert step.apply(rows).dtype == np.float32
    assert Chain((step, LengthNorm())).apply(rows).dtype == np.float32
    assert step.apply(rows.astype(np.float64)).dtype == np.float64
    far = Affine.subtracting([1e6, 1e6]).before(Affine(np.array([[1.0, 1.0, 0.0]])))  # offset of -2e6
    near = np.array([[1e6 + 0.25, 1e6 - 0.125]], np.float32)
    np.testing.assert_array_equal(far.apply(near), [[0.125]])


def test_blocks_do_not_change_the_result(monkeypatch):
    rows, step = RNG.standard_normal((100, 4)), affine(RNG, 4, 3)
    expected = step.apply(rows)
    for block in (1, 7, 100):
        monkeypatch.setattr("wespk.backend.transforms.BLOCK_ROWS", block)
        np.testing.assert_allclose(step.apply(rows), expected, atol=1e-13)


def test_an_average_maps_to_the_average_of_the_mapped():
    rows, step = RNG.standard_normal((9, 4)), affine(RNG, 4, 3)
    average = rows.mean(axis=0, keepdims=True)
    np.testing.assert_allclose(step.apply(average)[0], step.apply(rows).mean(axis=0), atol=1e-13)


def test_a_kaldi_matrix_without_offset_is_a_linear_map():
    rows, matrix = RNG.standard_normal((5, 4)), RNG.standard_normal((3, 4))
    np.testing.assert_allclose(Affine.taking(4, matrix).apply(rows), rows @ matrix.T, atol=1e-14)
    wide = np.column_stack([matrix, np.ones(3)])
    np.testing.assert_allclose(Affine.taking(4, wide).apply(rows), rows @ matrix.T + 1.0, atol=1e-14)


def test_the_chain_of_kaldis_recipe_is_one_matrix_and_a_length(golden):
    chain = Chain((Affine.subtracting(golden.mean), Affine(golden.lda), LengthNorm("sqrt_dim")))
    expected = normalise_length(
        subtract_mean(golden.test, golden.mean) @ golden.lda[:, :-1].T + golden.lda[:, -1], "sqrt_dim"
    )
    composed = chain.composed()
    assert [type(step) for step in composed.steps] == [Affine, LengthNorm]
    np.testing.assert_allclose(composed.apply(golden.test), expected, atol=5e-6)


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: Affine(np.ones((2, 3))).apply(np.ones((4, 3))), "3 dimensions where 2 are needed"),
        (lambda: Affine(np.ones((2, 3))).apply([[1.0, np.nan]]), "embeddings: row 0 holds NaN"),
        (lambda: Affine([[1.0, np.nan]]), "matrix: row 0 holds NaN"),
        (lambda: Affine(np.ones((2, 1))), "1 column alone"),
        (lambda: Affine.subtracting(np.ones((2, 2))), "mean: an array of shape"),
        (lambda: Affine.taking(5, np.ones((2, 3))), "2 x 3, .* 5 dimensions need 5 or 6 columns"),
        (lambda: Affine([[1e38, 0.0]]).apply(np.full((1, 1), 100, np.float32)), "pass what float32 holds"),
        (lambda: LengthNorm("unti"), "did you mean 'unit'"),
        (lambda: Chain().then(LengthNorm()).apply(np.zeros((2, 3))), "row 0 is a zero vector"),
        (
            lambda: Chain((Affine(np.ones((2, 4))), LengthNorm(), Affine(np.ones((2, 4))))),
            "step 3 takes 3 dimensions, and those before it give 2",
        ),
        (lambda: Chain((Affine(np.ones((2, 4))),)).apply(np.ones((2, 9))), "9 dimensions where 3 are"),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_wrong(work, message):
    with pytest.raises(WespkError, match=message) as caught:
        work()
    assert "\n" not in str(caught.value)
