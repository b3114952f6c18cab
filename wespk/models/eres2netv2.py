"""ERes2NetV2: a wider ERes2Net with thinner groups, fused across its last two stages only.

Chen et al., "ERes2NetV2: Boosting Short-Duration Speaker Verification Performance with Computational
Efficiency", Interspeech 2024 (arXiv 2406.02167). With 80 bins and 192-d embeddings it has 17.86 M parameters,
as 3D-Speaker's.
"""

from __future__ import annotations

from typing import cast

from pydantic import PositiveInt
from torch import Tensor

from wespk.models.eres2net import BottomUpFusion, four_stages
from wespk.models.pooling import PoolingOption
from wespk.models.residual import Depths, ResidualNetwork, Stage


class ERes2NetV2(ResidualNetwork):
    """ERes2NetV2: local fusion in stages 3 and 4, global fusion of stage 3 into stage 4.

    Args:
        feat_dim: columns of the features, F.
        embedding_dim: size of the embedding, D.
        pooling: name of the pooling, or a mapping of its name and options.
        channels: channels of the first stage; they double at each of the three halvings of the resolution.
        depths: blocks in each stage.
        base_width: channels of a group for each 64 channels of a block.
        scale: channel groups of a block.
    """

    def __init__(
        self,
        feat_dim: int,
        embedding_dim: PositiveInt = 192,
        pooling: PoolingOption = "tstp",
        channels: PositiveInt = 64,
        depths: Depths = (3, 4, 6, 3),
        base_width: PositiveInt = 26,
        scale: PositiveInt = 2,
    ) -> None:
        blocks = four_stages(base_width, scale)
        super().__init__(feat_dim, embedding_dim, pooling, channels, depths, blocks)
        self.fusion = BottomUpFusion([cast(Stage, stage).out_channels for stage in self.stages[2:]])

    def maps(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Run the stages over the stem's maps and fuse the last two; return that and its mask."""
        first, second, third, fourth = self.stages
        x, mask = second(*first(x, mask))
        x, mask_of_third = third(x, mask)
        y, mask = fourth(x, mask_of_third)
        return self.fusion([x, y], [mask_of_third, mask]), mask
