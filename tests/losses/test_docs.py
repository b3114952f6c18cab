"""docs/losses.md: it names each loss with its options and their defaults, and its example works."""

import inspect
import re

import pytest
import torch
import yaml

from wespk.core.config import Component, find_component, parse_config
from wespk.core.errors import WespkError
from wespk.losses import REGISTRY, HeadOutput, build_head
from wespk.train.config import TrainConfig

NOT_IN_TABLES = {"weighted"}


@pytest.fixture
def page(root) -> str:
    return (root / "docs" / "losses.md").read_text()


def test_tables_have_every_loss_with_its_options_and_their_defaults(page):
    rows = {
        name: yaml.safe_load("{" + ", ".join(re.findall(r"`(\w+: [^`]+)`", options)) + "}")
        for name, options in re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", page, re.MULTILINE)
    }
    rows["subcentre_aam"] = {**rows["aam"], **rows["subcentre_aam"]}
    assert rows.keys() == REGISTRY.keys() - NOT_IN_TABLES
    for name, options in rows.items():
        parameters = inspect.signature(find_component(name, REGISTRY, "loss")).parameters
        defaults = {key: each.default for key, each in parameters.items()}
        assert options == {key: defaults[key] for key in defaults.keys() - {"embedding_dim", "num_classes"}}


def test_configurations_of_the_page_are_valid(page, tiny_network):
    for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL):
        config = parse_config(TrainConfig, {"model": tiny_network, **yaml.safe_load(block)}, "page")
        build_head(config.loss, 8, 3)


def test_example_of_a_loss_of_ones_own_works(page, tmp_path, monkeypatch):
    (tmp_path / "losses_of_mine.py").write_text(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1])
    monkeypatch.syspath_prepend(tmp_path)
    mine = {"name": "losses_of_mine:CentreLoss", "pull": 0.1}
    labels = torch.tensor([0, 1, 2, 0])
    parts = {"parts": [{**mine, "weight": 0.5, "hidden": [4]}, {"name": "aam"}]}
    for options in (mine, {"name": "weighted", **parts}):
        head = build_head(Component(**options), 8, 3)
        output = head(torch.randn(4, 8), labels)
        assert isinstance(output, HeadOutput)
        output.loss.backward()
        assert all(parameter.grad is not None for parameter in head.parameters())
    with pytest.raises(WespkError, match="'pull': input should be greater than or equal to 0, not -1"):
        build_head(Component(name=mine["name"], pull=-1), 8, 3)
