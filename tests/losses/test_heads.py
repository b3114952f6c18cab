"""What holds for every classification head; their formulas are in test_heads_formulas.py."""

import math

import pytest
import torch
from torch import nn

from wespk.core.config import Component
from wespk.core.errors import WespkError
from wespk.losses import build_head
from wespk.train.config import TrainConfig
from wespk.train.loop import Network

HEADS = ["softmax", "asoftmax", "am", "aam", "subcentre_aam", "arm", "sphereface2"]
WITH_OPTIONS = [
    *({"name": name} for name in HEADS),
    {"name": "aam", "easy_margin": True},
    {"name": "asoftmax", "annealing": 0.0},
    {"name": "sphereface2", "margin_type": "A"},
    {"name": "sphereface2", "margin_type": "A", "power": 2.5},
    {"name": "subcentre_aam", "centres": 2, "inter_top_k": 1},
]


def make(name: str, dim: int = 6, classes: int = 5, **options) -> nn.Module:
    torch.manual_seed(0)
    return build_head(Component(name=name, **options), dim, classes)


def batch(size: int = 8, dim: int = 6, classes: int = 5, dtype=torch.float32) -> tuple:
    generator = torch.Generator().manual_seed(1)
    embeddings = torch.randn(size, dim, generator=generator, dtype=torch.float64).to(dtype)
    return embeddings, torch.arange(size) % classes


