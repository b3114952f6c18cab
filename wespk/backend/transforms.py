"""Maps of embeddings that compose: affine ones and length normalisation, in chains.

Mean subtraction, whitening, LDA, WCCN and CORAL are all affine: one matrix (d, D + 1), the form of Kaldi's
lda.mat, does the work of any number of them in a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from wespk.backend.arrays import FloatArray, as_embeddings, as_vector
from wespk.backend.embeddings import BLOCK_ROWS, Length, normalise_length
from wespk.core.errors import WespkError, nearest

LENGTHS = ("unit", "sqrt_dim")


@dataclass(frozen=True, eq=False)
class Affine:
    """The map x -> A x + b from D to d dimensions; `matrix` (d, D + 1), float64, is A with b as last column.

    Raises `WespkError` for NaN and for a matrix of one column, which would take nothing.
    """

    matrix: FloatArray

    def __post_init__(self) -> None:
        matrix = np.array(as_embeddings("matrix", self.matrix), dtype=np.float64)
        if matrix.shape[1] < 2:
            raise WespkError("matrix: 1 column alone; an affine matrix has one a dimension and an offset")
        object.__setattr__(self, "matrix", matrix)

    @staticmethod
    def subtracting(mean: ArrayLike) -> Affine:
        """Return x -> x - mean, mean (D,)."""
        vector = as_vector("mean", mean)
        return Affine(np.column_stack([np.eye(len(vector)), -vector]))

    @staticmethod
    def taking(dim: int, matrix: ArrayLike) -> Affine:
        """Return the map of a Kaldi matrix (d, D) or (d, D + 1) for embeddings of `dim` = D dimensions.

        As for Kaldi's ivector-transform, D columns are a linear map, and one more is an offset. Raises
        `WespkError` for any other number of columns.
        """
        rows = as_embeddings("matrix", matrix)
        if rows.shape[1] == dim:
            rows = np.column_stack([rows, np.zeros(len(rows))])
        if rows.shape[1] != dim + 1:
            raise WespkError(
                f"matrix: {len(rows)} x {rows.shape[1]}, and embeddings of {dim} dimensions need {dim} or "
                f"{dim + 1} columns; it must come from embeddings of the same model"
            )
        return Affine(rows)

    @property
    def input_dim(self) -> int:
        """D, the dimensions taken."""
        return self.matrix.shape[1] - 1

    @property
    def output_dim(self) -> int:
        """d, the dimensions given."""
        return len(self.matrix)

    def apply(self, embeddings: ArrayLike) -> FloatArray:
        """Map (N, D) to (N, d), computed in float64 blocks, given back in the embeddings' own precision.

        An average maps to the average of the mapped. Raises `WespkError` for NaN, for other dimensions, and
        for a result that the precision cannot hold.
        """
        rows = as_embeddings("embeddings", embeddings, self.input_dim)
        linear, offset = self.matrix[:, :-1], self.matrix[:, -1]
        mapped = np.empty((len(rows), len(linear)), rows.dtype)
        try:
            with np.errstate(over="raise"):
                for start in range(0, len(rows), BLOCK_ROWS):
                    block = rows[start : start + BLOCK_ROWS].astype(np.float64)
                    if not self._keeps_axes:
                        block = block @ linear.T
                    block += offset
                    mapped[start : start + BLOCK_ROWS] = block
        except FloatingPointError:
            raise WespkError(f"embeddings: mapped, they pass what {rows.dtype} holds; scale them") from None
        return mapped

    def before(self, other: Affine) -> Affine:
        """Return the one map that does this and then `other`."""
        linear, offset = other.matrix[:, :-1], other.matrix[:, -1]
        matrix = linear @ self.matrix
        matrix[:, -1] += offset
        return Affine(matrix)

    @cached_property
    def _keeps_axes(self) -> bool:
        """Whether A = I, as for mean subtraction, which needs no product."""
        return self.matrix.shape[1] == len(self.matrix) + 1 and np.array_equal(
            self.matrix[:, :-1], np.eye(len(self.matrix))
        )


@dataclass(frozen=True)
class LengthNorm:
    """Each row is scaled to length 1 ("unit") or sqrt(D) ("sqrt_dim"), see `normalise_length`."""

    length: Length = "unit"

    def __post_init__(self) -> None:
        if self.length not in LENGTHS:
            raise WespkError(f"length: unknown value '{self.length}'; {nearest(self.length, LENGTHS)}")

    def apply(self, embeddings: ArrayLike) -> FloatArray:
        """Scale (N, D); a zero vector raises `WespkError`."""
        return normalise_length(embeddings, self.length)


Step = Affine | LengthNorm


@dataclass(frozen=True)
class Chain:
    """Steps applied one after another; without any, embeddings stay as they are.

    Raises `WespkError` where a step takes other dimensions than those before it give.
    """

    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        dim: int | None = None
        for number, step in enumerate(self.steps, 1):
            if isinstance(step, Affine):
                if dim is not None and dim != step.input_dim:
                    raise WespkError(
                        f"step {number} takes {step.input_dim} dimensions, and those before it give {dim}"
                    )
                dim = step.output_dim

    @staticmethod
    def of(parts: list[FloatArray | str]) -> Chain:
        """Return the chain of affine matrices (d, D + 1) and names of lengths, as `parts` gives them."""
        return Chain(
            tuple(LengthNorm(cast(Length, part)) if isinstance(part, str) else Affine(part) for part in parts)
        )

    @property
    def parts(self) -> list[FloatArray | str]:
        """The matrix of each affine step, the name of each length: what a file of the chain holds."""
        return [step.matrix if isinstance(step, Affine) else step.length for step in self.steps]

    @property
    def input_dim(self) -> int | None:
        """The dimensions that the chain takes; None if it takes any."""
        return next((step.input_dim for step in self.steps if isinstance(step, Affine)), None)

    def apply(self, embeddings: ArrayLike) -> FloatArray:
        """Map embeddings (N, D) to (N, d), in their own precision (float32 stays float32).

        Raises `WespkError` for NaN, other dimensions, and a zero vector where a length is normalised.
        """
        rows = as_embeddings("embeddings", embeddings)
        for step in self.composed().steps:
            rows = step.apply(rows)
        return rows

    def then(self, other: Step | Chain) -> Chain:
        """Return this chain followed by a step or by another chain."""
        return Chain(self.steps + (other.steps if isinstance(other, Chain) else (other,)))

    def composed(self) -> Chain:
        """Return the same map with each run of affine steps made into one."""
        steps: list[Step] = []
        for step in self.steps:
            last = steps[-1] if steps else None
            if isinstance(last, Affine) and isinstance(step, Affine):
                steps[-1] = last.before(step)
            else:
                steps.append(step)
        return Chain(tuple(steps))
