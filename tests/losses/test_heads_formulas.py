"""Each head against its paper's formula, written out with angles, one utterance and one class at a time."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wespk.core.config import Component
from wespk.losses import build_head

DIM, CLASSES = 4, 6


def make(name: str, **options) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_head(Component(name=name, **options), DIM, CLASSES).double()


def batch(size: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings (B, D) at all angles from the classes, labels (B,)."""
    generator = torch.Generator().manual_seed(3)
    embeddings = torch.randn(size, DIM, generator=generator, dtype=torch.float64)
    return 3 * embeddings, torch.arange(size) % CLASSES


def angle(a: torch.Tensor, b: torch.Tensor) -> float:
    return math.acos((a @ b / a.norm() / b.norm()).item())


def log_softmax_loss(logits: list[float], label: int) -> float:
    return math.log(sum(math.exp(logit - logits[label]) for logit in logits))


def check(head, loss_of) -> None:
    """`loss_of(angles to all classes, label, embedding)` is the loss of each utterance."""
    embeddings, labels = batch()
    expected = [
        loss_of([angle(row, vector) for vector in head.weight.detach()], label, row)
        for row, label in zip(embeddings, labels.tolist(), strict=True)
    ]
    losses = head.utterance_losses(embeddings, labels)
    torch.testing.assert_close(losses, torch.tensor(expected, dtype=torch.float64), rtol=1e-6, atol=1e-6)


def target_on_angle(theta: float, margin: float) -> float:
    return (
        math.cos(theta + margin) if theta < math.pi - margin else math.cos(theta) - margin * math.sin(margin)
    )


def other_on_angle(theta: float, margin: float) -> float:
    return math.cos(theta - margin) if theta > margin else math.cos(theta) + 1 - math.cos(margin)


def test_am_takes_the_margin_off_the_targets_cosine():
    def loss_of(angles, label, _):
        logits = [15 * (math.cos(theta) - 0.3 * (j == label)) for j, theta in enumerate(angles)]
        return log_softmax_loss(logits, label)

    check(make("am", margin=0.3, scale=15.0), loss_of)


@pytest.mark.parametrize("easy_margin", [False, True])
def test_aam_adds_the_margin_to_the_targets_angle(easy_margin):
    def target(theta):
        if easy_margin:
            return math.cos(theta + 0.4) if theta < math.pi / 2 else math.cos(theta)
        return target_on_angle(theta, 0.4)

    def loss_of(angles, label, _):
        logits = [15 * (target(theta) if j == label else math.cos(theta)) for j, theta in enumerate(angles)]
        return log_softmax_loss(logits, label)

    check(make("aam", margin=0.4, scale=15.0, easy_margin=easy_margin), loss_of)


def test_arm_costs_what_each_class_lacks_of_the_margin_relative_to_the_target():
    def loss_of(angles, label, _):
        cosines = [math.cos(theta) for theta in angles]
        lacks = [max(0.0, 12 * (c - cosines[label] + 0.2)) for j, c in enumerate(cosines) if j != label]
        return math.log(1 + sum(math.exp(lack) for lack in lacks))

    check(make("arm", margin=0.2, scale=12.0), loss_of)


def test_arm_no_longer_moves_an_utterance_that_beats_all_classes_by_the_margin():
    heads = {name: make(name, margin=0.2) for name in ("arm", "am")}
    lengths = {}
    for name, head in heads.items():
        head.weight.data = torch.cat([torch.eye(4), -torch.eye(4)[:2]]).double()
        embeddings = torch.tensor([[1.0, 0.1, 0.0, 0.0]], dtype=torch.float64, requires_grad=True)
        head(embeddings, torch.tensor([0])).loss.backward()
        lengths[name] = embeddings.grad.norm().item()
        if name == "arm":
            assert head(embeddings, torch.tensor([0])).loss.item() == pytest.approx(math.log(CLASSES))
    assert lengths["arm"] < 1e-12 < lengths["am"]


@pytest.mark.parametrize("margin", [1, 2, 3, 4])
@pytest.mark.parametrize("annealing", [0.0, 5.0])
def test_asoftmax_multiplies_the_targets_angle(margin, annealing):
    def psi(theta):
        k = min(math.floor(margin * theta / math.pi), margin - 1)
        return (-1) ** k * math.cos(margin * theta) - 2 * k

    def loss_of(angles, label, row):
        mixed = (annealing * math.cos(angles[label]) + psi(angles[label])) / (1 + annealing)
        logits = [
            row.norm().item() * (mixed if j == label else math.cos(theta)) for j, theta in enumerate(angles)
        ]
        return log_softmax_loss(logits, label)

    check(make("asoftmax", margin=margin, annealing=annealing), loss_of)


