"""The registry: what every network promises, and how a class of the user's own takes part."""

from inspect import signature

import pytest
import torch
from small_networks import DEEP, SMALL, trained

from wespk.core.config import Component, find_component
from wespk.core.errors import WespkError
from wespk.core.files import read_text
from wespk.models import REGISTRY, build_model, num_parameters
from wespk.models.pooling import REGISTRY as POOLINGS

LARGE = (*DEEP, "eres2net_large", "eres2netv2")


@pytest.mark.parametrize("name", REGISTRY)
def test_a_network_takes_as_few_frames_as_it_says_and_no_fewer(name):
    model = build_model(Component(name=name, embedding_dim=24, **SMALL[name]), 80).eval()
    assert model.embedding_dim == 24
    assert model.receptive_field >= 1
    with torch.no_grad():
        assert model(torch.randn(2, model.min_frames, 80)).shape == (2, 24)
    message = f"{model.min_frames - 1} frames are too few: this network needs {model.min_frames}"
    with pytest.raises(WespkError, match=message):
        model(torch.randn(2, model.min_frames - 1, 80))
    with pytest.raises(WespkError, match=message):
        model(torch.randn(2, model.min_frames, 80), torch.tensor([model.min_frames, model.min_frames - 1]))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in REGISTRY]
)
def test_gradients_reach_every_parameter_of_the_full_size_and_are_finite(name):
    torch.manual_seed(0)
    model = build_model(Component(name=name), 80)
    embeddings = model(torch.randn(2, 20, 80))
    (embeddings * torch.randn_like(embeddings)).sum().backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), parameter_name


@pytest.mark.parametrize("name", REGISTRY)
def test_every_network_takes_a_pooling_by_name(name):
    one, other = (
        build_model(Component(name=name, pooling=pooling, **SMALL[name]), 80) for pooling in ("tap", "tstp")
    )
    assert num_parameters(one) < num_parameters(other)
    with pytest.raises(WespkError, match="unknown pooling 'tpa'"):
        build_model(Component(name=name, pooling="tpa", **SMALL[name]), 80)


@pytest.mark.parametrize("name", REGISTRY)
def test_sizes_that_make_no_network_are_refused_by_name(name):
    sizes = {"embedding_dim", *(key for key, value in SMALL[name].items() if isinstance(value, int))}
    for size in sizes:
        for value in (0, -1):
            with pytest.raises(WespkError, match=f"model {name}: '{size}': .*, not {value}$"):
                build_model(Component(name=name, **{size: value}), 80)
    with pytest.raises(WespkError, match="'pooling': must be the name of a pooling, or a mapping .*, not 3$"):
        build_model(Component(name=name, pooling=3), 80)


@pytest.mark.parametrize("name", REGISTRY)
def test_options_begin_with_the_same_ones_for_every_network(name):
    names = list(signature(find_component(name, REGISTRY, "model")).parameters)
    assert names[:3] == ["feat_dim", "embedding_dim", "pooling"]


@pytest.mark.parametrize("name", ["ResNet", "ResNetSe", "Res2Net", "ERes2Net", "ERes2NetV2", "CamPlusPlus"])
def test_stages_without_a_block_are_refused(name):
    module = {"ResNetSe": "resnetse", "CamPlusPlus": "campplus"}.get(name, name.lower())
    depths = [1, 0, 1] if name == "CamPlusPlus" else [1, 0, 1, 1]
    with pytest.raises(WespkError, match="'depths.1': input should be greater than 0, not 0"):
        build_model(Component(name=f"wespk.models.{module}:{name}", depths=depths), 80)


class Mean(torch.nn.Module):
    def __init__(self, feat_dim: int, says_its_dim: bool = True) -> None:
        super().__init__()
        if says_its_dim:
            self.embedding_dim = feat_dim

    def forward(self, features, lengths=None):
        return features.mean(dim=1)


def test_a_class_of_the_users_own_is_named_by_dotted_path():
    assert build_model(Component(name=f"{__name__}:Mean"), 80).embedding_dim == 80
    with pytest.raises(WespkError, match="set the attribute embedding_dim"):
        build_model(Component(name=f"{__name__}:Mean", says_its_dim=False), 80)
    with pytest.raises(WespkError, match="its constructor must take 'feat_dim'"):
        build_model(Component(name="torch.nn.Linear", in_features=2, out_features=3), 80)


def test_unknown_option_names_the_nearest():
    with pytest.raises(WespkError, match="unknown key 'chanels': did you mean 'channels'"):
        build_model(Component(name="ecapa_tdnn", chanels=3), 80)


def test_pooling_of_an_untrusted_network_must_be_registered():
    component = Component(name="resnet18", channels=4, pooling={"name": "os.system"})
    with pytest.raises(WespkError, match="pooling 'os.system' is not part of wespk"):
        build_model(component, 80, registered_only=True)
    with pytest.raises(WespkError, match="must take 'in_dim'"):  # trusted code may be anything
        build_model(component, 80)


def test_the_network_of_the_page_does_not_depend_on_batch_mates(root):
    page = read_text(root / "docs" / "models.md")
    example: dict = {}
    exec(page.split("```python\n")[1].split("```")[0], example)
    torch.manual_seed(0)
    model = trained(example["Network"](8))
    features, lengths = torch.randn(3, 30, 8), torch.tensor([30, 17, 1])
    with torch.no_grad():
        alone = torch.cat(
            [model(each[None, :length]) for each, length in zip(features, lengths, strict=True)]
        )
        torch.testing.assert_close(model(features, lengths), alone)


def test_the_page_has_every_pooling_with_its_defaults(root):
    page = read_text(root / "docs" / "models.md")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    for name in POOLINGS:
        (row,) = [row for row in rows if f"`{name}`" in row.split("|")[1]]
        parameters = list(signature(find_component(name, POOLINGS, "pooling")).parameters.values())[1:]
        for each in parameters:
            assert f"`{each.name}: {str(each.default).lower()}`" in row, name
        assert row.split("|")[3].count(":") == len(parameters), name
