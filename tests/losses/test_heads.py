import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wespk.core.config import Component
from wespk.core.errors import WespkError
from wespk.losses import build_head
from wespk.losses.margin import AamSoftmax


def at_angle(theta: float) -> torch.Tensor:
    """A unit vector at `theta` from the first axis."""
    return torch.tensor([[math.cos(theta), math.sin(theta)]], dtype=torch.float32)


def head_with_axes(**options) -> AamSoftmax:
    head = AamSoftmax(2, 2, **options)
    head.weight.data = torch.eye(2)
    return head


@given(st.floats(0.02, math.pi - 0.02), st.floats(0.0, 1.0))
def test_target_logit_is_the_cosine_of_the_angle_plus_margin(theta, margin):
    head = head_with_axes(margin=margin, scale=30.0)
    penalised = head.penalise(torch.tensor(math.cos(theta), dtype=torch.float64)).item()
    expected = (
        math.cos(theta + margin) if theta + margin < math.pi else math.cos(theta) - margin * math.sin(margin)
    )
    assert penalised == pytest.approx(expected, abs=1e-3)


@given(st.floats(0.05, 1.2))
def test_target_logit_falls_with_the_angle_over_the_whole_circle(margin):
    cosine = torch.linspace(1, -1, 2001, dtype=torch.float64)
    penalised = head_with_axes(margin=margin).penalise(cosine)
    inner = penalised[1:-1]  # the gradient floor flattens the two ends
    assert (inner.diff() < 0).all()
    assert (penalised <= cosine + 1e-9).all()


def test_easy_margin_applies_below_a_right_angle_only():
    head = head_with_axes(margin=0.3, easy_margin=True)
    cosine = torch.tensor([math.cos(1.0), math.cos(2.0)], dtype=torch.float64)
    expected = torch.tensor([math.cos(1.3), math.cos(2.0)], dtype=torch.float64)
    torch.testing.assert_close(head.penalise(cosine), expected)


def test_loss_is_the_papers_equation():
    head = head_with_axes(margin=0.2, scale=10.0)
    theta = 0.7
    loss, logits = head(3.0 * at_angle(theta), torch.tensor([0]))  # lengths do not matter
    target, other = math.exp(10 * math.cos(theta + 0.2)), math.exp(10 * math.sin(theta))
    assert loss.item() == pytest.approx(-math.log(target / (target + other)), rel=1e-4)
    torch.testing.assert_close(logits, 10 * at_angle(theta))


def test_margin_zero_is_normalised_scaled_softmax():
    torch.manual_seed(0)
    head = AamSoftmax(8, 5, margin=0.0, scale=20.0)
    embeddings, labels = torch.randn(6, 8), torch.tensor([0, 1, 2, 3, 4, 0])
    cosine = torch.nn.functional.normalize(embeddings) @ torch.nn.functional.normalize(head.weight).T
    expected = torch.nn.functional.cross_entropy(20.0 * cosine, labels)
    torch.testing.assert_close(head(embeddings, labels).loss, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("easy_margin", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradients_are_finite_where_the_cosine_is_one_or_minus_one(easy_margin, dtype):
    head = head_with_axes(easy_margin=easy_margin)
    embeddings = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=dtype, requires_grad=True)
    loss = head(embeddings, torch.tensor([0, 0])).loss
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(embeddings.grad).all()
    assert torch.isfinite(head.weight.grad).all()


@pytest.mark.parametrize("name", ["softmax", "aam"])
def test_heads_learn_separable_classes(name):
    torch.manual_seed(0)
    head = build_head(Component(name=name), 16, 3)
    labels = torch.arange(30) % 3
    embeddings = torch.eye(16)[labels] + 0.1 * torch.randn(30, 16)
    optimizer = torch.optim.SGD(head.parameters(), lr=0.5)
    for _ in range(60):
        optimizer.zero_grad()
        loss, logits = head(embeddings, labels)
        loss.backward()
        optimizer.step()
    assert (logits.argmax(1) == labels).all()


@pytest.mark.parametrize("options", [{"margin": 2.0}, {"scale": 0.0}, {"margin": -0.1}])
def test_impossible_margin_or_scale_is_refused(options):
    with pytest.raises(WespkError, match="margin"):
        build_head(Component(name="aam", **options), 4, 2)
