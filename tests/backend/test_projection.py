"""The map of embeddings: deterministic, blind to length, right where the answer is known."""

import sys

import numpy as np
import pytest

from wespk.backend.projection import METHODS, project
from wespk.core.errors import WespkError


def clusters(speakers=3, utts=6, dim=8, spread=0.05, seed=0):
    """Embeddings (speakers * utts, dim) around one direction a speaker."""
    random = np.random.default_rng(seed)
    centres = np.repeat(random.normal(size=(speakers, dim)), utts, axis=0)
    return centres + spread * random.normal(size=centres.shape)


def nearest_is_of_the_same_group(points, utts):
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    return (distance.argmin(axis=1) // utts == np.arange(len(points)) // utts).all()


@pytest.mark.parametrize("method", METHODS)
def test_utterances_of_a_speaker_lie_together(method):
    assert nearest_is_of_the_same_group(project(clusters(), method), 6)


@pytest.mark.parametrize("method", METHODS)
def test_equal_input_gives_equal_points_whatever_the_lengths(method):
    embeddings = clusters()
    scaled = embeddings * 2.0 ** np.arange(-9, 9)[:, None]  # exact in floating point
    first = project(embeddings, method, seed=3)
    np.testing.assert_array_equal(first, project(embeddings, method, seed=3))
    np.testing.assert_allclose(first, project(scaled, method, seed=3), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [3, 4, 7])
def test_few_embeddings_are_enough(method, count):
    points = project(clusters(speakers=2)[:count], method)
    assert points.shape == (count, 2) and np.isfinite(points).all()


@pytest.mark.parametrize("method", METHODS)
def test_equal_embeddings_give_finite_points(method):
    assert np.isfinite(project(np.ones((5, 4)), method)).all()


def test_pca_keeps_the_two_directions_of_largest_variance():
    rows = clusters(speakers=5)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    points = project(rows, "pca")
    values = np.linalg.eigvalsh(np.cov(rows.T))
    np.testing.assert_allclose(points.var(axis=0, ddof=1), values[::-1][:2])
    assert abs(np.corrcoef(points.T)[0, 1]) < 1e-9


def test_pca_of_one_dimension_has_a_second_of_zeros():
    points = project([[1.0], [-2.0], [3.0]], "pca")
    assert points.shape == (3, 2) and not points[:, 1].any()


@pytest.mark.parametrize(
    "embeddings, method, message",
    [
        (np.eye(2), "pca", "2 embeddings: a map needs at least 3"),
        (np.zeros((3, 2)), "pca", "zero vector"),
        (np.full((3, 2), np.nan), "tsne", "row 0 holds NaN or infinity"),
        (np.eye(3), "umap", "method: unknown value 'umap'; (choices: pca, tsne)"),
    ],
)
def test_bad_input_is_named(embeddings, method, message):
    with pytest.raises(WespkError) as error:
        project(embeddings, method)
    assert message in str(error.value)


def test_a_missing_library_names_the_extra_and_the_other_method(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    with pytest.raises(WespkError, match=r"pip install 'wespk\[recipes\]', or take --method pca"):
        project(clusters(), "tsne")
