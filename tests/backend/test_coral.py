import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.backend import Affine, train_coral
from wespk.core.errors import WespkError


def made(seed, dim=4, count=60):
    """Return embeddings with a mean and a well conditioned covariance of their own."""
    random = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(random.standard_normal((dim, dim)))
    rows = random.standard_normal((count, dim)) * random.uniform(0.3, 3.0, dim) @ rotation
    return rows + random.standard_normal(dim)


def covariance(rows):
    centred = rows - rows.mean(axis=0)
    return centred.T @ centred / len(rows)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20)
def test_the_mapped_source_has_the_targets_mean_and_covariance(seed):
    source, target = made(seed), made(seed + 1, count=45)
    mapped = Affine(train_coral(source, target)).apply(source)
    np.testing.assert_allclose(mapped.mean(axis=0), target.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(covariance(mapped), covariance(target), atol=1e-8)


def test_the_regularised_map_is_that_of_the_paper():
    source, target = made(1), made(2)
    matrix = train_coral(source, target, 1.0)
    from_root = scipy.linalg.sqrtm(covariance(source) + np.eye(4)).real
    to_root = scipy.linalg.sqrtm(covariance(target) + np.eye(4)).real
    expected = (source - source.mean(axis=0)) @ np.linalg.inv(from_root) @ to_root + target.mean(axis=0)
    np.testing.assert_allclose(Affine(matrix).apply(source), expected, atol=1e-9)


@pytest.mark.parametrize("regularisation", [0.0, 0.5])
def test_a_domain_maps_to_itself_by_the_identity(regularisation):
    rows = made(3)
    matrix = train_coral(rows, rows, regularisation)
    np.testing.assert_allclose(matrix, np.column_stack([np.eye(4), np.zeros(4)]), atol=1e-9)


def test_much_regularisation_moves_the_mean_alone():
    source, target = made(4), made(5)
    mapped = Affine(train_coral(source, target, 1e9)).apply(source)
    np.testing.assert_allclose(mapped, source - source.mean(axis=0) + target.mean(axis=0), atol=1e-6)


def test_the_map_turns_with_the_axes():
    source, target = made(6), made(7)
    rotation, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))
    mapped = Affine(train_coral(source, target)).apply(source)
    turned = Affine(train_coral(source @ rotation, target @ rotation)).apply(source @ rotation)
    np.testing.assert_allclose(turned, mapped @ rotation, atol=1e-8)


def test_a_target_of_few_embeddings_leaves_directions_empty_unless_regularised():
    source, target = made(8), made(9, count=3)
    mapped = Affine(train_coral(source, target)).apply(source)
    np.testing.assert_allclose(covariance(mapped), covariance(target), atol=1e-8)
    assert np.linalg.matrix_rank(covariance(mapped), tol=1e-9) == 2
    kept = Affine(train_coral(source, target, 0.1)).apply(source)
    assert np.linalg.matrix_rank(covariance(kept), tol=1e-9) == 4


def test_directions_in_which_the_source_does_not_vary_are_floored_and_reported():
    source, counts = made(10), []
    source[:, 2] = 1.0
    matrix = train_coral(source, made(11), on_floored=counts.append)
    assert counts == [1]
    assert np.isfinite(matrix).all()
    train_coral(source, made(11), 0.1, on_floored=counts.append)
    assert counts == [1]


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: train_coral(made(0), made(0, dim=3)), "target: 3 dimensions where 4 are needed"),
        (lambda: train_coral([[np.nan]], made(0)), "source: row 0 holds NaN"),
        (lambda: train_coral(made(0), np.full((3, 4), np.inf)), "target: row 0 holds NaN or infinity"),
        (lambda: train_coral(np.ones((3, 4)), made(0)), "CORAL source: the embeddings do not vary"),
        (lambda: train_coral(made(0), made(0)[:1]), r"CORAL target: .* do not vary \(1 are given\)"),
        (lambda: train_coral(made(0), made(1), -1.0), "regularisation is -1.0"),
        (lambda: train_coral(made(0), made(1), np.inf), "regularisation is inf"),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_wrong(work, message):
    with pytest.raises(WespkError, match=message) as caught:
        work()
    assert "\n" not in str(caught.value)
