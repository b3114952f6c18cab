"""Embeddings in two dimensions: a picture of what a network tells apart, never a measure of it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.backend.arrays import FloatArray, as_embeddings
from wespk.backend.embeddings import unit_rows
from wespk.core.errors import WespkError, nearest

Method = Literal["tsne", "pca"]
METHODS: tuple[Method, ...] = ("tsne", "pca")
PERPLEXITY = 30.0  # the size of a point's neighbourhood that t-SNE keeps; that of most published maps


def project(embeddings: ArrayLike, method: Method = "tsne", seed: int = 0) -> NDArray[np.float64]:
    """Map embeddings (N, D) to points (N, 2) so that neighbours stay neighbours, as far as a plane allows.

    Only directions count: rows are scaled to unit length first. "pca" is linear, the two directions of
    largest variance, each with the sign that makes its largest loading positive. "tsne" (van der Maaten and
    Hinton 2008, "Visualizing data using t-SNE", with the cosine distance, begun at the PCA) keeps
    neighbourhoods of about 30 points, fewer when there are fewer; distances between groups and their sizes
    mean little in it. Equal input and seed give equal points. Raises `WespkError` for fewer than 3
    embeddings, a zero vector, NaN, an unknown method, and for "tsne" without scikit-learn.
    """
    if method not in METHODS:
        raise WespkError(f"method: unknown value '{method}'; {nearest(method, METHODS)}")
    rows = unit_rows("embeddings", as_embeddings("embeddings", embeddings)).astype(np.float64)
    if len(rows) < 3:
        raise WespkError(f"{len(rows)} embeddings: a map needs at least 3")
    plane = _principal_plane(rows)
    return plane if method == "pca" else _tsne(rows, plane, seed)


def _principal_plane(rows: FloatArray) -> NDArray[np.float64]:
    """Return the coordinates (N, 2) along the two directions of largest variance; zeros where D is 1."""
    centred = rows - rows.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    chosen = directions[:2]
    largest = np.take_along_axis(chosen, np.abs(chosen).argmax(axis=1)[:, None], axis=1)
    points = centred @ (chosen * np.where(largest < 0, -1.0, 1.0)).T
    return np.pad(points, ((0, 0), (0, 2 - points.shape[1])))


def _tsne(rows: FloatArray, plane: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    try:
        from sklearn.manifold import TSNE
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise WespkError(
            "t-SNE needs scikit-learn: pip install 'wespk[recipes]', or take --method pca"
        ) from None
    spread = plane[:, 0].std()
    # Small at the start, as the authors ask for; identical embeddings all start, and stay, at one point.
    begin = plane / spread * 1e-4 if spread > 0 else plane
    perplexity = max(1.0, min(PERPLEXITY, (len(rows) - 1) / 3))  # of few points all would be neighbours
    with threadpool_limits(1):  # sums over several threads depend on their number
        model = TSNE(
            metric="cosine",
            init=begin.astype(np.float32),
            perplexity=perplexity,
            random_state=seed,
            n_jobs=1,
        )
        return model.fit_transform(rows.astype(np.float32)).astype(np.float64)
