"""Metric losses against their papers' equations, written as loops over utterances."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.core.config import Component
from wespk.core.errors import WespkError
from wespk.losses import build_head
from wespk.losses.metric import ScaledCosine

METRIC_LOSSES = {
    "batch_hard": {"name": "triplet", "mining": "batch_hard"},
    "semi_hard": {"name": "triplet", "mining": "semi_hard"},
    "n_negatives": {"name": "triplet", "mining": "n_negatives", "negatives": 2},
    "ge2e": {"name": "ge2e"},
    "ge2e_contrast": {"name": "ge2e", "variant": "contrast"},
    "prototypical": {"name": "prototypical"},
    "angular_prototypical": {"name": "angular_prototypical"},
}
every_loss = pytest.mark.parametrize("options", METRIC_LOSSES.values(), ids=METRIC_LOSSES)

batches = (
    st.tuples(  # seed, and labels of a batch with a speaker that comes twice, two speakers, two negatives
        st.integers(0, 10_000),
        st.lists(st.integers(0, 4), min_size=4, max_size=14).filter(
            lambda labels: (
                2 <= len(set(labels)) < len(labels)
                and all(len(labels) - labels.count(spk) > 1 for spk in labels)
            )
        ),
    )
)


def loss_of(options: dict, dim: int = 6) -> torch.nn.Module:
    return build_head(Component(**options), dim, 5).double()


def drawn(seed: int, labels: list[int], dim: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(len(labels), dim, generator=random, dtype=torch.float64), torch.tensor(labels)


def cosine(one: torch.Tensor, other: torch.Tensor) -> float:
    return (one @ other / (one.norm() * other.norm())).item()


def all_triplets(labels: list[int]) -> list[tuple[int, int, int]]:
    return [
        (a, p, n)
        for a, p, n in itertools.product(range(len(labels)), repeat=3)
        if a != p and labels[a] == labels[p] and labels[a] != labels[n]
    ]


def mined_by_hand(cos: list[list[float]], labels: list[int], mining: str) -> list[tuple[int, int, int]]:
    triplets = all_triplets(labels)
    chosen = []
    for a in sorted({a for a, _, _ in triplets}):
        positives = sorted({p for anchor, p, _ in triplets if anchor == a}, key=lambda p: cos[a][p])
        negatives = sorted({n for anchor, _, n in triplets if anchor == a}, key=lambda n: cos[a][n])
        if mining == "batch_hard":
            chosen.append((a, positives[0], negatives[-1]))
        elif mining == "semi_hard":
            for p in positives:
                easier = [n for n in negatives if cos[a][n] < cos[a][p]]
                chosen.append((a, p, easier[-1] if easier else negatives[0]))
        else:
            following = min(positives, key=lambda p: (p - a) % len(labels))
            chosen += [(a, following, n) for n in negatives[-2:]]
    return chosen


@pytest.mark.parametrize("mining", ["batch_hard", "semi_hard", "n_negatives"])
@settings(deadline=None, max_examples=20)
@given(batch=batches, margin=st.floats(0, 0.5))
def test_triplet_loss_is_the_mean_hinge_over_the_triplets_mined_by_hand(mining, batch, margin):
    seed, labels = batch
    embeddings, targets = drawn(seed, labels)
    cos = [[cosine(one, other) for other in embeddings] for one in embeddings]
    chosen = mined_by_hand(cos, labels, mining)
    expected = sum(max(0.0, cos[a][n] - cos[a][p] + margin) for a, p, n in chosen) / len(chosen)
    triplets = all_triplets(labels)
    right = sum(cos[a][p] > cos[a][n] for a, p, n in triplets) / len(triplets)
    output = loss_of({**METRIC_LOSSES[mining], "margin": margin})(embeddings, targets)
    assert output.loss.item() == pytest.approx(expected, abs=1e-12)
    assert output.accuracy.item() == pytest.approx(right, abs=1e-6)


@pytest.mark.parametrize("variant", ["softmax", "contrast"])
@settings(deadline=None, max_examples=20)
@given(batch=batches)
def test_ge2e_is_the_papers_equations(variant, batch):
    seed, labels = batch
    embeddings, targets = drawn(seed, labels)
    head = loss_of({"name": "ge2e", "variant": variant})
    unit = embeddings / embeddings.norm(dim=1, keepdim=True)
    losses, right = [], []
    for i, label in enumerate(labels):
        if labels.count(label) < 2:
            continue
        similarity = {}
        for speaker in set(labels):
            members = [j for j, other in enumerate(labels) if other == speaker and j != i]
            cos = cosine(unit[i], unit[members].mean(dim=0))
            similarity[speaker] = head.similarity.scale.item() * cos + head.similarity.bias.item()
        own = similarity[label]
        right.append(own == max(similarity.values()))
        if variant == "softmax":
            losses.append(-own + math.log(sum(math.exp(value) for value in similarity.values())))
        else:
            other = max(value for speaker, value in similarity.items() if speaker != label)
            losses.append(1 - 1 / (1 + math.exp(-own)) + 1 / (1 + math.exp(-other)))
    output = head(embeddings, targets)
    assert output.loss.item() == pytest.approx(sum(losses) / len(losses), abs=1e-9)
    assert output.accuracy.item() == pytest.approx(sum(right) / len(right), abs=1e-6)


@pytest.mark.parametrize("name", ["prototypical", "angular_prototypical"])
@settings(deadline=None, max_examples=20)
@given(batch=batches)
def test_prototypical_losses_are_the_papers_equations(name, batch):
    seed, labels = batch
    embeddings, targets = drawn(seed, labels)
    head = loss_of({"name": name})
    utterances = {spk: [i for i, label in enumerate(labels) if label == spk] for spk in set(labels)}
    prototypes = {
        spk: embeddings[found[:-1] if len(found) > 1 else found].mean(dim=0)
        for spk, found in utterances.items()
    }
    losses, right = [], []
    for speaker, found in utterances.items():
        if len(found) < 2:
            continue
        query = embeddings[found[-1]]
        if name == "prototypical":
            logits = {spk: -(query - mean).square().sum().item() for spk, mean in prototypes.items()}
        else:
            logits = {
                spk: head.similarity.scale.item() * cosine(query, mean) for spk, mean in prototypes.items()
            }
        highest = max(logits.values())
        right.append(logits[speaker] == highest)
        losses.append(
            highest - logits[speaker] + math.log(sum(math.exp(value - highest) for value in logits.values()))
        )
    output = head(embeddings, targets)
    assert output.loss.item() == pytest.approx(sum(losses) / len(losses), abs=1e-9)
    assert output.accuracy.item() == pytest.approx(sum(right) / len(right), abs=1e-6)


@every_loss
def test_metric_losses_do_not_depend_on_which_number_a_speaker_has(options):
    embeddings, labels = drawn(2, [0, 1, 2, 0, 1, 2, 2, 3])
    other_numbers = torch.tensor([40, 7, 23, 3])[labels]
    head = loss_of(options)
    torch.testing.assert_close(head(embeddings, labels), head(embeddings, other_numbers))


@pytest.mark.parametrize("name", ["batch_hard", "semi_hard", "ge2e", "ge2e_contrast"])
def test_triplets_of_all_positives_and_ge2e_do_not_depend_on_the_order_of_a_batch(name):
    embeddings, labels = drawn(3, [0, 1, 2, 0, 1, 2, 2, 3])
    order = torch.tensor([5, 2, 7, 0, 1, 6, 4, 3])
    head = loss_of(METRIC_LOSSES[name])
    torch.testing.assert_close(head(embeddings, labels), head(embeddings[order], labels[order]))


@pytest.mark.parametrize("name", [name for name in METRIC_LOSSES if name != "prototypical"])
def test_losses_on_cosines_do_not_depend_on_the_length_of_embeddings_that_are_scaled_alike(name):
    embeddings, labels = drawn(4, [0, 1, 2, 0, 1, 2])
    head = loss_of(METRIC_LOSSES[name])
    torch.testing.assert_close(head(embeddings, labels), head(7 * embeddings, labels))


@every_loss
def test_gradients_are_those_of_finite_differences(options):
    embeddings, labels = drawn(5, [0, 1, 2, 0, 1, 2, 2])
    head = loss_of(options)
    assert torch.autograd.gradcheck(lambda x: head(x, labels).loss, embeddings.requires_grad_())


@every_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_metric_losses_and_gradients_are_finite_where_cosines_are_one_or_minus_one(options, dtype):
    axis = torch.tensor([3.0, 0.0, 0.0, 0.0])
    embeddings = torch.stack([axis, axis, -axis, axis, -axis, -axis]).to(dtype).requires_grad_()
    head = build_head(Component(**options), 4, 3)
    loss, accuracy = head(embeddings, torch.tensor([0, 0, 0, 1, 1, 2]))
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(embeddings.grad).all()
    assert all(torch.isfinite(parameter.grad) for parameter in head.parameters())
    assert 0 <= accuracy <= 1


@every_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_metric_losses_and_gradients_are_finite_of_zero_and_of_equal_embeddings(options, dtype, value):
    embeddings = torch.full((6, 4), value, dtype=dtype).requires_grad_()
    head = build_head(Component(**options), 4, 3)
    loss, _ = head(embeddings, torch.tensor([0, 0, 0, 1, 1, 2]))
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(embeddings.grad).all()
    assert all(torch.isfinite(parameter.grad) for parameter in head.parameters())


@every_loss
def test_autocast_changes_nothing(options):
    embeddings, labels = drawn(6, [0, 1, 0, 1, 2, 2])
    head = build_head(Component(**options), 6, 3)
    expected = head(embeddings.float(), labels)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(head(embeddings.float(), labels), expected, rtol=0, atol=0)


@every_loss
def test_metric_losses_bring_speakers_together(options):
    torch.manual_seed(0)
    labels = torch.arange(24) % 4
    embeddings = torch.randn(24, 16).requires_grad_()
    head = build_head(Component(**options), 16, 4)
    optimizer = torch.optim.Adam([embeddings, *head.parameters()], lr=0.1)
    first = head(embeddings, labels)
    for _ in range(30):
        order = torch.randperm(24)
        optimizer.zero_grad()
        head(embeddings[order], labels[order]).loss.backward()
        optimizer.step()
    loss, accuracy = head(embeddings, labels)
    assert loss < first.loss / 2 and accuracy == 1


def test_accuracy_of_a_collapsed_network_shows_it():
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    collapsed = torch.ones(8, 4)
    for options in METRIC_LOSSES.values():
        accuracy = build_head(Component(**options), 4, 4)(collapsed, labels).accuracy
        assert accuracy == (0 if options["name"] == "triplet" else 0.25)


def test_triplet_loss_takes_the_margin_of_the_step():
    embeddings, labels = torch.ones(4, 3), torch.tensor([0, 0, 1, 1])
    head = build_head(Component(name="triplet", margin=0.3), 3, 2)
    assert head(embeddings, labels).loss.item() == pytest.approx(0.3)
    head.margin = 0.7
    assert head(embeddings, labels).loss.item() == pytest.approx(0.7)


@given(st.floats(-50, 50))
def test_scale_of_a_similarity_starts_at_ten_and_stays_above_zero_with_a_gradient(raw):
    similarity = ScaledCosine()
    assert similarity.scale.item() == pytest.approx(10, abs=1e-5)
    similarity.raw_scale.data.fill_(raw)
    similarity(torch.tensor(1.0)).backward()
    assert similarity.scale > 0 and similarity.raw_scale.grad > 0


@every_loss
def test_batch_without_a_positive_or_without_a_negative_is_told_so(options):
    head = build_head(Component(**options), 4, 5)
    with pytest.raises(
        WespkError,
        match=f"loss {options['name']} .* no speaker comes twice in this batch of 4; raise batch",
    ):
        head(torch.randn(4, 4), torch.tensor([0, 3, 1, 2]))
    with pytest.raises(
        WespkError, match=f"loss {options['name']} .* this batch of 3 is all of one speaker; raise batch_size"
    ):
        head(torch.randn(3, 4), torch.tensor([2, 2, 2]))


def test_batch_with_too_few_negatives_is_told_so():
    head = build_head(Component(name="triplet", mining="n_negatives", negatives=3), 4, 2)
    with pytest.raises(
        WespkError, match="has 2 negatives in this batch of 4, not 3; raise batch_size or lower"
    ):
        head(torch.randn(4, 4), torch.tensor([0, 0, 1, 1]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "triplet", "margin": 2.5}, "loss triplet: 'margin'"),
        ({"name": "triplet", "mining": "hard"}, "loss triplet: 'mining'"),
        ({"name": "triplet", "negatives": 0}, "loss triplet: 'negatives'"),
        ({"name": "ge2e", "variant": "sum"}, "loss ge2e: 'variant'"),
        ({"name": "prototypical", "margin": 0.1}, "loss prototypical: unknown key 'margin'"),
    ],
)
def test_impossible_options_are_refused_by_name(options, message):
    with pytest.raises(WespkError, match=message):
        build_head(Component(**options), 4, 2)
