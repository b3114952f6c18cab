"""What holds for every pooling, and how one is chosen by name."""

import pytest
import torch

from wespk.core.errors import WespkError
from wespk.models.pooling import REGISTRY, build_pooling

CHANNELS = 16
OPTIONS = [
    *sorted(REGISTRY),
    {"name": "astp", "global_context": False},
    {"name": "mhastp", "heads": 4, "layers": 1, "per_channel": True},
    {"name": "mqmhastp", "heads": 4, "queries": 3, "per_channel": False},
    {"name": "xi", "std": True},
]
of_each_pooling = pytest.mark.parametrize("options", OPTIONS, ids=str)


@pytest.fixture
def pooling(options):
    """The pooling with parameters and running statistics that no default has, in float64."""
    torch.manual_seed(0)
    pooling = build_pooling(options, CHANNELS).double()
    for parameter in pooling.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    for layer in pooling.modules():
        if isinstance(layer, torch.nn.BatchNorm1d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
    return pooling.eval()


@pytest.fixture
def frames():
    torch.manual_seed(1)
    return torch.randn(3, CHANNELS, 12, dtype=torch.float64)


@of_each_pooling
def test_a_padded_batch_is_its_utterances_one_by_one(pooling, frames):
    lengths = [12, 1, 7]
    mask = torch.zeros(3, 1, 12, dtype=torch.float64)
    for row, length in enumerate(lengths):
        mask[row, :, :length] = 1
    pooled = pooling(frames, mask)
    assert pooled.shape == (3, pooling.out_dim)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(pooled[row : row + 1], pooling(frames[row : row + 1, :, :length]))


@of_each_pooling
def test_the_order_of_frames_changes_nothing(pooling, frames):
    torch.testing.assert_close(pooling(frames.flip(-1).roll(3, dims=-1)), pooling(frames))


@of_each_pooling
def test_repeating_every_frame_changes_nothing_but_evidence_against_a_prior(options, pooling, frames):
    if "xi" in str(options):  # repeated frames weigh twice against the prior: give it no weight
        torch.nn.init.constant_(pooling.prior_log_precision, -100)
    torch.testing.assert_close(pooling(frames.repeat(1, 1, 2)), pooling(frames))


@of_each_pooling
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("num_frames", [1, 10])
@pytest.mark.parametrize("value", [0.0, 1000.0])
def test_constant_input_gives_finite_values_and_gradients(options, dtype, num_frames, value):
    stored = torch.promote_types(dtype, torch.float32)  # bfloat16 is what autocast computes in
    pooling = build_pooling(options, CHANNELS).to(stored)
    x = torch.full((2, CHANNELS, num_frames), value, dtype=stored, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        pooled = pooling(x)
    pooled.square().sum().backward()
    assert pooled.dtype == stored and pooled.isfinite().all()
    for name, leaf in [("x", x), *pooling.named_parameters()]:
        assert leaf.grad is not None and leaf.grad.isfinite().all(), name


@of_each_pooling
def test_autocast_costs_no_more_than_the_precision_of_bfloat16(pooling, frames):
    pooling, frames = pooling.float(), frames.float()
    with torch.autocast("cpu", torch.bfloat16):
        pooled = pooling(frames)
    torch.testing.assert_close(pooled, pooling(frames), atol=0.05, rtol=0.05)


@of_each_pooling
def test_gradients_are_those_of_finite_differences(pooling, frames):
    x = frames[:2, :, :4].requires_grad_()
    mask = torch.tensor([[[1.0, 1, 1, 1]], [[1, 1, 0, 0]]], dtype=torch.float64)
    torch.autograd.gradcheck(lambda x: pooling(x, mask), x)


def test_a_pooling_is_named_alone_or_with_its_options():
    assert build_pooling("mqmhastp", 16).out_dim == 2 * 2 * 16
    assert build_pooling({"name": "mqmhastp", "queries": 3}, 16).out_dim == 2 * 3 * 16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("tst", "unknown pooling 'tst': did you mean 'tstp'"),
        ({"heads": 2}, "pooling: 'name' is missing"),
        ({"name": "tap", "in_dim": 3}, "pooling tap: 'in_dim' is derived from the data; remove it"),
        ({"name": "astp", "context": True}, "unknown key 'context': did you mean 'global_context'"),
        ({"name": "netvlad", "ghosts": 2}, "pooling netvlad: unknown key 'ghosts'"),
        ({"name": "asp", "bottleneck": 0}, "pooling asp: 'bottleneck': input should be greater than 0"),
        ({"name": "ghostvlad", "ghosts": -1}, "'ghosts': input should be greater than or equal to 0"),
        ({"name": "mqmhastp", "layers": 3}, "pooling mqmhastp: 'layers': input should be 1 or 2, not 3"),
        ({"name": "mhastp", "heads": 3}, "16 channels cannot be shared among 3 heads; choose a divisor"),
        ("torch.nn.Linear", "its constructor must take 'in_dim'"),
        (f"{__name__}:Last", "set the attribute out_dim, the size of its output"),
    ],
    ids=str,
)
def test_wrong_options_are_told_in_one_line(options, message):
    with pytest.raises(WespkError, match=message):
        build_pooling(options, 16)


class Last(torch.nn.Module):
    def __init__(self, in_dim: int, says_its_dim: bool = False) -> None:
        super().__init__()
        if says_its_dim:
            self.out_dim = in_dim

    def forward(self, x, mask=None):
        return x[..., -1]


def test_a_class_of_the_users_own_is_named_by_dotted_path():
    assert build_pooling({"name": f"{__name__}:Last", "says_its_dim": True}, 16).out_dim == 16
