import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.backend import Affine, train_whitening
from wespk.core.errors import WespkError


def made(seed, dim=5, count=40):
    """Return embeddings with a mean and a well conditioned covariance."""
    random = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(random.standard_normal((dim, dim)))
    return 3.0 + random.standard_normal((count, dim)) * random.uniform(0.3, 3.0, dim) @ rotation


def covariance(rows):
    centred = rows - rows.mean(axis=0)
    return centred.T @ centred / len(rows)


@pytest.mark.parametrize("kind", ["zca", "pca"])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=20)
def test_the_covariance_becomes_the_identity_and_the_mean_zero(kind, seed):
    rows = made(seed)
    mapped = Affine(train_whitening(rows, kind)).apply(rows)
    np.testing.assert_allclose(mapped.mean(axis=0), np.zeros(5), atol=1e-9)
    np.testing.assert_allclose(covariance(mapped), np.eye(5), atol=1e-8)


def test_zca_is_the_symmetric_root_and_of_all_whitenings_moves_embeddings_least():
    rows = made(1)
    linear = train_whitening(rows)[:, :-1]
    np.testing.assert_allclose(linear, np.linalg.inv(scipy.linalg.sqrtm(covariance(rows))).real, atol=1e-9)
    centred = rows - rows.mean(axis=0)
    zca = Affine(train_whitening(rows)).apply(rows)
    pca = Affine(train_whitening(rows, "pca")).apply(rows)
    assert np.sum((zca - centred) ** 2) < np.sum((pca - centred) ** 2)


def test_pca_has_the_axes_of_most_variance_first_with_their_largest_entries_positive():
    rows = made(2)
    whole = train_whitening(rows, "pca")
    linear = whole[:, :-1]
    variances = 1.0 / np.sum(linear**2, axis=1)  # a row is an eigenvector over the root of its eigenvalue
    expected = np.linalg.eigvalsh(covariance(rows))[::-1]
    np.testing.assert_allclose(variances, expected, rtol=1e-9)
    assert (linear[np.arange(5), np.abs(linear).argmax(axis=1)] > 0).all()
    np.testing.assert_allclose(train_whitening(rows, "pca", 2), whole[:2], atol=1e-12)


def test_both_kinds_give_the_same_cosines():
    rows = made(3)
    zca, pca = (Affine(train_whitening(rows, kind)).apply(rows) for kind in ("zca", "pca"))
    np.testing.assert_allclose(zca @ zca.T, pca @ pca.T, atol=1e-9)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20)
def test_an_invertible_affine_map_before_changes_no_product(seed):
    rows, random = made(seed), np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(random.standard_normal((5, 5)))
    other = rows @ (rotation * random.uniform(0.3, 3.0, 5)) + random.standard_normal(5)
    mapped, again = (Affine(train_whitening(each)).apply(each) for each in (rows, other))
    np.testing.assert_allclose(mapped @ mapped.T, again @ again.T, atol=1e-7)


def test_directions_without_variance_are_floored_relative_to_the_largest_and_reported():
    rows = np.column_stack([made(4), np.zeros(40)])
    counts = []
    matrix = train_whitening(rows, on_floored=counts.append)
    assert counts == [1]
    np.testing.assert_allclose(matrix[:5, [0, 1, 2, 3, 4, 6]], train_whitening(made(4)), atol=1e-9)
    train_whitening(1e3 * rows, on_floored=counts.append)
    assert counts == [1, 1]
    train_whitening(made(4), on_floored=counts.append)
    train_whitening(rows, "pca", 5, on_floored=counts.append)  # leaves that direction out
    assert counts == [1, 1]


def test_fewer_embeddings_than_dimensions_leave_directions_that_are_floored():
    counts = []
    matrix = train_whitening(made(5, dim=8, count=5), on_floored=counts.append)
    assert counts == [4]
    assert np.isfinite(matrix).all()


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: train_whitening([[1.0, np.nan]] * 3), "row 0 holds NaN"),
        (lambda: train_whitening(np.ones((4, 3))), r"whitening: the embeddings do not vary \(4 are given"),
        (lambda: train_whitening(np.ones((1, 3))), "do not vary"),
        (lambda: train_whitening(np.zeros((3, 3))), "do not vary"),
        (lambda: train_whitening(made(0), "pac"), "did you mean 'pca'"),
        (lambda: train_whitening(made(0), dim=2), "only pca can keep fewer dimensions"),
        (lambda: train_whitening(made(0), "pca", 6), "dim: 6 is outside 1 to 5"),
        (lambda: train_whitening(made(0), "pca", 0), "dim: 0 is outside 1 to 5"),
        (lambda: train_whitening(made(0), covariance_floor=1.0), "covariance_floor is 1.0"),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_wrong(work, message):
    with pytest.raises(WespkError, match=message) as caught:
        work()
    assert "\n" not in str(caught.value)
