"""Unit vectors in full precision; and what the losses on similarities within a batch share.

Those learn from several utterances of a speaker in one batch (with several processes: in the part of it that
a process sees), and have nothing to do with the number of training speakers.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from wespk.core.errors import WespkError


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
            f"loss {loss}: no speaker comes twice in this batch of {len(labels)}; raise batch_size, "
            "or draw several utterances of each speaker"
        )
    if len(found) == 1:
        raise WespkError(
            f"loss {loss}: this batch of {len(labels)} is all of one speaker; raise batch_size, "
            "or draw the utterances of several speakers"
        )
    return Speakers(rows, labels == found.unsqueeze(1), counts)


def full_precision(embeddings: Tensor) -> Tensor:
    """Return the embeddings in float32; float64 stays."""
    return embeddings.to(torch.promote_types(embeddings.dtype, torch.float32))


def unit_vectors(embeddings: Tensor) -> Tensor:
    """Scale embeddings (B, D) to length 1, in float32; float64 stays."""
    return nn.functional.normalize(full_precision(embeddings))


class ScaledCosine(nn.Module):
    """w cos + b, trained, from w = 10 and b = -5 (Wan et al., ICASSP 2018, equation 5 and section 3).

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
