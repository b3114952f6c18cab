import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wespk.backend import average_per_model, mean_embedding, normalise_length, subtract_mean
from wespk.backend.embeddings import sum_per_class
from wespk.core.errors import WespkError

RNG = np.random.default_rng(0)


def test_mean_of_training_embeddings_equals_kaldis(golden):
    np.testing.assert_allclose(mean_embedding(golden.train), golden.mean, rtol=1e-6, atol=5e-7)


def test_mean_of_mean_subtracted_embeddings_is_zero():
    embeddings = RNG.standard_normal((50, 4)) + 3.0
    np.testing.assert_allclose(
        mean_embedding(subtract_mean(embeddings, mean_embedding(embeddings))), np.zeros(4), atol=1e-14
    )


@pytest.mark.parametrize(("length", "norm"), [("unit", 1.0), ("sqrt_dim", np.sqrt(5))])
@given(
    embeddings=arrays(
        np.float32, (3, 5), elements=st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False)
    ).filter(lambda rows: (np.abs(rows).max(axis=1) > 1e-30).all())
)
def test_length_normalisation_gives_the_length_and_keeps_the_direction(length, norm, embeddings):
    normalised = normalise_length(embeddings, length)
    assert normalised.dtype == np.float32
    wide = embeddings.astype(np.float64)
    expected = wide / np.linalg.norm(wide, axis=1, keepdims=True) * norm
    np.testing.assert_allclose(normalised, expected, rtol=2e-6, atol=1e-30)


def test_float64_embeddings_stay_float64_and_the_input_is_untouched():
    embeddings = RNG.standard_normal((4, 3))
    before = embeddings.copy()
    assert normalise_length(embeddings).dtype == np.float64
    subtract_mean(embeddings, np.ones(3))
    np.testing.assert_array_equal(embeddings, before)


def test_raw_average_per_model_is_the_plain_mean_and_counts_its_utterances():
    embeddings = RNG.standard_normal((7, 3)).astype(np.float32)
    index = np.array([2, 0, 1, 0, 2, 2, 0])
    averages, counts = average_per_model(embeddings, index, 3)
    assert averages.dtype == np.float32
    assert counts.tolist() == [3, 1, 3]
    for model in range(3):
        np.testing.assert_allclose(averages[model], embeddings[index == model].mean(axis=0), rtol=1e-6)


def test_averages_of_raw_enrolment_embeddings_have_kaldis_counts(golden, root):
    lines = (root / "tests/backend/golden/num_utts.txt").read_text().split()
    assert golden.num_utts.tolist() == [int(count) for count in lines[1::2]]


def test_length_normalised_average_ignores_the_utterances_lengths():
    embeddings = RNG.standard_normal((4, 3))
    louder = embeddings * np.array([[1.0], [7.0], [0.1], [30.0]])
    index = [0, 0, 1, 1]
    one, _ = average_per_model(embeddings, index, 2, policy="length_normalised")
    other, _ = average_per_model(louder, index, 2, policy="length_normalised")
    np.testing.assert_allclose(one, other, rtol=1e-12)
    raw, _ = average_per_model(louder, index, 2, policy="raw")
    assert not np.allclose(raw, other)


def test_sums_per_class_do_not_depend_on_the_blocks(monkeypatch):
    rows, index = RNG.standard_normal((100, 3)), RNG.integers(0, 9, 100)
    expected = np.zeros((9, 3))
    np.add.at(expected, index, rows)
    for block in (1, 7, 100, 1000):
        monkeypatch.setattr("wespk.backend.embeddings.BLOCK_ROWS", block)
        np.testing.assert_allclose(sum_per_class(rows, index, 9), expected, atol=1e-13)


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: normalise_length(np.array([[1.0, 2.0], [0.0, 0.0]])), r"row 1 is a zero vector \(1 of 2"),
        (lambda: normalise_length(np.array([[1.0, np.nan]])), "row 0 holds NaN"),
        (lambda: normalise_length(np.ones(3)), r"shape \(N, D\)"),
        (lambda: normalise_length(np.ones((2, 2)), "unti"), "did you mean 'unit'"),
        (lambda: subtract_mean(np.ones((2, 3)), np.ones(4)), r"mean: .*\(3,\).*\(4,\)"),
        (lambda: mean_embedding(np.ones((0, 3))), r"\(0, 3\)"),
        (lambda: mean_embedding(np.array([["a", "b"]])), "numbers are needed"),
        (lambda: average_per_model(np.ones((2, 3)), [0, 0], 2), "model 1 has no enrolment utterance"),
        (lambda: average_per_model(np.ones((2, 3)), [0, 2], 2), "item 1 is 2, outside the 2 rows"),
        (lambda: average_per_model(np.ones((2, 3)), [0], 1), "1 items for 2 embeddings"),
        (lambda: average_per_model(np.ones((2, 3)), [0, 0], 1, policy="mean"), "unknown value 'mean'"),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_wrong(work, message):
    with pytest.raises(WespkError, match=message) as caught:
        work()
    assert "\n" not in str(caught.value)
