"""What stands around a loss: hidden blocks, dropout, and weighted sums."""

import pytest
import torch

from wespk.core.config import Component
from wespk.core.errors import WespkError
from wespk.losses import build_head, utterance_losses
from wespk.losses.hidden import HiddenHead

LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


def embeddings() -> torch.Tensor:
    return torch.randn(6, 8, generator=torch.Generator().manual_seed(1))


def test_hidden_blocks_are_relu_batch_norm_and_an_affine_layer_before_the_head():
    head = build_head(Component(name="aam", hidden=[5, 4], margin=0.0), 8, 3)
    _, norm, affine, _, other_norm, other_affine = head.blocks
    norm.weight.data.uniform_(0.5, 2)
    values = embeddings()
    for batch_norm, linear in [(norm, affine), (other_norm, other_affine)]:
        rectified = values.clamp_min(0)
        normal = (rectified - rectified.mean(dim=0)) / (rectified.var(dim=0, unbiased=False) + 1e-5).sqrt()
        values = (normal * batch_norm.weight + batch_norm.bias) @ linear.weight.T + linear.bias
    assert head.head.weight.shape == (3, 4)
    torch.testing.assert_close(head(embeddings(), LABELS), head.head(values, LABELS))


def test_head_without_hidden_blocks_or_dropout_stands_alone():
    assert not isinstance(build_head(Component(name="aam"), 8, 3), HiddenHead)


def test_dropout_clears_its_share_in_training_and_nothing_in_evaluation():
    head = build_head(Component(name="softmax", dropout=0.4), 8, 3)
    values = torch.ones(1000, 8)
    torch.manual_seed(0)
    assert (head.blocks(values) == 0).float().mean().item() == pytest.approx(0.4, abs=0.03)
    head.eval()
    torch.testing.assert_close(head(embeddings(), LABELS), head.head(embeddings(), LABELS))


def test_losses_by_utterance_are_reached_through_hidden_blocks():
    head = build_head(Component(name="aam", hidden=[5]), 8, 3).eval()
    losses = head.utterance_losses(embeddings(), LABELS)
    assert losses.shape == (6,)
    torch.testing.assert_close(losses.mean(), head(embeddings(), LABELS).loss)
    torch.testing.assert_close(utterance_losses(head, embeddings(), LABELS), losses)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"name": "triplet"}, "TripletLoss"),
        ({"name": "ge2e", "hidden": [5]}, "Ge2eLoss"),
        ({"name": "weighted", "parts": [{"name": "aam"}]}, "WeightedLoss"),
    ],
)
def test_a_loss_of_a_batch_has_none_of_single_utterances(options, name):
    head = build_head(Component(**options), 8, 3)
    with pytest.raises(WespkError, match=f"^{name} has no loss of a single utterance; take .* as aam$"):
        utterance_losses(head, embeddings(), LABELS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": [512, 0]}, "loss aam: 'hidden.1': input should be greater than or equal to 1, not 0"),
        ({"hidden": [10**12]}, "loss aam: 'hidden.0': input should be less than or equal to 16384"),
        ({"hidden": 512}, r"loss aam: 'hidden': must be a list of widths, such as \[512\], not 512"),
        (
            {"hiden": [5]},
            r"unknown key 'hiden': did you mean 'hidden'\? \(choices: dropout, easy_margin",
        ),
        ({"weight": 2}, r"unknown key 'weight': \(choices: dropout, easy_margin, hidden, margin, scale\)"),
        ({"num_classes": 2}, "loss aam: 'num_classes' is derived from the data; remove it"),
        ({"dropout": 1.0}, "loss aam: 'dropout': input should be less than 1, not 1.0"),
    ],
)
def test_impossible_blocks_are_refused_by_name(options, message):
    with pytest.raises(WespkError, match=message):
        build_head(Component(name="aam", **options), 8, 3)


def test_weighted_loss_is_the_weighted_sum_with_the_accuracy_of_the_first_part():
    parts = [
        {"name": "aam", "weight": 0.7},
        {"name": "triplet", "margin": 0.3, "weight": 2},
        {"name": "ge2e"},
    ]
    torch.manual_seed(0)
    head = build_head(Component(name="weighted", parts=parts), 8, 3)
    outputs = [part(embeddings(), LABELS) for part in head.parts]
    assert len({output.accuracy.item() for output in outputs}) == 3
    loss, accuracy = head(embeddings(), LABELS)
    expected = 0.7 * outputs[0].loss + 2 * outputs[1].loss + outputs[2].loss
    torch.testing.assert_close(loss, expected)
    assert accuracy == outputs[0].accuracy


def test_each_part_has_blocks_of_its_own():
    parts = [{"name": "softmax", "hidden": [5], "dropout": 0.1}, {"name": "triplet"}]
    head = build_head(Component(name="weighted", parts=parts), 8, 3)
    first, second = head.parts
    assert first.blocks[2].weight.shape == (5, 8) and not list(second.parameters())
    head(embeddings(), LABELS).loss.backward()
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_one_part_of_weight_one_is_the_loss_itself():
    head = build_head(Component(name="weighted", parts=[{"name": "prototypical"}]), 8, 3)
    torch.testing.assert_close(
        head(embeddings(), LABELS), build_head(Component(name="prototypical"), 8, 3)(embeddings(), LABELS)
    )


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "loss weighted: 'parts'"),
        (
            [{"name": "aam", "weight": 0}],
            "loss weighted: 'parts.0.weight': input should be greater than 0, not 0",
        ),
        ([{"weight": 1}], "loss weighted: 'parts.0.name'"),
        ([{"name": "aam"}, {"name": "tripled"}], "unknown loss 'tripled': did you mean 'triplet'"),
        ([{"name": "aam", "weigth": 2}], "loss aam: unknown key 'weigth': did you mean 'weight'"),
        ([{"name": "triplet", "margins": 0.1}], "loss triplet: unknown key 'margins': did you mean 'margin'"),
    ],
)
def test_impossible_parts_are_refused_by_name(parts, message):
    with pytest.raises(WespkError, match=message):
        build_head(Component(name="weighted", parts=parts), 8, 3)


def test_weighted_loss_without_parts_says_so():
    with pytest.raises(WespkError, match="loss weighted: 'parts' is missing"):
        build_head(Component(name="weighted"), 8, 3)
