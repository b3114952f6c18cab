"""ResNet and ResNetSE: published sizes, what they see, and what padding and narrow widths may not change."""

from functools import partial

import pytest
import torch
from small_networks import trained
from torch import nn
from torch.export import Dim

from wespk.core.config import Component
from wespk.core.errors import WespkError
from wespk.models import build_model, num_parameters
from wespk.models.residual import ResidualNetwork, SlicingConv2d, conv_norm, make_shortcut, receptive_field
from wespk.models.resnet import BasicBlock, Bottleneck, ResNet, resnet34, resnet221, resnet293
from wespk.models.resnetse import ResNetSe, SeBasicBlock, SeBottleneck, resnetse34

SMALL = {
    "basic": partial(ResNet, depths=(1, 2, 1, 1), channels=4),
    "bottleneck": partial(ResNet, depths=(1, 2, 1, 1), channels=4, bottleneck=True),
    "se_basic": partial(ResNetSe, depths=(1, 2, 1, 1), channels=4, bottleneck=False),
    "se_bottleneck": partial(ResNetSe, depths=(1, 2, 1, 1), channels=4),
}


@pytest.mark.parametrize(
    ("make", "feat_dim", "published", "dim"),
    [
        (resnet34, 80, "6.63", 256),  # WeSpeaker's table
        (resnet221, 80, "23.79", 256),
        (resnet293, 80, "28.62", 256),
        (resnetse34, 80, "7.8", 192),  # mvector's table
        (partial(resnetse34, embedding_dim=512, bottleneck=False), 64, "8.0", 512),  # Heo et al., H / ASP
    ],
)
def test_parameter_counts_are_the_published_ones(make, feat_dim, published, dim):
    with torch.device("meta"):
        model = make(feat_dim)
    assert str(num_parameters(model) / 1e6).startswith(published)
    assert model.embedding_dim == dim


