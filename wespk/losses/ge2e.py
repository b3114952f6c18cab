"""Generalised end-to-end loss: utterances against the centroids of the batch's speakers."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from wespk.losses.metric import ScaledCosine, speakers_of
from wespk.losses.output import HeadOutput
from wespk.losses.vectors import unit_vectors


class Ge2eLoss(nn.Module):
    """GE2E loss (Wan et al., ICASSP 2018): every utterance should be near its speaker's centroid.

    The similarity of an utterance to a speaker is w cos(e, c) + b, c the mean of the speaker's unit vectors;
    for its own speaker, of the speaker's other ones. With `softmax` the loss of an utterance is the
    cross-entropy of its similarities, where b cancels; with `contrast` it is 1 - sigmoid of its own speaker's
    similarity + the largest sigmoid of another's. The paper sums over the batch; the mean here keeps the
    learning rate apart from the batch size.

    Speakers may come any number of times. An utterance whose speaker comes once has no centroid of its own to
    be compared with: it is a centroid for the others only.

    The accuracy is the share of the compared utterances whose own speaker's centroid is the most similar one.

    Args:
        embedding_dim: not used, the similarity's w and b are all that is trained here; nor is num_classes.
        variant: see above; the paper takes softmax for text-independent verification.
    """

    def __init__(
        self, embedding_dim: int, num_classes: int, variant: Literal["softmax", "contrast"] = "softmax"
    ) -> None:
        super().__init__()
        self.variant = variant
        self.similarity = ScaledCosine()

    def forward(self, embeddings: Tensor, labels: Tensor) -> HeadOutput:
        """Map embeddings (B, D) and labels (B,) to loss and accuracy, in float32 also under autocast.

        Raises `WespkError` for a batch where no speaker comes twice, or with one speaker only.
        """
        speakers = speakers_of(labels, "ge2e")
        compared = speakers.counts[speakers.rows] > 1  # (B,)
        own = speakers.rows[compared].unsqueeze(1)  # (Q, 1) of the Q compared
        with torch.autocast(embeddings.device.type, enabled=False):
            unit = unit_vectors(embeddings)
            queries = unit[compared]  # (Q, D)
            sums = speakers.members.to(unit.dtype) @ unit  # (S, D): a cosine needs no mean
            cosine = queries @ unit_vectors(sums).T  # (Q, S)
            others = unit_vectors(sums[own.squeeze(1)] - queries)  # (Q, D)
            cosine = cosine.scatter(1, own, (queries * others).sum(dim=1, keepdim=True))
            similarity = self.similarity(cosine)
            loss = self._loss(similarity, own)
            accuracy = (cosine.argmax(dim=1, keepdim=True) == own).float().mean()
        return HeadOutput(loss, accuracy)

    def _loss(self, similarity: Tensor, own: Tensor) -> Tensor:
        """Return the mean loss of similarities (Q, S) whose own speakers' columns are `own` (Q, 1)."""
        if self.variant == "softmax":
            return nn.functional.cross_entropy(similarity, own.squeeze(1))
        nearest_other = similarity.scatter(1, own, float("-inf")).amax(dim=1)
        return (1 - similarity.gather(1, own).squeeze(1).sigmoid() + nearest_other.sigmoid()).mean()
