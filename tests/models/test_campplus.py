"""CAM++: its context, its masks, what its outputs see."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_networks import trained
from torch import nn

from wespk.core.config import Component
from wespk.core.errors import WespkError
from wespk.models import build_model, num_parameters
from wespk.models.campplus import SEGMENT_FRAMES, CamPlusPlus, ContextAwareMasking, segment_means
from wespk.models.masking import frame_mask

SMALL = {"growth": 8, "bottleneck": 16, "init_channels": 32, "head_channels": 8, "depths": (2, 3, 2)}


def small(feat_dim: int = 16, **options) -> CamPlusPlus:
    torch.manual_seed(0)
    return CamPlusPlus(feat_dim, **SMALL | options)


@settings(deadline=None)
@given(st.lists(st.integers(1, 4 * SEGMENT_FRAMES), min_size=1, max_size=3), st.integers(0, 150))
def test_segment_means_are_those_of_the_real_frames_of_each_segment(lengths, padding):
    num_frames = max(lengths) + padding
    mask = frame_mask(torch.tensor(lengths), num_frames, torch.float64)
    x = torch.randn(len(lengths), 2, num_frames, dtype=torch.float64) * mask
    found = segment_means(x, mask)
    for each, means, length in zip(x, found, lengths, strict=True):
        wanted = [part.mean(-1) for part in each[:, :length].split(SEGMENT_FRAMES, dim=-1)]
        torch.testing.assert_close(means[:, : len(wanted)], torch.stack(wanted, dim=-1))
        assert (means[:, len(wanted) :] == 0).all()
        torch.testing.assert_close(
            segment_means(each[None, :, :length], None)[0], torch.stack(wanted, dim=-1)
        )


def test_the_gate_is_that_of_each_frames_own_context():
    layer = ContextAwareMasking(6, 4, dilation=2)
    x = torch.randn(2, 6, 250)
    own = segment_means(x, None)[..., torch.arange(250) // SEGMENT_FRAMES]  # (B, C, T)
    context = x.mean(-1, keepdim=True) + own
    gate = torch.sigmoid(layer.excite(torch.relu(layer.squeeze(context))))
    torch.testing.assert_close(layer(x, None), layer.local(x) * gate)


def test_embeddings_do_not_depend_on_batch_mates():
    lengths = [450, 401, 230, 77, 1]  # of 3, 3, 2, 1 and 1 segments behind the stride
    utterances = [torch.randn(length, 16, dtype=torch.float64) for length in lengths]
    model = trained(small().double())
    padded = nn.utils.rnn.pad_sequence(utterances, batch_first=True, padding_value=7.0)
    with torch.no_grad():
        together = model(padded, torch.tensor(lengths))
        alone = torch.cat([model(each[None]) for each in utterances])
    torch.testing.assert_close(together, alone, atol=1e-7, rtol=1e-7)


def frames_seen(model: CamPlusPlus, output: int, num_frames: int) -> list[int]:
    """Return the input frames that a frame-level output depends on.

    With small positive weights no ReLU is shut and no sigmoid saturates.
    """
    model = model.double().eval()
    for parameter in model.parameters():
        parameter.data.abs_().mul_(0.1)
    kept = []
    hook = model.frames_norm.register_forward_hook(lambda module, inputs, result: kept.append(result))
    features = torch.rand(1, num_frames, 16, dtype=torch.float64, requires_grad=True)
    model(features)
    hook.remove()
    kept[0][0, :, output].sum().backward()
    return features.grad[0].any(-1).nonzero().flatten().tolist()


def test_a_frame_sees_its_receptive_field_and_through_its_context_the_utterance():
    model = small()
    assert frames_seen(model, 75, 301) == list(range(301))
    for module in model.modules():
        if isinstance(module, ContextAwareMasking):
            nn.init.zeros_(module.excite.weight)  # the gates are constant now
    reach = model.receptive_field // 2
    assert frames_seen(model, 75, 301) == list(range(150 - reach, 150 + reach + 1))


@pytest.mark.parametrize("feat_dim", [80, 83])
def test_any_number_of_columns_and_a_single_frame_give_an_embedding(feat_dim):
    model = small(feat_dim, embedding_dim=24).eval()
    assert model.embedding_dim == 24
    for num_frames in (1, 2, 99, 201):
        assert model(torch.randn(2, num_frames, feat_dim)).shape == (2, 24)
    with pytest.raises(WespkError, match="0 frames are too few: this network needs 1"):
        model(torch.randn(1, 0, feat_dim))


def test_the_defaults_are_the_published_network():
    model = build_model(Component(name="campplus"), 80)
    assert num_parameters(model) == 7_176_224
    assert model.embedding_dim == 512


def test_gradients_reach_every_parameter_and_are_finite():
    model = small()
    lengths = torch.tensor([60, 41, 12])
    weights = torch.randn(3, model.embedding_dim)  # the plain sum of normalised values has no gradient
    (model(torch.randn(3, 60, 16), lengths) * weights).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


def test_a_bottleneck_that_cannot_be_halved_is_refused():
    with pytest.raises(WespkError, match="'bottleneck': input should be greater than or equal to 2, not 1"):
        build_model(Component(name="campplus", bottleneck=1), 80)