@pytest.mark.parametrize("component", WITH_OPTIONS)
def test_gradients_are_those_of_finite_differences(component):
    head = make(**component).double()
    embeddings, labels = batch(dtype=torch.float64)
    values = [embeddings.requires_grad_(), *head.parameters()]
    assert torch.autograd.gradcheck(
        lambda rows, *_: head(rows, labels).loss, values, eps=1e-7, atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize("component", WITH_OPTIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("length", [1.0, 1e-3, 100.0])
def test_loss_and_gradients_are_finite_where_the_cosine_is_one_or_minus_one(component, dtype, length):
    head = make(**component)
    if dtype == torch.float64:
        head.double()
    vectors = head.linear.weight if component["name"] == "softmax" else head.weight
    vectors.data = torch.eye(6)[torch.arange(len(vectors)) % 5].to(vectors)
    axes = torch.cat([torch.eye(6), -torch.eye(6), torch.ones(1, 6), torch.zeros(1, 6)])
    embeddings = (length * axes).to(dtype).requires_grad_()
    loss = head(embeddings, torch.zeros(len(axes), dtype=torch.long)).loss
    loss.backward()
    for values in [loss, embeddings.grad, *(parameter.grad for parameter in head.parameters())]:
        assert values.isfinite().all()


@pytest.mark.parametrize("margin_type", ["C", "A"])
def test_a_power_is_finite_where_rounding_puts_a_cosine_below_minus_one(margin_type):
    head = make("sphereface2", dim=8, classes=64, power=2.5, margin_type=margin_type)
    embeddings = (-head.weight).detach().requires_grad_()
    assert head.cosine(embeddings).min() < -1
    head(embeddings, torch.arange(64)).loss.backward()
    assert embeddings.grad.isfinite().all() and head.weight.grad.isfinite().all()


@pytest.mark.parametrize("component", WITH_OPTIONS)
def test_heads_compute_in_float32_under_autocast_and_from_bf16(component):
    head = make(**component)
    embeddings, labels = batch(dtype=torch.bfloat16)
    exact = head(embeddings.float(), labels)
    with torch.autocast("cpu", torch.bfloat16):
        output = head(embeddings, labels)
    assert output.loss.dtype == output.accuracy.dtype == torch.float32
    assert (output.loss, output.accuracy) == (exact.loss, exact.accuracy)
    in_bf16 = head.bfloat16()(embeddings, labels).loss
    assert in_bf16.item() == pytest.approx(exact.loss.item(), rel=0.02)


@pytest.mark.parametrize("component", WITH_OPTIONS)
def test_loss_is_the_mean_of_the_utterances_own_losses(component):
    head = make(**component)
    embeddings, labels = batch()
    alone = torch.cat([head.utterance_losses(embeddings[i : i + 1], labels[i : i + 1]) for i in range(8)])
    torch.testing.assert_close(head.utterance_losses(embeddings, labels), alone)
    torch.testing.assert_close(head(embeddings, labels).loss, alone.mean())


@pytest.mark.parametrize("name", HEADS)
def test_accuracy_is_the_share_of_right_decisions_without_the_margin(name):
    head = make(name, dim=2, classes=2)
    vectors = head.linear.weight if name == "softmax" else head.weight
    vectors.data = torch.eye(2).repeat(len(vectors) // 2, 1)
    if name == "softmax":
        head.linear.bias.data.zero_()
    barely = torch.tensor([[1.0, 0.99], [1.0, 0.98], [0.99, 1.0], [1.0, -1.0]])
    assert head(barely, torch.tensor([0, 0, 0, 0])).accuracy.item() == 0.75


@pytest.mark.parametrize("component", WITH_OPTIONS)
def test_heads_learn_separable_classes(component):
    head = make(**component, dim=16, classes=3)
    labels = torch.arange(30) % 3
    embeddings = torch.eye(16)[labels] + 0.1 * torch.randn(30, 16)
    optimizer = torch.optim.SGD(head.parameters(), lr=0.5)
    first = head(embeddings, labels).loss
    for _ in range(60):
        optimizer.zero_grad()
        head(embeddings, labels).loss.backward()
        optimizer.step()
    last = head(embeddings, labels)
    assert last.accuracy == 1
    assert last.loss < first


@pytest.mark.parametrize(
    "component",
    [
        {"name": "am", "margin": 0.0},
        {"name": "aam", "margin": 0.0},
        {"name": "aam", "margin": 0.0, "easy_margin": True},
        {"name": "subcentre_aam", "margin": 0.0, "centres": 1, "inter_top_k": 0},
        {"name": "subcentre_aam", "margin": 0.0, "centres": 1, "penalty": 0.0},
    ],
)
def test_margin_zero_is_normalised_scaled_softmax(component):
    head = make(**component, scale=20.0).double()
    embeddings, labels = batch(dtype=torch.float64)
    embeddings.requires_grad_()
    cosine = nn.functional.normalize(embeddings) @ nn.functional.normalize(head.weight).T
    plain = nn.functional.cross_entropy(20.0 * cosine, labels)
    loss = head(embeddings, labels).loss
    torch.testing.assert_close(loss, plain)
    sources = (embeddings, head.weight)
    torch.testing.assert_close(torch.autograd.grad(loss, sources), torch.autograd.grad(plain, sources))


@pytest.mark.parametrize("component", [one for one in WITH_OPTIONS if one["name"] != "softmax"])
def test_loss_rises_with_the_margin_that_is_set_between_steps(component):
    head = make(**component)
    embeddings, labels = batch()
    full, losses = head.margin, []
    for share in (0.0, 0.3, 0.7, 1.0):
        head.margin = share * full
        losses.append(head(embeddings, labels).loss.item())
    assert losses == sorted(losses)
    assert losses[0] < losses[2] < losses[3]
    assert losses[-1] == make(**component)(embeddings, labels).loss.item()


def test_all_parts_of_a_loss_get_their_share_of_the_margin(tiny_network):
    parts = [{"name": "am", "margin": 0.3}, {"name": "aam", "margin": 0.2, "hidden": [8]}]
    config = TrainConfig.model_validate({"model": tiny_network, "loss": {"name": "weighted", "parts": parts}})
    network = Network(config, 40, 4)
    assert {margin for _, margin in network.margins()} == {0.3, 0.2}
    for part, full in network.margins():
        part.margin = 0.5 * full
    am, aam = network.head.parts
    assert (am.margin, aam.head.margin) == (0.15, 0.1)


def test_a_loss_without_margin_has_none_to_schedule(tiny_network):
    config = TrainConfig.model_validate({"model": tiny_network, "loss": {"name": "softmax", "dropout": 0.1}})
    assert Network(config, 40, 4).margins() == []


class TrainedMargin(nn.Module):
    def __init__(self, embedding_dim: int, num_classes: int) -> None:
        super().__init__()
        self.margin = nn.Parameter(torch.tensor(0.2))


def test_a_margin_that_is_trained_is_not_scheduled(tiny_network):
    loss = {"name": f"{__name__}:TrainedMargin"}
    config = TrainConfig.model_validate({"model": tiny_network, "loss": loss})
    assert Network(config, 40, 4).margins() == []


@pytest.mark.parametrize(
    ("component", "message"),
    [
        ({"name": "aam", "margin": 2.0}, "loss aam: 'margin': input should be less than 1.57"),
        ({"name": "aam", "margin": -0.1}, "'margin': input should be greater than or equal to 0"),
        ({"name": "am", "margin": 1.0}, "loss am: 'margin': input should be less than 1"),
        ({"name": "arm", "scale": 0.0}, "loss arm: 'scale': input should be greater than 0"),
        ({"name": "aam", "scale": math.inf}, "'scale': input should be a finite number"),
        ({"name": "asoftmax", "margin": 5}, "'margin': input should be less than or equal to 4"),
        ({"name": "asoftmax", "margin": 2.5}, "'margin': input should be a valid integer"),
        ({"name": "asoftmax", "annealing": -1}, "'annealing': input should be greater than or equal to 0"),
        ({"name": "subcentre_aam", "centres": 0}, "'centres': input should be greater than or equal to 1"),
        ({"name": "subcentre_aam", "inter_top_k": -1}, "'inter_top_k': input should be greater"),
        ({"name": "subcentre_aam", "penalty": 1.6}, "'penalty': input should be less than"),
        ({"name": "sphereface2", "margin_type": "B"}, "'margin_type': input should be 'C' or 'A', not 'B'"),
        ({"name": "sphereface2", "positive_weight": 1.0}, "'positive_weight': input should be less than 1"),
        ({"name": "sphereface2", "power": 0.5}, "'power': input should be greater than or equal to 1"),
        ({"name": "sphereface2", "lamda": 0.7}, "unknown key 'lamda'"),
        ({"name": "aan"}, "unknown loss 'aan': did you mean 'aam'?"),
    ],
)
def test_impossible_options_are_refused(component, message):
    with pytest.raises(WespkError, match=message):
        make(**component)


@pytest.mark.parametrize("name", HEADS)
def test_one_training_speaker_is_refused(name):
    with pytest.raises(WespkError, match="two training speakers or more, not 1"):
        make(name, classes=1)
