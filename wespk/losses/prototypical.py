"""Prototypical losses: one utterance of each speaker against the means of the others."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from wespk.losses.metric import ScaledCosine, speakers_of
from wespk.losses.output import HeadOutput
from wespk.losses.vectors import full_precision, unit_vectors


class PrototypicalLoss(nn.Module):
    """Prototypical loss (Snell et al., NeurIPS 2017; Chung et al., Interspeech 2020, section 2).

    Each speaker's last utterance in the batch is a query, the mean of the speaker's others is the prototype.
    The loss is the mean cross-entropy of the queries over all prototypes, whose logits are the negative
    squared distances of the embeddings as they are, not brought to length 1.

    Speakers may come any number of times. One that comes once has no query: its utterance is a prototype for
    the queries of others.

    The accuracy is the share of queries whose nearest prototype is their own speaker's.

    Args:
        embedding_dim: not used, nothing is trained here; nor is num_classes.
    """

    def __init__(self, embedding_dim: int, num_classes: int) -> None:
        super().__init__()

    def forward(self, embeddings: Tensor, labels: Tensor) -> HeadOutput:
        """Map embeddings (B, D) and labels (B,) to loss and accuracy, in float32 also under autocast.

        Raises `WespkError` for a batch where no speaker comes twice, or with one speaker only.
        """
        with torch.autocast(embeddings.device.type, enabled=False):
            queries, prototypes, own = _episode(embeddings, labels, "prototypical")
            # -|q - c|^2 without |q|^2, which is the same for all prototypes and cancels in softmax
            logits = 2 * queries @ prototypes.T - prototypes.square().sum(dim=1)
            return _output(logits, own)


class AngularPrototypicalLoss(nn.Module):
    """Angular prototypical loss (Chung et al., Interspeech 2020, section 2).

    As `PrototypicalLoss`, accuracy and speakers that come once included, but the logits are w cos(q, c) + b
    of query and prototype. w and b are trained; b, the same for all prototypes, cancels in softmax.

    Args:
        embedding_dim: not used, the similarity's w and b are all that is trained here; nor is num_classes.
    """

    def __init__(self, embedding_dim: int, num_classes: int) -> None:
        super().__init__()
        self.similarity = ScaledCosine()

    def forward(self, embeddings: Tensor, labels: Tensor) -> HeadOutput:
        """Map embeddings (B, D) and labels (B,) to loss and accuracy, in float32 also under autocast.

        Raises `WespkError` for a batch where no speaker comes twice, or with one speaker only.
        """
        with torch.autocast(embeddings.device.type, enabled=False):
            queries, prototypes, own = _episode(embeddings, labels, "angular_prototypical")
            cosine = unit_vectors(queries) @ unit_vectors(prototypes).T
            return _output(self.similarity(cosine), own)


class _Episode(NamedTuple):
    queries: Tensor  # (Q, D): of the speakers that come twice or more
    prototypes: Tensor  # (S, D): of all speakers
    own: Tensor  # (Q,): the prototype of each query's speaker


def _episode(embeddings: Tensor, labels: Tensor, loss: str) -> _Episode:
    speakers = speakers_of(labels, loss)
    vectors = full_precision(embeddings)
    order = torch.arange(len(labels), device=labels.device)
    last = (speakers.members * order).argmax(dim=1)  # (S,)
    own = (speakers.counts > 1).nonzero().squeeze(1)
    support = speakers.members.to(vectors.dtype)
    support[own, last[own]] = 0
    prototypes = (support @ vectors) / support.sum(dim=1, keepdim=True)
    return _Episode(vectors[last[own]], prototypes, own)


def _output(logits: Tensor, own: Tensor) -> HeadOutput:
    """Return loss and accuracy of logits (Q, S)."""
    return HeadOutput(nn.functional.cross_entropy(logits, own), (logits.argmax(dim=1) == own).float().mean())