def test_asoftmax_at_one_is_weight_normalised_softmax():
    head = make("asoftmax", margin=1)
    embeddings, labels = batch()
    plain = torch.nn.functional.cross_entropy(
        embeddings @ torch.nn.functional.normalize(head.weight).T, labels
    )
    torch.testing.assert_close(head(embeddings, labels).loss, plain)


def test_asoftmax_between_whole_margins_lies_between_their_losses():
    head = make("asoftmax", margin=4)
    embeddings, labels = batch()
    losses = []
    for head.margin in (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0):
        losses.append(head(embeddings, labels).loss.item())
    assert losses[0] == losses[1] == losses[2]
    assert losses[2:] == sorted(set(losses))


def nearest_centres(head, row: torch.Tensor, centres: int) -> list[float]:
    """The angle to the nearest centre of each class."""
    vectors = head.weight.detach().reshape(centres, CLASSES, DIM)
    return [min(angle(row, vectors[k, j]) for k in range(centres)) for j in range(CLASSES)]


@pytest.mark.parametrize("centres", [1, 3])
@pytest.mark.parametrize("k", [0, 2, 5, 50])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.0])
def test_subcentre_aam_takes_the_nearest_centre_and_lifts_the_k_nearest_classes(centres, k, share):
    head = make("subcentre_aam", margin=0.3, scale=10.0, centres=centres, inter_top_k=k, penalty=0.2)
    head.margin = share * 0.3  # the penalty rises in proportion

    def loss_of(_, label, row):
        angles = nearest_centres(head, row, centres)
        nearest = sorted((theta, j) for j, theta in enumerate(angles) if j != label)[:k]
        logits = [10 * math.cos(theta) for theta in angles]
        for theta, j in nearest:
            logits[j] = 10 * other_on_angle(theta, share * 0.2)
        logits[label] = 10 * target_on_angle(angles[label], share * 0.3)
        return log_softmax_loss(logits, label)

    check(head, loss_of)


def test_subcentre_aam_of_margin_zero_keeps_its_penalty():
    embeddings, labels = batch()
    penalised = make("subcentre_aam", margin=0.0, penalty=0.2)(embeddings, labels).loss
    assert penalised > make("subcentre_aam", margin=0.0, penalty=0.0)(embeddings, labels).loss


@pytest.mark.parametrize("margin_type", ["C", "A"])
@pytest.mark.parametrize("power", [1.0, 2.5, 3.0])
def test_sphereface2_is_a_sum_of_binary_losses(margin_type, power):
    head = make("sphereface2", margin=0.25, scale=8.0, margin_type=margin_type, power=power)
    head.bias.data.fill_(0.4)

    def spread(z):
        return 2 * ((z + 1) / 2) ** power - 1

    def target(theta):
        if margin_type == "A":
            return spread(math.cos(min(theta + 0.25, math.pi)))
        return spread(math.cos(theta)) - 0.25

    def other(theta):
        if margin_type == "A":
            return spread(other_on_angle(theta, 0.25))
        return spread(math.cos(theta)) + 0.25

    def loss_of(angles, label, _):
        positive = math.log(1 + math.exp(-8 * target(angles[label]) - 0.4))
        negative = [
            math.log(1 + math.exp(8 * other(theta) + 0.4)) for j, theta in enumerate(angles) if j != label
        ]
        return 0.7 * positive + 0.3 * sum(negative)

    check(head, loss_of)


def test_the_bias_of_sphereface2_is_trained_and_saved():
    head = make("sphereface2")
    embeddings, labels = batch()
    head(embeddings, labels).loss.backward()
    assert "bias" in dict(head.named_parameters()) and "bias" in head.state_dict()
    assert head.bias.grad.abs() > 0


@given(
    classes=st.sampled_from([2, 3, 10, 6000]),
    margin=st.floats(0.0, 1.5),
    scale=st.floats(1.0, 64.0),
    positive_weight=st.floats(0.05, 0.95),
    margin_type=st.sampled_from(["C", "A"]),
)
def test_sphereface2_starts_from_the_best_bias_while_cosines_are_zero(
    classes, margin, scale, positive_weight, margin_type
):
    options = {"margin": margin, "scale": scale, "positive_weight": positive_weight}
    head = build_head(Component(name="sphereface2", margin_type=margin_type, **options), 2, classes).double()
    head.weight.data = torch.tensor([[1.0, 0.0]], dtype=torch.float64).expand(classes, 2).clone()
    orthogonal = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    losses = []
    with torch.no_grad():
        best = head.bias.item()
        for bias in (best, best - 0.1, best + 0.1):
            head.bias.fill_(bias)
            losses.append(head(orthogonal, torch.tensor([0])).loss.item())
    assert losses[0] <= min(losses[1:]) * (1 + 1e-6) + 1e-9
