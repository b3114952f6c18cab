"""What every loss returns to the training loop, and some for each utterance."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor, nn

from wespk.core.errors import WespkError


class HeadOutput(NamedTuple):
    """The result of one batch, two scalars.

    `loss` is the mean over the batch (over its triplets, for a loss on triplets). `accuracy`, 0 to 1, is the
    share of the decisions that came out right, free of any margin; each loss says what its decisions are.
    """

    loss: Tensor
    accuracy: Tensor


def utterance_losses(head: nn.Module, embeddings: Tensor, labels: Tensor) -> Tensor:
    """Return the head's loss of each utterance (B,), for embeddings (B, D) and labels (B,).

    Their mean is the loss that `head` returns. Raises `WespkError` for a head that has none: one that
    compares the utterances of a batch with each other, or a weighted sum.
    """
    of_each: Any = getattr(head, "utterance_losses", None)
    if of_each is None:
        raise WespkError(
            f"{type(head).__name__} has no loss of a single utterance; take a classification loss, as aam"
        )
    return of_each(embeddings, labels)
