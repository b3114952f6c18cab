"""Triplet loss on cosines, over triplets that are mined within the batch."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from wespk.core.errors import WespkError
from wespk.losses.metric import speakers_of
from wespk.losses.output import HeadOutput
from wespk.losses.vectors import unit_vectors

INFINITE = float("inf")


class TripletLoss(nn.Module):
    """Mean of max(0, cos(anchor, negative) - cos(anchor, positive) + margin) over the mined triplets.

    On unit vectors this is half of FaceNet's loss on squared distances with twice the margin (Schroff et al.,
    CVPR 2015, section 3.1; its 0.2 is 0.1 here). An anchor is any utterance whose speaker comes again in the
    batch; utterances of speakers that come once serve as negatives. `mining` chooses the triplets:

    - `batch_hard`: one for each anchor, of its least similar positive and its most similar negative (Hermans
      et al., arXiv 1703.07737, section 2).
    - `semi_hard`: one for each anchor and positive, of the most similar negative that is less similar than
      the positive (FaceNet, section 3.2), or of the least similar negative where none is.
    - `n_negatives`: `negatives` for each anchor, of one positive, the speaker's next utterance in the batch
      (the first follows the last), and each of the most similar negatives.

    The accuracy does not depend on the mining: of all triplets in the batch, the share whose positive is more
    similar to the anchor than the negative is. Equal similarity is not, so a network that has collapsed to
    one point has accuracy 0.

    Args:
        embedding_dim: not used, nothing is trained here; nor is num_classes.
        margin: a difference of cosines, 0 to 2. It may be changed between steps.
        mining: see above.
        negatives: n of `n_negatives`, which each anchor must have in the batch.
    """

    def __init__(
        self,
        embedding_dim: int,
        num_classes: int,
        margin: Annotated[float, Field(ge=0, le=2)] = 0.1,
        mining: Literal["batch_hard", "semi_hard", "n_negatives"] = "batch_hard",
        negatives: Annotated[int, Field(ge=1)] = 10,
    ) -> None:
        super().__init__()
        self.margin = margin
        self.mining = mining
        self.negatives = negatives

    def forward(self, embeddings: Tensor, labels: Tensor) -> HeadOutput:
        """Map embeddings (B, D) and labels (B,) to loss and accuracy, in float32 also under autocast.

        Raises `WespkError` for a batch without a positive or a negative, or with fewer negatives than n.
        """
        speakers_of(labels, "triplet")
        same = labels.unsqueeze(1) == labels  # (B, B)
        positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        with torch.autocast(embeddings.device.type, enabled=False):
            unit = unit_vectors(embeddings)
            cosine = unit @ unit.T  # (B, B): a row is an anchor
            # The negatives of each row in rising order, what is none of them behind; how many of them are
            # less similar than each column of the row. Memory stays at (B, B) for all triplets.
            ranked = cosine.masked_fill(same, INFINITE).sort(dim=1).values
            easier = torch.searchsorted(ranked.detach(), cosine.detach())
            gap = self._mined(cosine, same, positive, ranked, easier)
            loss = (gap + self.margin).relu().mean()
            triplets = positive.sum(dim=1) * (~same).sum(dim=1)  # (B,) of each anchor
            accuracy = easier[positive].sum() / triplets.sum()
        return HeadOutput(loss, accuracy)

    def _mined(
        self, cosine: Tensor, same: Tensor, positive: Tensor, ranked: Tensor, easier: Tensor
    ) -> Tensor:
        """Return how much more similar the negative is than the positive, in each triplet chosen."""
        if self.mining == "semi_hard":
            chosen = (easier - 1).clamp_min(0)  # the hardest of the easier ones; the easiest where none is
            return (ranked.gather(1, chosen) - cosine)[positive]
        anchors = positive.any(dim=1)
        cosine, same, positive = cosine[anchors], same[anchors], positive[anchors]
        negatives = cosine.masked_fill(same, -INFINITE)
        if self.mining == "batch_hard":
            return negatives.amax(dim=1) - cosine.masked_fill(~positive, INFINITE).amin(dim=1)
        fewest = int((~same).sum(dim=1).min())
        if fewest < self.negatives:
            raise WespkError(
                f"loss triplet: an utterance has {fewest} negatives in this batch of {same.shape[1]}, not "
                f"{self.negatives}; raise batch_size or lower negatives"
            )
        columns = torch.arange(same.shape[1], device=same.device)
        behind = (columns - columns[anchors].unsqueeze(1)) % same.shape[1]  # steps from the anchor on
        following = behind.masked_fill(~positive, same.shape[1]).argmin(dim=1, keepdim=True)
        return negatives.topk(self.negatives, dim=1).values - cosine.gather(1, following)
