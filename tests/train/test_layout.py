"""Channels-last weights, and the layers that may not have them on a CPU."""

import pytest
import torch
from torch import nn

from wespk.core.errors import WespkError
from wespk.models.residual import SlicingConv2d
from wespk.train.layout import to_channels_last

CPU = torch.device("cpu")


def test_convolutions_over_two_dimensions_are_laid_out_and_give_the_same():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 20, 3), SlicingConv2d(20, 3, 1, 2, bias=False), nn.Flatten())
    maps = torch.randn(2, 2, 9, 9)
    before = network(maps)
    to_channels_last(network, CPU)
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(network(maps), before)


@pytest.mark.parametrize("stride", [2, (2, 1), (1, 2)])
def test_a_layer_whose_gradient_overwrites_memory_is_refused_by_name(stride):
    network = nn.ModuleDict({"stem": nn.Sequential(nn.ReLU(), nn.Conv2d(15, 4, 1, stride))})
    with pytest.raises(
        WespkError, match=r"^layer stem\.1, a strided 1x1 Conv2d of 15 input channels, crashes"
    ):
        to_channels_last(network, CPU)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(16, 4, 1, 2),
        nn.Conv2d(8, 4, 1),
        nn.Conv2d(8, 4, 3, 2),
        nn.Conv2d(8, 8, 1, 2, groups=8),
        SlicingConv2d(8, 4, 1, 2, bias=False),
    ],
)
def test_other_layers_are_not_refused(layer):
    to_channels_last(nn.Sequential(layer), CPU)


def test_a_gpu_has_no_such_layers():
    to_channels_last(nn.Conv2d(8, 4, 1, 2), torch.device("cuda"))
