import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.models.masking import (
    apply_mask,
    masked_input,
    masked_mean,
    masked_softmax,
    strided,
    weighted_mean_std,
    weighted_mean_variance,
)

LENGTHS = torch.tensor([9, 4, 6])


@pytest.fixture
def padded():
    """Features of three utterances with nonsense for padding, as frames (B, C, T), and their mask."""
    torch.manual_seed(0)
    features = torch.randn(3, 9, 5, dtype=torch.float64)
    x, mask = masked_input(features, LENGTHS, 1)
    return x + 100 * (1 - mask), mask


def one_by_one(x):
    return [(row, x[row : row + 1, :, :length]) for row, length in enumerate(LENGTHS.tolist())]


def test_input_is_transposed_and_its_padding_is_zero_whatever_stood_there():
    features = torch.randn(3, 9, 5)
    features[1, 4:] = torch.nan
    x, mask = masked_input(features, LENGTHS, 4)
    assert x.shape == (3, 5, 9) and mask.shape == (3, 1, 9)
    assert mask.sum(dim=-1).flatten().tolist() == LENGTHS.tolist()
    for row, cut in one_by_one(features.transpose(1, 2)):
        torch.testing.assert_close(x[row : row + 1, :, : cut.shape[-1]], cut)
        assert not x[row, :, cut.shape[-1] :].any()


def test_nothing_is_computed_without_lengths():
    features = torch.randn(3, 9, 5)
    x, mask = masked_input(features, None, 1)
    assert mask is None and x.data_ptr() == features.data_ptr()
    assert apply_mask(x, None) is x and strided(None, 2) is None


def test_short_and_impossible_lengths_are_named():
    features = torch.randn(3, 9, 5)
    with pytest.raises(WespkError, match="^9 frames are too few: this network needs 10$"):
        masked_input(features, None, 10)
    with pytest.raises(WespkError, match="^4 frames are too few: this network needs 5$"):
        masked_input(features, LENGTHS, 5)
    with pytest.raises(WespkError, match="a length of 9 frames is beyond the 8 frames of its batch"):
        masked_input(features[:, :8], LENGTHS, 1)
    with pytest.raises(WespkError, match=r"lengths of shape \(2,\): a batch of 3 needs \(3,\)"):
        masked_input(features, LENGTHS[:2], 1)


@settings(max_examples=30, deadline=None)
@given(
    length=st.integers(1, 20),
    padding=st.integers(0, 9),
    half=st.integers(0, 2),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 3),
)
def test_a_strided_convolution_of_a_masked_batch_is_that_of_the_cut(length, padding, half, stride, dilation):
    conv = torch.nn.Conv1d(2, 3, 2 * half + 1, stride, half * dilation, dilation).double()
    features = torch.randn(2, length + padding, 2, dtype=torch.float64)
    x, mask = masked_input(features, torch.tensor([length, length + padding]), 1)
    y, output_mask = conv(x), strided(mask, stride)
    assert output_mask.shape[-1] == y.shape[-1]
    alone = conv(features[:1, :length].transpose(1, 2))
    assert output_mask[0].sum() == alone.shape[-1]
    torch.testing.assert_close(y[:1, :, : alone.shape[-1]], alone)


def test_means_and_weights_leave_the_padding_out(padded):
    x, mask = padded
    weights = masked_softmax(x, mask)
    assert not weights[mask.expand_as(weights) == 0].any()
    plain, weighted = weighted_mean_std(x, None, mask), weighted_mean_std(x, weights, mask)
    for row, cut in one_by_one(x):
        torch.testing.assert_close(masked_mean(x, mask)[row], cut.mean(dim=-1, keepdim=True)[0])
        torch.testing.assert_close(weights[row, :, : cut.shape[-1]], cut.softmax(dim=-1)[0])
        std, mean = torch.std_mean(cut[0], dim=-1, correction=0)
        torch.testing.assert_close((plain[0][row], plain[1][row]), (mean, std))
        alone = weighted_mean_std(cut, cut.softmax(dim=-1), None)
        torch.testing.assert_close((weighted[0][row], weighted[1][row]), (alone[0][0], alone[1][0]))


def test_variance_far_from_zero_does_not_cancel():
    x = torch.tensor([[[1000.0, 1000.01]]])
    _, variance = weighted_mean_variance(x, None, None)
    _, weighted = weighted_mean_variance(x, torch.tensor([[[0.5, 0.5]]]), None)
    torch.testing.assert_close(variance.item(), 25e-6, rtol=0.01, atol=0)
    torch.testing.assert_close(weighted, variance)


@pytest.mark.parametrize("with_mask", [False, True])
def test_gradients_of_the_statistics_are_those_of_finite_differences(padded, with_mask):
    x, mask = padded[0].requires_grad_(), padded[1] if with_mask else None

    def statistics(x, energies):
        weights = masked_softmax(energies, mask)
        return *weighted_mean_std(x, None, mask), *weighted_mean_variance(x, weights, mask)

    torch.autograd.gradcheck(statistics, (x, torch.randn_like(x).requires_grad_()))


def test_sums_of_many_bfloat16_frames_count_each():
    x = torch.ones(1, 1, 1000, dtype=torch.bfloat16)
    _, mask = masked_input(torch.ones(1, 1000, 1, dtype=torch.bfloat16), torch.tensor([999]), 1)
    assert masked_mean(x, mask).item() == 1
    assert masked_mean(x, mask).dtype == apply_mask(x, mask.float()).dtype == torch.bfloat16


def test_a_network_with_masks_is_exported_for_any_batch():
    class Mean(torch.nn.Module):
        def forward(self, features, lengths):
            x, mask = masked_input(features, lengths, 2)
            return masked_mean(x, mask)

    batch, frames = torch.export.Dim("batch"), torch.export.Dim("frames", min=2)
    shapes = ({0: batch, 1: frames}, {0: batch})
    exported = torch.export.export(
        Mean(), (torch.randn(2, 30, 5), torch.tensor([30, 7])), dynamic_shapes=shapes
    )
    features = torch.randn(3, 9, 5)
    torch.testing.assert_close(exported.module()(features, LENGTHS), Mean()(features, LENGTHS))
