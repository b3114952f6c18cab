"""Sizes, ranges, means and deviations of many matrices, in one pass and bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wespk.core.errors import WespkError

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Count, mean, sum of squared deviations, minimum and maximum of finite values, each (C,) float64."""

    count: Doubles
    mean: Doubles
    squares: Doubles
    low: Doubles
    high: Doubles

    @property
    def deviation(self) -> Doubles:
        """Standard deviation of the population; NaN where there is no value."""
        with np.errstate(invalid="ignore"):
            return np.sqrt(self.squares / self.count)

    def joined(self, other: Moments) -> Moments:
        """Return the moments of both sets of values (Chan, Golub and LeVeque, 1983)."""
        count = self.count + other.count
        share = other.count / np.maximum(count, 1)
        apart = other.mean - self.mean
        return Moments(
            count,
            self.mean + apart * share,
            self.squares + other.squares + apart**2 * self.count * share,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
        )

    def overall(self) -> Moments:
        """Return the moments of all columns' values together, (1,)."""
        total = _nothing(1)
        for place in range(len(self.count)):
            total = total.joined(Moments(*(part[place : place + 1] for part in self._parts())))
        return total

    def _parts(self) -> tuple[Doubles, ...]:
        return self.count, self.mean, self.squares, self.low, self.high


@dataclass(frozen=True)
class MatrixStats:
    """Moments of each column, the rows of each matrix, and how many values of which are not finite."""

    columns: Moments
    rows: NDArray[np.int64]
    non_finite: dict[str, int]


def moments(matrix: NDArray[np.float32]) -> Moments:
    """Return the moments of each column of a matrix (R, C), of its finite values, in float64."""
    with np.errstate(invalid="ignore"):  # a NaN of the signalling kind
        values = matrix.astype(np.float64)
    finite = np.isfinite(values)
    if not len(values):
        return _nothing(values.shape[1])
    if finite.all():
        mean = values.mean(axis=0)
        deviations = values - mean
        count = np.full(values.shape[1], float(len(values)))
        return Moments(
            count, mean, np.einsum("rc,rc->c", deviations, deviations), values.min(axis=0), values.max(axis=0)
        )
    count = finite.sum(axis=0).astype(np.float64)
    mean = np.where(finite, values, 0).sum(axis=0) / np.maximum(count, 1)
    deviations = np.where(finite, values - mean, 0) if count.any() else np.zeros_like(values)
    return Moments(
        count,
        mean,
        np.einsum("rc,rc->c", deviations, deviations),
        np.where(finite, values, np.inf).min(axis=0),
        np.where(finite, values, -np.inf).max(axis=0),
    )


def matrix_stats(items: Iterable[tuple[str, NDArray[np.float32]]]) -> MatrixStats:
    """Go through `(key, matrix)` once. A vector counts as a matrix of one column, an empty matrix as 0 rows.

    Raises `WespkError` naming a matrix whose columns are not those of the first, and when there is none.
    """
    total: Moments | None = None
    rows: list[int] = []
    non_finite: dict[str, int] = {}
    first = ""
    for key, array in items:
        matrix = array if array.ndim == 2 else array[:, None]
        rows.append(len(matrix))
        if not matrix.size:
            continue
        if total is None:
            total, first = _nothing(matrix.shape[1]), key
        if len(total.count) != matrix.shape[1]:
            raise WespkError(
                f"'{key}' has {matrix.shape[1]} columns where '{first}' has {len(total.count)}; "
                "these are features of different kinds"
            )
        part = moments(matrix)
        missing = matrix.size - int(part.count.sum())
        if missing:
            non_finite[key] = missing
        total = total.joined(part)
    if total is None:
        raise WespkError(f"there are no numbers in {len(rows)} matrices" if rows else "there are no matrices")
    return MatrixStats(total, np.array(rows, dtype=np.int64), non_finite)


def _nothing(columns: int) -> Moments:
    zeros = np.zeros(columns)
    return Moments(zeros, zeros, zeros, np.full(columns, np.inf), np.full(columns, -np.inf))
