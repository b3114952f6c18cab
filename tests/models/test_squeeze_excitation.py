"""Squeeze-excitation is the gate of the paper, of the mean over what is real."""

import pytest
import torch

from wespk.models.squeeze_excitation import SqueezeExcitation


@pytest.mark.parametrize("bins", [(), (5,)], ids=["frames", "maps"])
def test_gates_are_those_of_the_mean_over_real_frames(bins):
    torch.manual_seed(0)
    attention = SqueezeExcitation(6, 3)
    x, length = torch.randn(2, 6, *bins, 9), 7
    mask = (torch.arange(9) < length).float().expand(2, 1, *(1 for _ in bins), 9)
    squeeze, excite = attention.squeeze, attention.excite
    mean = x[..., :length].flatten(2).mean(dim=2)
    hidden = (mean @ squeeze.weight[..., 0].T + squeeze.bias).clamp_min(0)
    gates = 1 / (1 + (-hidden @ excite.weight[..., 0].T - excite.bias).exp())
    found = attention(x, mask)
    assert found.shape == (2, 6, *(1 for _ in bins), 1)
    torch.testing.assert_close(found.flatten(1), gates)
    torch.testing.assert_close(attention(x[..., :length], None).flatten(1), gates)
