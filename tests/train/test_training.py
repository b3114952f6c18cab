"""The guarantees of a training run, on a network of a few hundred weights."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
import yaml

from wespk.core.errors import WespkError
from wespk.inference import load_model
from wespk.train.checkpoint import average_weights, load_checkpoint, save_checkpoint
from wespk.train.config import DataConfig
from wespk.train.dataset import load_training_set
from wespk.train.distributed import Ranks
from wespk.train.loop import train
from wespk.train.run import average_models, begin_run

ALONE = Ranks(0, 1, torch.device("cpu"))


def go(config, features, out):
    data = load_training_set(features, config.data)
    begin_run(out, config, data)
    train(config, data, out, ALONE)
    return load_checkpoint(out / "checkpoints" / "last.pt")["network"]


def same(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_training_learns_and_leaves_its_records(config, features, tmp_path):
    go(config(epochs=20, optim={"lr": 0.01, "warmup_steps": 5}), features, tmp_path / "exp")
    history = json.loads((tmp_path / "exp" / "history.json").read_text())
    assert history[-1]["step"] == 80 and history[-1]["accuracy"] > 0.9
    assert history[-1]["loss"] < history[0]["loss"] / 2
    assert {"loss", "accuracy", "lr", "margin", "gradient_norm", "data_wait"} <= history[0].keys()
    assert list((tmp_path / "exp" / "tensorboard").glob("events*"))


def test_same_seed_gives_the_same_bits_and_workers_do_not_matter(config, features, tmp_path):
    data = config().data.model_copy(update={"num_workers": 2})
    one = go(config(), features, tmp_path / "one")
    two = go(config().model_copy(update={"data": data}), features, tmp_path / "two")
    other = go(config(seed=2), features, tmp_path / "other")
    assert same(one, two) and not same(one, other)


@pytest.mark.parametrize("stop_after", [2, 4, 6])
def test_continued_run_equals_an_uninterrupted_one(config, features, tmp_path, monkeypatch, stop_after):
    whole = go(config(), features, tmp_path / "whole")
    saved = []

    def save_then_stop(path, state):
        save_checkpoint(path, state)
        if path.name == "last.pt":
            saved.append(state["step"])
            if state["step"] == stop_after:
                raise KeyboardInterrupt

    monkeypatch.setattr("wespk.train.loop.save_checkpoint", save_then_stop)
    with pytest.raises(KeyboardInterrupt):
        go(config(), features, tmp_path / "cut")
    monkeypatch.undo()
    assert saved[-1] == stop_after
    assert same(go(config(), features, tmp_path / "cut"), whole)
    steps = [record["step"] for record in json.loads((tmp_path / "cut" / "history.json").read_text())]
    assert steps == sorted(set(steps)) and steps[-1] == 12


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"seed": 5}, "begun with seed: 1, not 5"), ({"optim": {"lr": 0.5}}, "begun with optim.lr")],
)
def test_run_is_not_continued_with_other_settings(config, features, tmp_path, changes, message):
    go(config(), features, tmp_path / "exp")
    with pytest.raises(WespkError, match=message):
        go(config(**changes), features, tmp_path / "exp")


def test_failed_start_does_not_lock_the_folder(config, features, tmp_path):
    with pytest.raises(WespkError, match="only 18 utterances"):
        go(config(batch_size=64), features, tmp_path / "exp")
    go(config(), features, tmp_path / "exp")


def test_settings_that_change_nothing_learnt_may_change(config, features, tmp_path):
    go(config(), features, tmp_path / "exp")
    go(config(keep_epochs=2, save_every_steps=7), features, tmp_path / "exp")


def test_run_is_not_continued_on_other_data(config, features, tmp_path):
    go(config(), features, tmp_path / "exp")
    facts = json.loads((features / "feats.json").read_text())
    facts["spec"]["options"]["low_freq"] = 50
    (features / "feats.json").write_text(json.dumps(facts))
    with pytest.raises(WespkError, match="begun on other data or features"):
        go(config(), features, tmp_path / "exp")


def test_loss_that_is_not_finite_stops_the_run(config, features, tmp_path):
    with pytest.raises(WespkError, match="step .*: the loss is not finite; lower optim.lr"):
        go(config(epochs=30, optim={"lr": 1e30, "warmup_steps": 0}), features, tmp_path / "exp")


def test_one_speaker_cannot_be_trained_on(config, make_corpus, features):
    lines = (features / "feats.scp").read_text().splitlines(True)[:6]
    (features / "feats.scp").write_text("".join(lines))
    for name in ("utt2spk", "wav.scp"):
        (features / name).write_text("".join((features / name).read_text().splitlines(True)[:6]))
    (features / "spk2utt").write_text((features / "spk2utt").read_text().splitlines(True)[0])
    with pytest.raises(WespkError, match="1 speaker"):
        load_training_set(features, "none")


def test_average_is_the_mean_of_the_last_epochs(config, features, tmp_path):
    go(config(), features, tmp_path / "exp")
    with pytest.raises(WespkError, match="3 epochs are kept, fewer than 4"):
        average_models(tmp_path / "exp", tmp_path / "final", 4)
    average_models(tmp_path / "exp", tmp_path / "final", 2)
    paths = [tmp_path / "exp" / "checkpoints" / f"epoch-000{epoch}.pt" for epoch in (2, 3)]
    mean = average_weights(paths)
    states = [load_checkpoint(path)["model"] for path in paths]
    name = "embedding.weight"
    torch.testing.assert_close(mean[name], (states[0][name] + states[1][name]) / 2)
    model = load_model(tmp_path / "final")
    assert torch.equal(model.network.state_dict()[name], mean[name])
    assert model.speakers == ["s0", "s1", "s2"] and model.spec.cmn == "utterance"


def test_unfinished_training_is_not_averaged(config, features, tmp_path):
    go(config(), features, tmp_path / "exp")
    (tmp_path / "exp" / "checkpoints" / "epoch-0003.pt").unlink()
    with pytest.raises(WespkError, match="has not finished its 3 epochs"):
        average_models(tmp_path / "exp", tmp_path / "final", 2)


def test_no_epochs_give_the_untrained_network(config, features, tmp_path):
    config = config(epochs=0)
    data = load_training_set(features, DataConfig(cmn="utterance"))
    begin_run(tmp_path / "exp", config, data)
    train(config, data, tmp_path / "exp", ALONE)
    average_models(tmp_path / "exp", tmp_path / "final", 5)
    assert load_model(tmp_path / "final").embed(torch.randn(30, 16).numpy()).shape == (8,)


def command(features, tmp_path, exp, *prefix):
    module = [sys.executable, "-m", *prefix, "wespk"]
    return [*module, "train", "--config", str(tmp_path / "conf.yaml"), str(features), str(tmp_path / exp)]


@pytest.fixture
def environment(root, settings, tmp_path):
    (tmp_path / "conf.yaml").write_text(yaml.safe_dump(settings))
    return {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}


def test_killed_run_ends_with_the_same_bits(config, features, tmp_path, settings, environment):
    """The killed run is a process of its own; before and after it, all is done here."""
    (tmp_path / "conf.yaml").write_text(yaml.safe_dump({**settings, "epochs": 24}))
    environment["OMP_NUM_THREADS"] = str(torch.get_num_threads())
    killed = subprocess.Popen(command(features, tmp_path, "cut"), env=environment, stdout=subprocess.DEVNULL)
    while len(list(tmp_path.glob("cut/checkpoints/epoch-*.pt"))) < 5 and killed.poll() is None:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    at = load_checkpoint(tmp_path / "cut/checkpoints/last.pt")["step"]
    assert 16 <= at < 96
    whole, cut = (go(config(epochs=24), features, tmp_path / exp) for exp in ("whole", "cut"))
    assert same(whole, cut)


def launch_two(features, tmp_path, environment) -> str:
    """Train in two processes; return what they printed."""
    launcher = ["torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m"]
    done = subprocess.run(
        command(features, tmp_path, "exp", *launcher),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_processes_train_a_loss_of_many_parts(features, tmp_path, settings, environment):
    """Batch statistics differ between one process and two; that the ranks agree is what can be asked here."""
    parts = [{"name": "aam", "hidden": [6], "dropout": 0.1}, {"name": "sphereface2"}, {"name": "triplet"}]
    changed = {"batch_size": 12, "epochs": 4, "loss": {"name": "weighted", "parts": parts}}
    (tmp_path / "conf.yaml").write_text(yaml.safe_dump({**settings, **changed}))
    assert "2 process(es) on cpu" in launch_two(features, tmp_path, environment)
    average_models(tmp_path / "exp", tmp_path / "final", 3)
    history = json.loads((tmp_path / "exp/history.json").read_text())
    assert [record["step"] for record in history] == [1, 2, 3, 4]
    assert all(record["loss"] > 0 for record in history)


@pytest.mark.slow
def test_two_processes_continue(features, tmp_path, environment):
    launch_two(features, tmp_path, environment)
    assert "continuing after step 12" in launch_two(features, tmp_path, environment)
    history = json.loads((tmp_path / "exp/history.json").read_text())
    assert history[-1]["step"] == 12


def test_a_metric_loss_in_batches_of_strangers_says_what_to_do(config, features, tmp_path):
    with pytest.raises(WespkError, match="no speaker comes twice in this batch of 2; raise batch_size"):
        go(config(batch_size=2, loss={"name": "triplet"}), features, tmp_path / "exp")


class Crashing(torch.nn.Module):
    """A network with a layer that overwrites memory when it is trained channels-last on a CPU."""

    embedding_dim = 4
    min_frames = receptive_field = 1

    def __init__(self, feat_dim: int) -> None:
        super().__init__()
        self.shortcut = torch.nn.Conv2d(8, 4, 1, 2)


def test_a_network_that_would_crash_on_a_cpu_is_refused(config, features, tmp_path):
    with pytest.raises(WespkError, match="^layer model.shortcut, a strided 1x1 Conv2d of 8 input channels"):
        go(config(model={"name": f"{__name__}:Crashing"}), features, tmp_path / "exp")
