import torch

from wespk.models.eres2net import FusedRes2Block
from wespk.models.eres2netv2 import ERes2NetV2


def test_only_stage_3_is_fused_into_stage_4():
    torch.manual_seed(0)
    model = ERes2NetV2(16, depths=(1, 1, 1, 1), channels=8).eval()
    stem = maps = model.stem(torch.randn(2, 1, 16, 24))
    outputs = []
    for stage in model.stages:
        maps, _ = stage(maps, None)
        outputs.append(maps)
    (downsample,), (fusion,) = model.fusion.downsamples, model.fusion.fusions
    expected = fusion(outputs[3], downsample(outputs[2]))
    torch.testing.assert_close(model.maps(stem, None)[0], expected)


def test_local_fusion_is_in_the_last_two_stages_of_thinner_groups():
    model = ERes2NetV2(16, depths=(1, 1, 1, 1))
    blocks = [stage.blocks[0] for stage in model.stages]
    assert [isinstance(block, FusedRes2Block) for block in blocks] == [False, False, True, True]
    assert [block.width for block in blocks] == [26, 52, 104, 208]
