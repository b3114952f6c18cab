"""Covariances of embeddings, and their square roots where some directions hardly vary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wespk.backend.arrays import FloatArray, IndexArray
from wespk.backend.embeddings import scatter_about, sum_per_class
from wespk.core.errors import WespkError

Doubles = NDArray[np.float64]
OnFloored = Callable[[int], None]

# Variance that is this small beside the rest is rounding.
SINGULAR = 1e-12
COVARIANCE_FLOOR = 1e-6  # Kaldi's


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues (D,) of a covariance, ascending and above 0, and eigenvectors (D, D), as columns."""

    values: Doubles
    vectors: Doubles
    num_floored: int  # values that were raised

    def power(self, exponent: float) -> Doubles:
        """Return the symmetric power (D, D) of the covariance."""
        return (self.vectors * self.values**exponent) @ self.vectors.T


def total_covariance(what: str, rows: FloatArray) -> tuple[Doubles, Doubles]:
    """Return the mean (D,) and covariance (D, D), divided by N, of checked rows (N, D), in float64.

    Raises `WespkError` naming `what` when the rows do not vary at all.
    """
    mean = rows.mean(axis=0, dtype=np.float64)
    covariance = scatter_about(rows, mean[None], np.zeros(len(rows), np.intp)) / len(rows)
    if np.trace(covariance) <= SINGULAR * (mean @ mean):
        raise WespkError(f"{what}: the embeddings do not vary ({len(rows)} are given); give different ones")
    return mean, covariance


def class_covariances(
    what: str, rows: FloatArray, index: IndexArray, counts: IndexArray
) -> tuple[Doubles, Doubles, Doubles]:
    """Return the mean (D,), and between- and within-speaker covariance (D, D) with T = B + W.

    Each vector counts alike, in the mean too: a speaker weighs by the number of utterances. Raises
    `WespkError` naming `what` when nothing varies within speakers.
    """
    centres = sum_per_class(rows, index, len(counts)) / counts[:, None]
    share = counts / len(rows)
    mean = share @ centres
    spread = centres - mean
    between = (share[:, None] * spread).T @ spread
    within = scatter_about(rows, centres, index) / len(rows)
    if np.trace(within) <= SINGULAR * np.trace(within + between):
        raise WespkError(
            f"{what}: the embeddings do not vary within speakers (one utterance each, or repeated or "
            "constant embeddings?); give more utterances a speaker"
        )
    return mean, between, within


def floored_spectrum(covariance: Doubles, floor: float, on_floored: OnFloored | None = None) -> Spectrum:
    """Return the eigenvalues and eigenvectors of a covariance; values below floor x the largest become that.

    on_floored(count), if given, is called with the number of floored values when there are any. Raises
    `WespkError` for a floor outside (0, 1).
    """
    if not 0.0 < floor < 1.0:
        raise WespkError(f"covariance_floor is {floor}; it lies between 0 and 1, both excluded")
    values, vectors = np.linalg.eigh(covariance)
    least = floor * values[-1]
    num_floored = int((values < least).sum())
    if num_floored and on_floored:
        on_floored(num_floored)
    return Spectrum(np.maximum(values, least), vectors, num_floored)


def symmetric_power(covariance: Doubles, exponent: float) -> Doubles:
    """Return the symmetric power (D, D) of a covariance; an eigenvalue rounded below 0 counts as 0."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.maximum(values, 0.0) ** exponent) @ vectors.T