@pytest.mark.parametrize("name", SMALL)
def test_embedding_does_not_depend_on_batch_mates_nor_on_what_pads_it(name):
    model = trained(SMALL[name](24))
    lengths = torch.tensor([90, 61, 40, 9])
    features = torch.randn(4, 90, 24)
    with torch.no_grad():
        together = model(features, lengths)
        alone = torch.cat([model(features[i : i + 1, :length]) for i, length in enumerate(lengths)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_lengths_that_pad_nothing_change_nothing(name):
    model = trained(SMALL[name](24))
    features = torch.randn(2, 32, 24)
    with torch.no_grad():
        torch.testing.assert_close(model(features, torch.tensor([32, 32])), model(features))


@pytest.mark.parametrize("name", SMALL)
def test_gradients_reach_every_parameter_also_in_bfloat16(name):
    model = SMALL[name](24).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        embeddings = model(torch.randn(4, 40, 24), torch.tensor([40, 33, 20, 8]))
    embeddings.float().square().sum().backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), parameter_name


@pytest.mark.parametrize("bottleneck", [False, True])
@pytest.mark.parametrize("depths", [(1, 1, 1, 1), (2, 1, 2, 1)])
def test_a_frame_sees_its_receptive_field_and_nothing_else(depths, bottleneck):
    model = ResNet(8, depths=depths, channels=2, bottleneck=bottleneck).double().eval()
    for parameter in model.parameters():
        parameter.data.abs_()  # no ReLU closes, so that no derivative vanishes
    num_frames = 16 * (model.receptive_field // 8)
    x = torch.rand(1, 1, 8, num_frames, dtype=torch.float64, requires_grad=True)
    maps, _ = model.maps(model.stem(x), None)
    maps[..., maps.shape[-1] // 2].sum().backward()
    seen = x.grad.abs().sum(dim=(0, 1, 2)).nonzero().squeeze(1)
    assert seen.numel() == seen.max() - seen.min() + 1 == model.receptive_field
    centre = 8 * (maps.shape[-1] // 2)
    assert seen.min() == centre - model.receptive_field // 2


def test_receptive_field_counts_strides():
    assert receptive_field([]) == 1
    assert receptive_field([(3, 1), (3, 1)]) == 5
    assert receptive_field([(3, 2), (3, 1)]) == 7


@pytest.mark.parametrize("block", [Bottleneck, partial(SeBottleneck, reduction=2)])
def test_bottlenecks_stride_in_their_3x3_convolution(block):
    strides = {
        layer.kernel_size: layer.stride
        for name, layer in block(4, 8, 2).named_modules()
        if isinstance(layer, nn.Conv2d) and not name.startswith("shortcut")
    }
    assert strides == {(1, 1): (1, 1), (3, 3): (2, 2)}


@pytest.mark.parametrize("feat_dim", [7, 8, 40, 83])
def test_any_number_of_feature_columns_is_taken(feat_dim):
    assert ResNet(feat_dim, depths=(1, 1, 1, 1), channels=4).eval()(torch.randn(1, 20, feat_dim)).shape == (
        1,
        256,
    )


def test_pooling_is_an_option():
    one, two = (ResNet(16, depths=(1, 1, 1, 1), channels=4, pooling=name) for name in ("tap", "tstp"))
    assert 2 * one.pooling.out_dim == two.pooling.out_dim
    one.eval()(torch.randn(1, 20, 16))


def test_too_few_frames_are_refused():
    model = ResNet(16, depths=(1, 1, 1, 1), channels=4).eval()
    assert torch.isfinite(model(torch.randn(1, model.min_frames, 16))).all()
    with pytest.raises(WespkError, match="7 frames are too few: this network needs 8"):
        model(torch.randn(1, 7, 16))


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_a_shape_that_does_not_change_is_added_as_it_is(block):
    assert isinstance(block(block(4, 4, 1).out_channels, 4, 1).shortcut, nn.Identity)
    assert isinstance(make_shortcut(4, 4, 2), nn.Sequential)


@pytest.mark.parametrize("block", [SeBasicBlock, SeBottleneck])
def test_a_closed_gate_leaves_the_residual(block):
    block = trained(block(8, 4 if block is SeBottleneck else 8, 1, reduction=2))
    nn.init.constant_(block.attention.excite.bias, -1e4)
    x = torch.randn(2, 8, 6, 10)
    torch.testing.assert_close(block(x, None), x.relu())


@pytest.mark.parametrize("stride", [2, (2, 1)])
def test_slicing_convolution_is_the_strided_one(stride):
    slicing = SlicingConv2d(5, 7, 1, stride, bias=False)
    strided = nn.Conv2d(5, 7, 1, stride, bias=False)
    strided.load_state_dict(slicing.state_dict())
    x = torch.randn(3, 5, 9, 12)
    torch.testing.assert_close(slicing(x), strided(x))
    for layer in (slicing, strided):
        layer(x).square().sum().backward()
    torch.testing.assert_close(slicing.weight.grad, strided.weight.grad)


def test_narrow_strided_1x1_convolutions_slice_and_wide_ones_do_not():
    assert isinstance(conv_norm(15, 8, stride=2)[0], SlicingConv2d)
    assert isinstance(conv_norm(15, 8, stride=(2, 1))[0], SlicingConv2d)
    for other in (conv_norm(16, 8, stride=2), conv_norm(4, 8), conv_norm(4, 8, kernel=3, stride=2)):
        assert not isinstance(other[0], SlicingConv2d)


def test_stages_may_have_blocks_of_their_own():
    model = ResidualNetwork(16, 12, "tstp", 4, (1, 1, 1, 1), [BasicBlock, BasicBlock, Bottleneck, Bottleneck])
    assert model.eval()(torch.randn(2, 20, 16)).shape == (2, 12)


@pytest.mark.parametrize("name", ["wespk.models.resnet:ResNet", "wespk.models.resnetse:ResNetSe"])
def test_a_recipe_gives_depths_of_its_own(name):
    component = Component(
        name=name, depths=[1, 1, 1, 2], channels=4, pooling={"name": "astp", "bottleneck": 8}
    )
    model = build_model(component, 16)
    assert [len(stage.blocks) for stage in model.stages] == [1, 1, 1, 2]
    with pytest.raises(WespkError, match="greater than 0"):
        build_model(Component(name=name, depths=[1, 0, 1, 1]), 16)


def test_padded_batches_of_any_size_can_be_exported():
    model = trained(ResNet(16, depths=(1, 1, 1, 1), channels=4))
    batch, frames = Dim("batch", min=1), Dim("frames", min=9, max=10000)
    exported = torch.export.export(
        model,
        (torch.randn(2, 50, 16), torch.tensor([50, 33])),
        dynamic_shapes=({0: batch, 1: frames}, {0: batch}),
        prefer_deferred_runtime_asserts_over_guards=True,
    )
    given = torch.randn(3, 71, 16), torch.tensor([71, 20, 64])
    torch.testing.assert_close(exported.module()(*given), model(*given))
