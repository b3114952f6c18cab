"""TDNN: published sizes, the context of a frame, and an embedding that padding does not reach."""

import pytest
import torch
from small_networks import frames_of, trained
from torch import nn

from wespk.core.config import Component
from wespk.core.errors import WespkError
from wespk.models import build_model, num_parameters
from wespk.models.tdnn import Tdnn


def small(**options) -> Tdnn:
    """A TDNN of a few thousand weights whose normalisation has statistics of its own, as after training."""
    torch.manual_seed(0)
    return trained(Tdnn(8, 6, **{"hidden_dim": 10, "stats_dim": 12, **options}))


@pytest.mark.parametrize(("layer", "parameters"), [(2, 4_610_524), (1, 4_347_868)])
def test_parameter_count_is_the_published_one(layer, parameters):
    model = Tdnn(80, embedding_layer=layer).eval()
    assert num_parameters(model) == parameters  # 4.61 M with both segment layers
    assert model(torch.randn(2, 20, 80)).shape == (2, 512)


def test_frame_sees_fifteen_frames_and_no_more():
    model = small().double()
    features = torch.randn(1, 40, 8, dtype=torch.float64)
    frames = frames_of(model, features)
    assert frames.shape[-1] == 40 - 14
    for position in range(40):
        changed = features.clone()
        changed[:, position] += 1
        moved = (frames_of(model, changed) != frames).any(dim=1).squeeze(0).nonzero().squeeze(-1)
        # Output t is made of inputs t .. t + 14, of which kernels 5, 3 (2) and 3 (3) reach every one.
        assert moved.tolist() == list(range(max(position - 14, 0), min(position, 25) + 1))


def test_fifteen_frames_are_enough_and_fourteen_are_refused():
    model = small()
    assert torch.isfinite(model(torch.randn(2, 15, 8))).all()
    with pytest.raises(WespkError, match="^14 frames are too few: this network needs 15$"):
        model(torch.randn(2, 14, 8))


@pytest.mark.parametrize("pooling", ["tstp", "tap", {"name": "astp", "bottleneck": 4}])
def test_embedding_does_not_depend_on_batch_mates_nor_on_what_pads_it(pooling):
    model = small(pooling=pooling)
    lengths = torch.tensor([60, 41, 15])
    features = torch.randn(3, 60, 8)
    padding = torch.arange(60)[None, :, None] >= lengths[:, None, None]
    with torch.no_grad():
        together = model(features, lengths)
        alone = torch.cat([model(features[i : i + 1, :length]) for i, length in enumerate(lengths)])
        torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(model(features.masked_fill(padding, 1e4), lengths), together)


def test_first_segment_layer_is_the_x_vector_of_which_the_second_is_made():
    both, first = small(), small(embedding_layer=1)
    first.load_state_dict({name: both.state_dict()[name] for name in first.state_dict()})
    features = torch.randn(2, 30, 8)
    torch.testing.assert_close(both.segment[1:](first(features)), both(features))


def test_normalisation_has_no_weights_as_in_kaldi():
    norms = [layer for layer in small().modules() if isinstance(layer, nn.BatchNorm1d)]
    assert len(norms) == 6
    assert not any(norm.affine for norm in norms)


@pytest.mark.parametrize("constant", [False, True])
def test_gradients_are_finite_and_reach_every_parameter(constant):
    model = small().train()
    model((torch.ones if constant else torch.randn)(3, 20, 8)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name


def test_bfloat16_is_close_to_float32():
    model, features = small(), torch.randn(3, 30, 8)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        rounded = model(features).float()
    assert torch.cosine_similarity(rounded, model(features)).min() > 0.999


def test_wrong_options_are_named():
    with pytest.raises(WespkError, match="model tdnn: 'embedding_layer': input should be 1 or 2, not 3"):
        build_model(Component(name="tdnn", embedding_layer=3), 80)
    with pytest.raises(WespkError, match="model tdnn: 'hidden_dim': input should be greater than 0, not 0"):
        build_model(Component(name="tdnn", hidden_dim=0), 80)
