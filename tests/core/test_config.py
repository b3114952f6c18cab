import pytest
from torch import nn

from wespk.core.config import Component, StrictModel, build, first_difference, load_config, save_config
from wespk.core.errors import WespkError


class Optim(StrictModel):
    lr: float = 1e-3
    steps: int = 10


class Config(StrictModel):
    seed: int = 1
    optim: Optim = Optim()
    model: Component = Component(name="layer")


class Layer:
    def __init__(self, width: int, channels: int = 8, flag: bool = False) -> None:
        self.width, self.channels, self.flag = width, channels, flag


REGISTRY = {"layer": f"{__name__}:Layer"}


@pytest.fixture
def conf(tmp_path):
    def write(text: str):
        path = tmp_path / "conf.yaml"
        path.write_text(text)
        return path

    return write


def test_file_and_overrides_give_typed_values(conf):
    config = load_config(Config, conf("optim: {lr: 0.1}\n"), ["optim.steps=5", "optim.lr=1e-2"])
    assert config.optim == Optim(lr=0.01, steps=5)


def test_empty_file_gives_the_defaults(conf):
    assert load_config(Config, conf("")) == Config()


def test_saved_configuration_reads_back_equal(conf, tmp_path):
    config = load_config(Config, conf("model: {name: layer, channels: 3}"))
    save_config(config, tmp_path / "saved.yaml")
    assert load_config(Config, tmp_path / "saved.yaml") == config


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        ("optim: {lrr: 1}", [], r"conf.yaml: unknown key 'optim.lrr': did you mean 'lr'\? .*lr, steps"),
        ("sed: 1", [], r"unknown key 'sed': did you mean 'seed'"),
        ("optim: {lr: fast}", [], r"'optim.lr': input should be a valid number.*, not 'fast'"),
        ("- 1", [], r"a configuration is a mapping"),
        ("a: [", [], r"conf.yaml:\d+: not valid YAML"),
        ("", ["optim.lrr=1"], r"unknown key 'optim.lrr'"),
        ("", ["optim.lr"], r"write it as section.key=value"),
        ("", ["seed.x=1"], r"'seed'"),
        ("model: {}", [], r"'model.name' is missing"),
    ],
)
def test_mistakes_are_told_in_one_line(conf, text, overrides, message):
    with pytest.raises(WespkError, match=message) as caught:
        load_config(Config, conf(text), overrides)
    assert "\n" not in str(caught.value)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(WespkError, match="none.yaml: no such file"):
        load_config(Config, tmp_path / "none.yaml")


def test_component_is_built_from_registered_name_or_dotted_path():
    assert build(Component(name="layer", channels=3), REGISTRY, "model", width=2).channels == 3
    assert isinstance(
        build(Component(name="torch.nn.Linear", in_features=2, out_features=3), {}, "model"), nn.Linear
    )


@pytest.mark.parametrize(
    ("component", "message"),
    [
        (Component(name="layr"), "unknown model 'layr': did you mean 'layer'"),
        (Component(name="layer", chanels=3), "model layer: unknown key 'chanels': did you mean 'channels'"),
        (Component(name="layer", channels="many"), "model layer: 'channels'"),
        (Component(name="layer", width=3), "'width' is derived from the data"),
        (Component(name="no.such.Thing"), "cannot be imported"),
    ],
)
def test_component_mistakes_are_told(component, message):
    with pytest.raises(WespkError, match=message):
        build(component, REGISTRY, "model", width=2)


def test_component_of_an_untrusted_file_must_be_registered():
    with pytest.raises(WespkError, match="not part of wespk"):
        build(Component(name="os.system", command="true"), REGISTRY, "model", registered_only=True)


def test_first_difference_names_the_nested_key():
    assert first_difference({"a": {"b": 1}}, {"a": {"b": 2}}) == ("a.b", 1, 2)
    assert first_difference({"a": 1}, {"a": 1, "c": 3}) == ("c", None, 3)
    assert first_difference({"a": [1]}, {"a": [1]}) is None


@pytest.mark.parametrize(
    "value", ["2026-13-45", "!!bool x", "!!timestamp x", "!!int ''", "9" * 10_000, "[" * 50_000]
)
def test_values_that_the_yaml_library_chokes_on_are_errors_that_name_the_file(conf, value):
    with pytest.raises(WespkError, match="conf.yaml(:1)?: not (valid )?YAML"):
        load_config(Config, conf(f"seed: {value}\n"))
    with pytest.raises(WespkError, match="--set seed=.* is not a valid YAML value"):
        load_config(Config, conf("seed: 1\n"), [f"seed={value}"])
