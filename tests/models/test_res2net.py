"""Res2Net, and the laws that it shares with ERes2Net and ERes2NetV2, which are built of its blocks."""

import pytest
import torch
from small_networks import frames_of, trained

from wespk.core.config import Component
from wespk.core.errors import WespkError
from wespk.models import build_model, num_parameters
from wespk.models.eres2net import ERes2Net
from wespk.models.eres2netv2 import ERes2NetV2
from wespk.models.res2net import Res2Block, Res2Net, clipped_relu

FAMILY = [Res2Net, ERes2Net, ERes2NetV2]
PUBLISHED = [  # name, options, parameters, and those that are printed, in hundredths of a million, cut
    ("res2net34", {"embedding_dim": 192}, 4_033_600, 403),  # 3D-Speaker
    ("res2net34", {}, 4_689_024, 468),  # WeSpeaker
    ("eres2net_base", {}, 6_610_688, 661),  # 3D-Speaker
    ("eres2net_base", {"embedding_dim": 512}, 9_887_808, 988),  # 3D-Speaker's issue 55
    ("eres2net_large", {}, 22_462_784, 2246),  # 3D-Speaker
    ("eres2netv2", {}, 17_859_632, 1785),  # 3D-Speaker
]


@pytest.mark.parametrize(("name", "options", "parameters", "printed"), PUBLISHED)
def test_parameter_counts_are_the_published_ones(name, options, parameters, printed):
    with torch.device("meta"):
        model = build_model(Component(name=name, **options), 80)
    assert num_parameters(model) == parameters
    assert parameters // 10_000 == printed
    assert model(torch.empty(2, 64, 80, device="meta")).shape == (2, model.embedding_dim)


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("network", FAMILY)
def test_embedding_does_not_depend_on_batch_mates(network, scale):
    model = trained(network(24, depths=(1, 2, 2, 1), channels=8, scale=scale))
    lengths = torch.tensor([90, 61, 40, 17, 8])
    features = torch.randn(5, 90, 24)
    is_padding = torch.arange(90)[None, :, None] >= lengths[:, None, None]
    with torch.no_grad():
        together = model(features, lengths)
        alone = torch.cat([model(features[i : i + 1, :length]) for i, length in enumerate(lengths)])
        filled = model(features.masked_fill(is_padding, 1e4), lengths)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)
    assert torch.equal(together, filled)


@pytest.mark.parametrize("network", FAMILY)
def test_full_lengths_change_nothing(network):
    model = trained(network(24, depths=(1, 1, 1, 1), channels=8))
    features = torch.randn(2, 40, 24)
    with torch.no_grad():
        torch.testing.assert_close(model(features, torch.tensor([40, 40])), model(features))


@pytest.mark.parametrize(("network", "scale"), [(Res2Net, 2), (Res2Net, 4), (ERes2Net, 2), (ERes2NetV2, 3)])
def test_a_frame_sees_its_receptive_field_and_nothing_else(network, scale):
    model = trained(network(16, depths=(1, 1, 2, 1), channels=16, base_width=48, scale=scale)).double()
    frames = 4 * model.receptive_field // 8 * 8
    features = torch.randn(1, frames, 16, dtype=torch.float64, requires_grad=True)
    middle = frames // 16
    frames_of(model, features)[0, :, middle].square().sum().backward()
    seen = features.grad[0].abs().amax(dim=1).nonzero().flatten()
    half = (model.receptive_field - 1) // 2
    assert (seen[0].item(), seen[-1].item()) == (8 * middle - half, 8 * middle + half)


@pytest.mark.parametrize("network", FAMILY)
def test_gradients_reach_every_parameter_and_are_finite(network):
    torch.manual_seed(0)
    model = network(24, depths=(1, 1, 1, 1), channels=8, scale=3)
    model(torch.randn(3, 50, 24), torch.tensor([50, 31, 9])).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


def test_a_group_is_joined_by_the_one_before_it_and_the_last_passes():
    block = trained(Res2Block(8, 16, stride=2, base_width=32, scale=3)).double()
    x = torch.randn(2, 8, 6, 9, dtype=torch.float64)
    first, second, third = clipped_relu(block.split(x)).chunk(3, dim=1)
    y1 = clipped_relu(block.branches[0](first))
    y2 = clipped_relu(block.branches[1](second + y1))
    expected = clipped_relu(block.merge(torch.cat([y1, y2, third], dim=1)) + block.shortcut(x))
    torch.testing.assert_close(block(x, None), expected)
    assert expected.shape == (2, 32, 3, 5)


def test_a_block_is_clipped_at_20():
    block = trained(Res2Block(8, 16, stride=1, base_width=32, scale=2))
    output = block(1e6 * torch.randn(1, 8, 6, 9), None)
    assert (output.min(), output.max()) == (0, 20)


@pytest.mark.parametrize("network", FAMILY)
def test_any_number_of_feature_columns(network):
    model = network(37, depths=(1, 1, 1, 1), channels=8, pooling="tap", embedding_dim=5).eval()
    assert model(torch.randn(2, 8, 37)).shape == (2, 5)


@pytest.mark.parametrize("network", FAMILY)
def test_too_few_frames_are_refused(network):
    model = network(16, depths=(1, 1, 1, 1), channels=8)
    with pytest.raises(WespkError, match="^7 frames are too few: this network needs 8$"):
        model(torch.randn(1, 7, 16))
    with pytest.raises(WespkError, match="^5 frames are too few: this network needs 8$"):
        model(torch.randn(2, 9, 16), torch.tensor([9, 5]))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"channels": 1}, "Res2 block: 1 channels, base width 32 and scale 2 leave no group to convolve"),
        ({"scale": 1}, "Res2 block: 32 channels, base width 32 and scale 1 leave no group to convolve"),
        ({"base_width": 1}, "Res2 block: 32 channels, base width 1 and scale 2 leave no group to convolve"),
    ],
)
def test_sizes_that_leave_no_group_are_refused(options, reason):
    with pytest.raises(WespkError, match=reason):
        Res2Net(80, **options)
