import pytest
import torch

from wespk.models.eres2net import AttentionalFusion, BottomUpFusion, ERes2Net, FusedRes2Block
from wespk.models.res2net import clipped_relu


def fusion_of(channels: int) -> AttentionalFusion:
    torch.manual_seed(0)
    return AttentionalFusion(channels).double().eval()


def pair(channels: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randn(2, channels, 4, 5).double(), torch.randn(2, channels, 4, 5).double()


def test_fusion_is_the_equation_over_inputs_side_by_side():
    fusion, (x, y) = fusion_of(8), pair()
    hidden = torch.nn.functional.silu(fusion.squeeze_norm(fusion.squeeze(torch.cat([x, y], dim=1))))
    gate = torch.tanh(fusion.excite_norm(fusion.excite(hidden)))
    torch.testing.assert_close(fusion(x, y), x * (1 + gate) + y * (1 - gate))


@pytest.mark.parametrize(("bias", "weight_of_x"), [(0.0, 1.0), (40.0, 2.0), (-40.0, 0.0)])
def test_the_gate_goes_from_one_input_by_their_sum_to_the_other(bias, weight_of_x):
    fusion, (x, y) = fusion_of(8), pair()
    torch.nn.init.zeros_(fusion.excite_norm.weight)
    torch.nn.init.constant_(fusion.excite_norm.bias, bias)
    torch.testing.assert_close(fusion(x, y), weight_of_x * x + (2 - weight_of_x) * y)


def test_padding_that_is_zero_in_both_inputs_stays_zero():
    fusion, (x, y) = fusion_of(8), pair()
    x[..., 3:], y[..., 3:] = 0, 0
    assert not fusion(x, y)[..., 3:].any()


def test_groups_are_joined_by_fusion_and_all_convolved():
    torch.manual_seed(0)
    block = FusedRes2Block(16, 16, stride=1, base_width=32, scale=3).double().eval()
    x = torch.randn(2, 16, 6, 9).double()
    first, second, third = clipped_relu(block.split(x)).chunk(3, dim=1)
    y1 = clipped_relu(block.branches[0](first))
    y2 = clipped_relu(block.branches[1](block.fusions[0](y1, second)))
    y3 = clipped_relu(block.branches[2](block.fusions[1](y2, third)))
    expected = clipped_relu(block.merge(torch.cat([y1, y2, y3], dim=1)) + block.shortcut(x))
    torch.testing.assert_close(block(x, None), expected)


def test_bottom_up_fusion_brings_the_result_so_far_to_each_stages_size():
    torch.manual_seed(0)
    fusion = BottomUpFusion([4, 8, 16]).eval()
    one, two, three = torch.randn(2, 4, 8, 9), torch.randn(2, 8, 4, 5), torch.randn(2, 16, 2, 3)
    so_far = fusion.fusions[0](two, fusion.downsamples[0](one))
    expected = fusion.fusions[1](three, fusion.downsamples[1](so_far))
    torch.testing.assert_close(fusion([one, two, three], [None] * 3), expected)


def test_local_fusion_is_in_the_last_two_stages_and_global_fusion_over_all():
    model = ERes2Net(16, depths=(1, 2, 2, 1), channels=8)
    fused = [[isinstance(block, FusedRes2Block) for block in stage.blocks] for stage in model.stages]
    assert fused == [[False], [False, False], [True, True], [True]]
    assert [conv.in_channels for conv in model.fusion.downsamples] == [16, 32, 64]
