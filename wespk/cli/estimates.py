"""What the verbs that estimate a matrix share: its errors named, its floored directions told, its file."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from wespk.cli.scoring import error_of
from wespk.core.errors import WespkError
from wespk.core.progress import say
from wespk.data.kaldi_objects import write_matrix

Affine = NDArray[np.float64]


def write_estimate(
    args: Namespace, source: str, estimate: Callable[[Callable[[int], None]], Affine], floored: str
) -> Affine:
    """Write to `args.matrix` what `estimate(on_floored)` makes of the embeddings of `source`; return it.

    `floored` goes on after the number of directions whose variance had to be floored.
    """
    try:
        matrix = estimate(lambda count: say(f"{args.matrix}: {count} directions {floored}"))
    except WespkError as error:
        raise error_of(source, error) from None
    write_matrix(args.matrix, matrix.astype("float32"), binary=not args.text)
    return matrix
