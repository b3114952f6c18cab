"""Hidden blocks and dropout before any head: `hidden: [512]`, `dropout: 0.1` beside its name in a recipe."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator
from torch import Tensor, nn

from wespk.core.config import StrictModel
from wespk.losses.output import HeadOutput, utterance_losses


class HiddenOptions(StrictModel):
    """What stands before the head: the widths of the blocks, and the share of values that dropout clears."""

    hidden: tuple[Annotated[int, Field(ge=1, le=16_384)], ...] = ()
    dropout: float = Field(0.0, ge=0, lt=1)

    @field_validator("hidden", mode="before")
    @classmethod
    def _is_a_list(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise ValueError("must be a list of widths, such as [512]")
        return value


class HiddenHead(nn.Module):
    """A head that sees the embedding through hidden blocks; these are trained and then left behind with it.

    A block is ReLU, batch norm and an affine layer, so that `hidden: [512]` is the second segment layer of
    the x-vector network (Snyder et al., ICASSP 2018, table 1) in training, and the head gets values of
    either sign, which a cosine needs. Dropout is applied once, right before the head.

    `head` takes embeddings of the last block's width.
    """

    def __init__(self, embedding_dim: int, options: HiddenOptions, head: nn.Module) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in options.hidden:
            layers += [nn.ReLU(), nn.BatchNorm1d(embedding_dim), nn.Linear(embedding_dim, width)]
            embedding_dim = width
        if options.dropout:
            layers.append(nn.Dropout(options.dropout))
        self.blocks = nn.Sequential(*layers)
        self.head = head

    def forward(self, embeddings: Tensor, labels: Tensor) -> HeadOutput:
        """Map embeddings (B, D) and labels (B,) to what the head makes of them."""
        return self.head(self.blocks(embeddings), labels)

    def utterance_losses(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the head's loss of each utterance (B,); `WespkError` where it has none."""
        return utterance_losses(self.head, self.blocks(embeddings), labels)
