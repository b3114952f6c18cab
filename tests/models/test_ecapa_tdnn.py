"""ECAPA-TDNN: published sizes, the context of a frame, the paper's blocks, padding that reaches nothing."""

from functools import partial

import pytest
import torch
from small_networks import frames_of, trained
from torch import nn

from wespk.core.config import Component
from wespk.core.errors import WespkError
from wespk.models import build_model, num_parameters
from wespk.models.ecapa_tdnn import EcapaTdnn, Res2Conv, SeRes2Block, ecapa_tdnn_1024

SIZES = {"channels": 16, "mfa_dim": 24, "se_dim": 4, "scale": 4}
PLAIN_ATTENTION = {"name": "astp", "global_context": False}


def small(**options) -> EcapaTdnn:
    torch.manual_seed(0)
    return trained(EcapaTdnn(8, 6, **{**SIZES, **options}))


@pytest.mark.parametrize(
    ("make", "parameters"),
    [
        (EcapaTdnn, 6_190_720),  # WeSpeaker: 6.19 M
        (ecapa_tdnn_1024, 14_657_088),  # WeSpeaker: 14.65 M
        (partial(EcapaTdnn, channels=1024), 14_657_088),
        (partial(ecapa_tdnn_1024, mfa_dim=3072), 20_761_152),  # SpeechBrain: 20.8 M
        (partial(EcapaTdnn, se_dim=256, pooling=PLAIN_ATTENTION), 6_191_104),  # 6.19 M the other way
    ],
)
def test_parameter_counts_are_the_published_ones(make, parameters):
    with torch.device("meta"):
        model = make(80).eval()
    assert num_parameters(model) == parameters
    assert model(torch.empty(2, 64, 80, device="meta")).shape == (2, 192)


@pytest.mark.parametrize("scale", [2, 4])
def test_frame_sees_its_receptive_field_and_no_more(scale):
    model = small(scale=scale).double()
    for block in model.blocks:  # a gate of 1/2: squeeze-excitation sees the whole utterance
        nn.init.zeros_(block.attention.excite.weight)
        nn.init.zeros_(block.attention.excite.bias)
    reach = (model.receptive_field - 1) // 2
    features = torch.randn(1, 4 * reach, 8, dtype=torch.float64)
    changed = features.clone()
    changed[:, 2 * reach] += 1
    moved = (frames_of(model, changed) != frames_of(model, features)).any(dim=1).squeeze(0).nonzero()
    assert moved.min() == reach
    assert moved.max() == 3 * reach


def test_receptive_field_of_the_paper_is_131_frames():
    assert EcapaTdnn(80).receptive_field == 5 + 2 * 7 * (2 + 3 + 4)


def test_group_of_a_res2_convolution_sees_those_before_it():
    res2 = trained(Res2Conv(12, dilation=2, scale=3))
    x = torch.randn(2, 12, 20)
    first, second, third = x[:, :4], x[:, 4:8], x[:, 8:]
    second = res2.branches[0](second)
    third = res2.branches[1](third + second)
    torch.testing.assert_close(res2(x, None), torch.cat([first, second, third], dim=1))


def test_block_adds_its_gated_convolutions_to_its_input():
    block = trained(SeRes2Block(12, dilation=3, scale=3, se_dim=4))
    x = torch.randn(2, 12, 20)
    y = block.contract(block.res2(block.expand(x), None))
    hidden = torch.relu(block.attention.squeeze(y.mean(dim=2, keepdim=True)))
    gate = torch.sigmoid(block.attention.excite(hidden))
    torch.testing.assert_close(block(x, None), x + gate * y)


@pytest.mark.parametrize("pooling", ["astp", "tstp", "tap", {"name": "asp", "bottleneck": 4}])
def test_embedding_does_not_depend_on_batch_mates_nor_on_what_pads_it(pooling):
    model = small(pooling=pooling)
    lengths = torch.tensor([60, 41, 9, 1])
    features = torch.randn(4, 60, 8)
    padding = torch.arange(60)[None, :, None] >= lengths[:, None, None]
    with torch.no_grad():
        together = model(features, lengths)
        alone = torch.cat([model(features[i : i + 1, :length]) for i, length in enumerate(lengths)])
        torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(model(features.masked_fill(padding, 1e4), lengths), together)


def test_one_frame_is_enough_and_none_is_refused():
    model = small()
    assert torch.isfinite(model(torch.randn(2, 1, 8))).all()
    with pytest.raises(WespkError, match="^0 frames are too few: this network needs 1$"):
        model(torch.empty(2, 0, 8))


@pytest.mark.parametrize("constant", [False, True])
def test_gradients_are_finite_and_reach_every_parameter(constant):
    model = small().train()
    model((torch.ones if constant else torch.randn)(3, 20, 8)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name


def test_bfloat16_is_close_to_float32_in_a_padded_batch_too():
    model, features, lengths = small(), torch.randn(3, 30, 8), torch.tensor([30, 20, 10])
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        rounded = model(features, lengths).float()
    assert torch.cosine_similarity(rounded, model(features, lengths)).min() > 0.999


def test_exported_network_gives_the_same_embeddings_at_other_lengths():
    model = small()
    shapes = ({1: torch.export.Dim("frames", min=2)}, None)
    example = torch.randn(2, 50, 8), torch.tensor([50, 20])
    exported = torch.export.export(model, example, dynamic_shapes=shapes).module()
    features, lengths = torch.randn(2, 31, 8), torch.tensor([31, 12])
    torch.testing.assert_close(exported(features, lengths), model(features, lengths))


def test_wrong_options_are_named():
    with pytest.raises(WespkError, match="^model ecapa_tdnn: 100 channels are not a multiple of scale 8$"):
        build_model(Component(name="ecapa_tdnn", channels=100), 80)
    with pytest.raises(
        WespkError, match="ecapa_tdnn: 'scale': input should be greater than or equal to 2, not 1"
    ):
        build_model(Component(name="ecapa_tdnn", scale=1), 80)
    with pytest.raises(WespkError, match="ecapa_tdnn: 'mfa_dim': input should be greater than 0, not 0"):
        build_model(Component(name="ecapa_tdnn", mfa_dim=0), 80)
    with pytest.raises(WespkError, match="unknown key 'attention_dim'"):
        build_model(Component(name="ecapa_tdnn", attention_dim=64), 80)
