import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.backend import Affine, train_wccn
from wespk.core.errors import WespkError


def made(seed, dim=4, speakers=12):
    """Return 3 to 9 vectors of each speaker, well conditioned within speakers."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(speakers), random.integers(3, 10, speakers))
    rotation, _ = np.linalg.qr(random.standard_normal((dim, dim)))
    centres = 2.0 * random.standard_normal((speakers, dim))
    return (
        centres[labels]
        + random.standard_normal((len(labels), dim)) * random.uniform(0.5, 2.0, dim) @ rotation,
        labels,
    )


def within(rows, labels):
    """Return the pooled within-speaker covariance by its definition."""
    rest = np.concatenate([rows[labels == spk] - rows[labels == spk].mean(axis=0) for spk in set(labels)])
    return rest.T @ rest / len(rows)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20)
def test_the_covariance_within_speakers_becomes_the_identity(seed):
    rows, labels = made(seed)
    mapped = Affine(train_wccn(rows, labels)).apply(rows)
    np.testing.assert_allclose(within(mapped, labels), np.eye(4), atol=1e-8)


def test_the_map_is_the_transposed_cholesky_factor_of_the_inverse_without_offset():
    rows, labels = made(1)
    matrix = train_wccn(rows, labels)
    factor = matrix[:, :-1].T
    np.testing.assert_allclose(factor @ factor.T, np.linalg.inv(within(rows, labels)), rtol=1e-9)
    np.testing.assert_array_equal(factor, np.tril(factor))
    np.testing.assert_array_equal(matrix[:, -1], np.zeros(4))


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20)
def test_products_do_not_depend_on_an_invertible_map_before(seed):
    rows, labels = made(seed)
    random = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(random.standard_normal((4, 4)))
    other = rows @ (rotation * random.uniform(0.3, 3.0, 4))
    mapped, again = (Affine(train_wccn(each, labels)).apply(each) for each in (rows, other))
    np.testing.assert_allclose(mapped @ mapped.T, again @ again.T, rtol=1e-7, atol=1e-7)


def test_neither_the_means_of_speakers_nor_their_names_or_order_matter():
    rows, labels = made(2)
    random = np.random.default_rng(0)
    expected = train_wccn(rows, labels)
    moved = rows + 5.0 * random.standard_normal((12, 4))[labels]
    np.testing.assert_allclose(train_wccn(moved, labels), expected, rtol=1e-8, atol=1e-10)
    order = random.permutation(len(rows))
    names = np.array([f"spk{99 - label}" for label in labels])
    np.testing.assert_allclose(train_wccn(rows[order], names[order]), expected, rtol=1e-8, atol=1e-10)


def test_full_smoothing_is_a_scale_whatever_the_scale_of_the_embeddings():
    rows, labels = made(3)
    scale = 1.0 / np.sqrt(np.trace(within(rows, labels)) / 4)
    np.testing.assert_allclose(train_wccn(rows, labels, 1.0)[:, :-1], scale * np.eye(4), atol=1e-12)
    some = train_wccn(rows, labels, 0.3)
    np.testing.assert_allclose(1e3 * train_wccn(1e3 * rows, labels, 0.3), some, rtol=1e-8, atol=1e-12)
    covariance = within(Affine(some).apply(rows), labels)
    assert not np.allclose(covariance, np.eye(4), atol=0.01)


def test_directions_without_variance_within_speakers_are_floored_and_reported_unless_smoothed():
    rows, labels = made(4)
    padded = np.column_stack([rows, np.zeros(len(rows))])
    counts = []
    matrix = train_wccn(padded, labels, on_floored=counts.append)
    assert counts == [1]
    assert np.isfinite(matrix).all()
    train_wccn(padded, labels, 0.1, on_floored=counts.append)
    assert counts == [1]


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: train_wccn(np.eye(3), ["a"] * 3), "WCCN needs at least 2 speakers, the labels name 1"),
        (lambda: train_wccn(np.eye(3), ["a", "b", "c"]), "WCCN: the embeddings do not vary within speakers"),
        (lambda: train_wccn(np.eye(3), ["a", "b"]), r"labels: shape \(2,\) for 3 embeddings"),
        (lambda: train_wccn([[1.0, np.inf]] * 4, [0, 0, 1, 1]), "row 0 holds NaN or infinity"),
        (lambda: train_wccn(*made(0), 1.5), "smoothing is 1.5"),
        (lambda: train_wccn(*made(0), 0.0, 0.0), "covariance_floor is 0.0"),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_wrong(work, message):
    with pytest.raises(WespkError, match=message) as caught:
        work()
    assert "\n" not in str(caught.value)
