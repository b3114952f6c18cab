import numpy as np
import pytest
import torch
import yaml

from wespk.core.config import Component, StrictModel
from wespk.core.errors import WespkError
from wespk.data.audio import AudioError
from wespk.features import FbankOptions, FeatureSpec
from wespk.inference import load_model, save_model
from wespk.inference.model_dir import describe_model
from wespk.models import build_model

COMPONENT = Component(name="resnet34", channels=4, embedding_dim=6)
SPEC = FeatureSpec(options=FbankOptions(num_mel_bins=16, dither=0), cmn="utterance")


class Config(StrictModel):
    model: Component = COMPONENT


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    weights = build_model(COMPONENT, SPEC.dim).state_dict()
    describe_model(tmp_path / "run", Config(), SPEC, ["s1", "s2"], {"seed": 1})
    save_model(tmp_path / "final", tmp_path / "run", weights, {"seed": 1})
    return tmp_path / "final"


def test_model_directory_is_self_contained(model, tmp_path):
    for path in (tmp_path / "run").iterdir():
        path.unlink()
    loaded = load_model(model)
    assert (loaded.spec, loaded.speakers) == (SPEC, ["s1", "s2"])
    features = np.random.default_rng(0).normal(size=(40, 16)).astype(np.float32)
    embedding = loaded.embed(features)
    assert embedding.shape == (6,) and embedding.dtype == np.float32
    np.testing.assert_array_equal(embedding, load_model(model).embed(features))


def test_equal_models_have_equal_digests(model, tmp_path):
    weights = load_model(model).network.state_dict()
    save_model(tmp_path / "again", model, weights, {"seed": 1})
    assert load_model(tmp_path / "again").digest == load_model(model).digest


def test_too_short_features_are_refused_by_number(model):
    with pytest.raises(AudioError, match="too short: 7 frames, the network needs 8"):
        load_model(model).embed(np.zeros((7, 16), np.float32))


def test_a_batch_equals_its_utterances_one_by_one(model):
    loaded, random = load_model(model), np.random.default_rng(0)
    batch = [random.normal(size=(length, 16)).astype(np.float32) for length in (40, 8, 200)]
    embeddings = loaded.embed_batch(batch)
    assert embeddings.shape == (3, 6) and embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, [loaded.embed(each) for each in batch], rtol=1e-4, atol=1e-6)
    assert loaded.embed_batch([]).shape == (0, 6)


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (np.zeros((7, 16)), AudioError, "too short: number 2 of 2: 7 frames, the network needs 8"),
        (np.full((9, 16), np.nan), AudioError, "not finite: number 2 of 2: the network gives NaN"),
        (np.zeros((9, 24)), WespkError, r"number 2 of 2: features of shape \(9, 24\): .* takes \(T, 16\)"),
        (np.zeros(9), WespkError, r"features of shape \(9,\)"),
    ],
)
def test_the_bad_one_of_a_batch_is_named(model, bad, error, message):
    with pytest.raises(error, match=message):
        load_model(model).embed_batch([np.ones((30, 16), np.float32), bad.astype(np.float32)])


@pytest.mark.parametrize("name", ["config.yaml", "feature_spec.json", "speakers.txt", "model.safetensors"])
def test_missing_part_is_named(model, name):
    (model / name).unlink()
    with pytest.raises(WespkError, match=f"{name}: no such file"):
        load_model(model)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.safetensors", b"not weights", "model.safetensors: does not fit"),
        ("model.safetensors", b"\xff" * 64, "model.safetensors: does not fit"),
        ("config.yaml", b"model: [", "config.yaml: not valid YAML"),
        ("config.yaml", b"seed: 1\n", "section 'model' is missing"),
        ("config.yaml", b"model: {name: resnet34, channels: 8}\n", "model.safetensors: does not fit"),
        ("feature_spec.json", b"{}}", "feature_spec.json:1: not valid JSON"),
        ("feature_spec.json", b'{"kind": "magic"}', "feature_spec.json: unknown features 'magic'"),
    ],
)
def test_damaged_part_is_named(model, name, content, message):
    (model / name).write_bytes(content)
    with pytest.raises(WespkError, match=message):
        load_model(model)


def test_features_that_cannot_be_written_to_need_no_copy(model, recwarn):
    features = np.ones((9, 16), np.float32)
    features.flags.writeable = False
    load_model(model).embed(features)
    assert not recwarn


@pytest.mark.parametrize(
    "config",
    [
        "model: {name: 'os.system', command: 'touch RUN'}\n",
        "model: !!python/object/apply:os.system ['touch RUN']\n",
    ],
)
def test_loading_runs_no_stored_code(model, tmp_path, monkeypatch, config):
    monkeypatch.chdir(tmp_path)
    (model / "config.yaml").write_text(config)
    with pytest.raises(WespkError):
        load_model(model)
    assert not (tmp_path / "RUN").exists()


def test_custom_network_needs_trust(model):
    values = yaml.safe_load((model / "config.yaml").read_text())
    values["model"]["name"] = "wespk.models.resnet:resnet34"
    (model / "config.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(WespkError, match="not part of wespk; trust its code"):
        load_model(model)
    assert load_model(model, trust_code=True).speakers == ["s1", "s2"]
