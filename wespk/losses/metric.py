"""What the losses on similarities within a batch share.

They learn from several utterances of a speaker in one batch (with several processes: in the part of it that
a process sees), and have nothing to do with the number of training speakers.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from wespk.core.errors import WespkError

REMEDY = "raise batch_size (each process draws its share of a batch at random)"


class Speakers(NamedTuple):
    """The speakers of a batch of B utterances, S of them, in the order of their labels.

    `rows` (B,) says which of them each utterance is of, `members` (S, B) is true where an utterance is of the
    speaker, `counts` (S,) are the utterances of each.
    """

    rows: Tensor
    members: Tensor
    counts: Tensor


def speakers_of(labels: Tensor, loss: str) -> Speakers:
    """Group labels (B,) by speaker.

    Raises `WespkError`, on behalf of the named loss, unless there are two speakers and one of them twice.
    """
    found, rows, counts = labels.unique(return_inverse=True, return_counts=True)
    if len(found) == len(labels):
        raise WespkError(
            f"loss {loss} compares utterances of one speaker, but no speaker comes twice in this batch of "
            f"{len(labels)}; {REMEDY}"
        )
    if len(found) == 1:
        raise WespkError(
            f"loss {loss} compares speakers, but this batch of {len(labels)} is all of one speaker; {REMEDY}"
        )
    return Speakers(rows, labels == found.unsqueeze(1), counts)


class ScaledCosine(nn.Module):
    """w cos + b, trained, from w = 10 and b = -5 (Wan et al., ICASSP 2018).

    w is the softplus of what is trained: close to the identity at 10, and above 0 for any value.
    """

    def __init__(self, scale: float = 10.0, bias: float = -5.0) -> None:
        super().__init__()
        self.raw_scale = nn.Parameter(torch.tensor(scale + math.log(-math.expm1(-scale))))
        self.bias = nn.Parameter(torch.tensor(bias))

    @property
    def scale(self) -> Tensor:
        """w, above 0, a scalar."""
        return nn.functional.softplus(self.raw_scale)

    def forward(self, cosine: Tensor) -> Tensor:
        """Map cosines to similarities, any shape."""
        return self.scale * cosine + self.bias
