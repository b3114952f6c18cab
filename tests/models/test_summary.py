"""The sizes of a network and of its layers are those that one counts by hand."""

import pytest
import torch
from torch import nn

from wespk.core.config import Component
from wespk.core.errors import WespkError
from wespk.models import build_model, num_parameters
from wespk.models.pooling import REGISTRY as POOLINGS
from wespk.models.summary import summarise


class Toy(nn.Module):
    """A convolution, a list of two linear layers, and a normalisation: all that can be counted by hand."""

    def __init__(self, feat_dim: int, looks_at_values: bool = False) -> None:
        super().__init__()
        self.embedding_dim = 4
        self.looks_at_values = looks_at_values
        self.conv = nn.Conv1d(feat_dim, 8, 3, stride=2, padding=1)
        self.layers = nn.ModuleList([nn.Linear(8, 6), nn.Linear(6, 4, bias=False)])
        self.norm = nn.BatchNorm1d(4)

    def forward(self, features, lengths=None):
        x = self.conv(features.transpose(1, 2)).mean(dim=-1)
        if self.looks_at_values and x.sum() > 0:
            x = -x
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


def test_counts_are_those_by_hand():
    summary = summarise(Component(name=f"{__name__}:Toy"), feat_dim=10, num_frames=50)
    found = {layer.name: (layer.output, layer.parameters, layer.macs) for layer in summary.layers}
    assert found == {
        "conv": ((1, 8, 25), 10 * 8 * 3 + 8, 10 * 8 * 3 * 25),
        "layers": ((), 8 * 6 + 6 + 6 * 4, 8 * 6 + 6 * 4),
        "layers.0": ((1, 6), 8 * 6 + 6, 8 * 6),
        "layers.1": ((1, 4), 6 * 4, 6 * 4),
        "norm": ((1, 4), 8, 0),
    }
    assert [layer.depth for layer in summary.layers] == [1, 1, 2, 2, 1]
    assert summary.parameters == 248 + 78 + 8
    assert summary.macs == 6000 + 72
    assert (summary.receptive_field, summary.min_frames, summary.embedding_dim) == (None, None, 4)


def test_a_network_that_looks_at_values_cannot_be_counted():
    with pytest.raises(WespkError, match="Toy: cannot be counted on 200 frames of 80 columns"):
        summarise(Component(name=f"{__name__}:Toy", looks_at_values=True))


def test_parts_add_up_and_agree_with_the_network_itself():
    component = Component(name="campplus", depths=[1, 2, 1])
    summary = summarise(component, feat_dim=40, num_frames=130)
    model = build_model(component, 40)
    parts = [layer for layer in summary.layers if layer.depth == 1]
    assert sum(layer.parameters for layer in parts) == summary.parameters == num_parameters(model)
    assert sum(layer.macs for layer in parts) == summary.macs
    assert summary.receptive_field == model.receptive_field
    with torch.no_grad():
        assert model.eval()(torch.randn(1, 130, 40)).shape[1] == summary.embedding_dim


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_network_can_be_counted_with_every_pooling(pooling):
    component = Component(name="tdnn", hidden_dim=8, stats_dim=16, pooling=pooling)
    assert summarise(component).parameters == num_parameters(build_model(component, 80))


def test_too_short_an_utterance_is_refused_by_the_network():
    with pytest.raises(WespkError, match="7 frames are too few: this network needs 8"):
        summarise(Component(name="resnet18"), num_frames=7)
