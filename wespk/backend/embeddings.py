"""Preparing embeddings for a scorer: mean subtraction, length normalisation, enrolment averages."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.backend.arrays import FloatArray, as_embeddings, as_index, as_vector
from wespk.core.errors import WespkError, nearest

Length = Literal["unit", "sqrt_dim"]
AveragePolicy = Literal["raw", "length_normalised"]

BLOCK_ROWS = 16384  # rows held in float64 at once: 32 MiB of 256-d embeddings


def mean_embedding(embeddings: ArrayLike) -> NDArray[np.float64]:
    """Return the mean (D,) of embeddings (N, D), summed in float64. Raises `WespkError` for bad input."""
    return as_embeddings("embeddings", embeddings).mean(axis=0, dtype=np.float64)


def subtract_mean(embeddings: ArrayLike, mean: ArrayLike) -> FloatArray:
    """Return embeddings (N, D) minus `mean` (D,), in the embeddings' own precision.

    Raises `WespkError` for NaN, wrong shapes or different dimensions.
    """
    rows = as_embeddings("embeddings", embeddings)
    return rows - as_vector("mean", mean, rows.shape[1]).astype(rows.dtype)


def normalise_length(embeddings: ArrayLike, length: Length = "unit") -> FloatArray:
    """Scale each row of (N, D) to Euclidean length 1 ("unit") or sqrt(D) ("sqrt_dim"), in its own precision.

    sqrt(D) is what Kaldi's PLDA chain uses, so that a whitened embedding has unit variance a dimension
    (Garcia-Romero and Espy-Wilson, 2011: "Analysis of i-vector length normalization"). Raises `WespkError`
    for a zero vector, which has no direction, and for NaN.
    """
    if length not in ("unit", "sqrt_dim"):
        raise WespkError(f"length: unknown value '{length}'; {nearest(length, ('unit', 'sqrt_dim'))}")
    return _scaled("embeddings", as_embeddings("embeddings", embeddings), length)


def average_per_model(
    embeddings: ArrayLike, model_index: ArrayLike, num_models: int, policy: AveragePolicy = "raw"
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Average the enrolment embeddings of each model.

    embeddings (N, D); model_index (N,) gives the model of each row, in [0, num_models). The policy "raw"
    averages as they are (Kaldi's sre16 recipe, before its chain of mean, LDA and normalisation);
    "length_normalised" first scales each to unit length, so that each utterance has the same weight.
    The average itself is not normalised. Returns the averages (num_models, D), in the embeddings' own
    precision, and the number of utterances of each (num_models,), which PLDA scoring needs.
    Raises `WespkError` for a model without utterances, an unknown policy, NaN or zero vectors.
    """
    rows = as_embeddings("embeddings", embeddings)
    index = as_index("model_index", model_index, num_models)
    if len(index) != len(rows):
        raise WespkError(f"model_index: {len(index)} items for {len(rows)} embeddings")
    if policy == "length_normalised":
        rows = _scaled("embeddings", rows, "unit")
    elif policy != "raw":
        raise WespkError(f"policy: unknown value '{policy}'; {nearest(policy, ('raw', 'length_normalised'))}")
    counts = np.bincount(index, minlength=num_models)
    if not counts.all():
        raise WespkError(f"model_index: model {int(np.argmin(counts))} has no enrolment utterance")
    return (sum_per_class(rows, index, num_models) / counts[:, None]).astype(rows.dtype), counts


def sum_per_class(rows: FloatArray, index: NDArray[np.intp], num_classes: int) -> NDArray[np.float64]:
    """Return the sums (num_classes, D) of the rows (N, D) of each class, in float64 and in bounded memory."""
    sums = np.zeros((num_classes, rows.shape[1]))
    order = np.argsort(index, kind="stable")
    for start in range(0, len(order), BLOCK_ROWS):
        picked = order[start : start + BLOCK_ROWS]
        classes = index[picked]
        firsts = np.flatnonzero(np.diff(classes, prepend=-1))
        # A class occurs once in classes[firsts], so that the indexed += loses nothing.
        sums[classes[firsts]] += np.add.reduceat(rows[picked].astype(np.float64), firsts, axis=0)
    return sums


def scatter_about(
    rows: FloatArray, centres: NDArray[np.float64], index: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return sum_n d_n d_n^T (D, D), d_n = rows[n] - centres[index[n]], in float64 and in bounded memory."""
    scatter = np.zeros((rows.shape[1], rows.shape[1]))
    for start in range(0, len(rows), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        deviations = rows[part] - centres[index[part]]
        scatter += deviations.T @ deviations
    return scatter


def unit_rows(name: str, rows: FloatArray) -> FloatArray:
    """Return the checked rows (N, D) at unit length; a zero vector raises `WespkError` naming `name`."""
    return _scaled(name, rows, "unit")


def _scaled(name: str, rows: FloatArray, length: Length) -> FloatArray:
    """Return the rows at the given length, without a float64 copy of them."""
    # Scaling by the largest entry first: squares of float32 values around 1e25 or 1e-25 would not fit.
    peak = np.maximum(rows.max(axis=1), -rows.min(axis=1))
    if not peak.all():
        raise WespkError(
            f"{name}: row {int(np.argmin(peak))} is a zero vector ({int((peak == 0).sum())} of {len(rows)} "
            "rows are); it has no direction, extract it again or leave it out"
        )
    scaled = rows / peak[:, None]
    norm = np.sqrt(np.einsum("nd,nd->n", scaled, scaled, dtype=np.float64))
    wanted = 1.0 if length == "unit" else np.sqrt(rows.shape[1])
    scaled *= (wanted / norm)[:, None].astype(rows.dtype)
    return scaled
