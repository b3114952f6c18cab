"""What every loss returns to the training loop."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class HeadOutput(NamedTuple):
    """The result of one batch, two scalars.

    `loss` is the mean over the batch (over its triplets, for a loss on triplets). `accuracy`, 0 to 1, is the
    share of the decisions that came out right, free of any margin; each loss says what its decisions are.
    """

    loss: Tensor
    accuracy: Tensor
