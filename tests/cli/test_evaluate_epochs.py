"""`wespk evaluate-epochs`: the figures are those of extraction and cosine; nothing is done twice."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from wespk.backend import cosine_scores
from wespk.cli import evaluate_epochs
from wespk.cli.main import main
from wespk.core.config import parse_config
from wespk.core.files import write_json
from wespk.data.archives import read_vectors, write_archive
from wespk.data.datadir import write_data_dir
from wespk.data.trials import read_trials
from wespk.features import FbankOptions, FeatureSpec
from wespk.inference.model_dir import describe_model
from wespk.metrics import OperatingPoint, ScoreSet, eer, min_dcf
from wespk.metrics.epochs import EpochResult, best_epoch
from wespk.models import build_model
from wespk.train.checkpoint import epoch_path, save_checkpoint
from wespk.train.config import TrainConfig

SPEC = FeatureSpec(options=FbankOptions(num_mel_bins=16, dither=0), cmn="utterance")


def result(epoch, eer, min_dcf=0.5):
    return EpochResult(epoch, eer, min_dcf, trials="dev", scoring="cosine", weights="w", inputs="i")


@pytest.fixture
def folder(tmp_path, tiny_network, monkeypatch):
    """exp, a run of 4 epochs of which the last 3 are kept, and dev with features and trials."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    utt2spk = {f"s{s}-u{u}": f"s{s}" for s in range(3) for u in range(4)}
    write_data_dir("dev", dict.fromkeys(utt2spk, "none"), utt2spk)
    items = (
        (utt, random.normal(int(spk[1:]), 3, (random.integers(12, 40), 16))) for utt, spk in utt2spk.items()
    )
    write_archive("dev/feats.ark", "dev/feats.scp", items)
    write_json("dev/feats.json", {"spec": SPEC.archived().model_dump(mode="json"), "content": "x"})
    main(["make-trials", "dev"])
    settings = {"epochs": 4, "keep_epochs": 3, "model": {**tiny_network, "embedding_dim": 4}}
    config = parse_config(TrainConfig, settings, "test")
    describe_model(tmp_path / "exp", config, SPEC, ["a", "b"], {"data": "train", "data_digest": "0"})
    for epoch in (2, 3, 4):
        train_to(tmp_path, epoch, seed=epoch)
    return tmp_path


def train_to(folder, epoch, seed):
    """Write the weights of an epoch: those of a random network."""
    settings = yaml.safe_load((folder / "exp/config.yaml").read_text())
    torch.manual_seed(seed)
    network = build_model(parse_config(TrainConfig, settings, "test").model, SPEC.dim)
    save_checkpoint(epoch_path(folder / "exp/checkpoints", epoch), {"model": network.state_dict()})


def evaluate(capsys, *arguments, status=0):
    """Run the verb; return what it prints (or its error) and the records."""
    capsys.readouterr()
    if status:
        with pytest.raises(SystemExit) as stop:
            main(["evaluate-epochs", *arguments, "exp", "dev"])
        assert stop.value.code == status
        return capsys.readouterr().err
    main(["evaluate-epochs", *arguments, "exp", "dev"])
    with open("exp/epochs.json", encoding="utf-8") as stream:
        return capsys.readouterr().out, {each["epoch"]: each for each in json.load(stream)}


def test_the_figures_are_those_of_the_verbs_one_by_one(folder, capsys):
    said, records = evaluate(capsys)
    assert list(records) == [2, 3, 4] and {each["trials"] for each in records.values()} == {"dev"}
    # The same by hand: a model directory of the last epoch's weights, its embeddings, their cosines.
    main(["average-models", "--last", "1", "exp", "model"])
    main(["extract", "model", "dev", "embeddings"])
    keys, matrix = read_vectors("embeddings/xvector.scp")
    trials = read_trials("dev/trials")
    rows = matrix - matrix.mean(axis=0)
    sides = [rows[[keys.index(utt) for utt in ids]] for ids in (trials.enrol_ids, trials.test_ids)]
    cosines = cosine_scores(*sides, trials.enrol_index, trials.test_index)
    scores = ScoreSet.from_labels(cosines, trials.is_target)
    assert records[4]["eer"] == pytest.approx(eer(scores).value, abs=1e-12)
    assert records[4]["min_dcf(0.01)"] == pytest.approx(min_dcf(scores, OperatingPoint(0.01)).value)
    best = min(records.values(), key=lambda each: (each["eer"], each["min_dcf(0.01)"]))
    assert f"best: epoch {best['epoch']}: EER {100 * best['eer']:.2f} %" in said
    assert "nothing is known of epoch 1: their weights are gone" in said
    assert "cosine, mean of the set subtracted" in said


def test_an_epoch_is_done_again_only_when_its_weights_have_changed(folder, capsys):
    said, first = evaluate(capsys, "--epochs", "2,3")
    assert list(first) == [2, 3] and "up to date" not in said
    said, second = evaluate(capsys)
    assert "2 of 3 epochs are up to date" in said and {key: second[key] for key in first} == first
    train_to(folder, 3, seed=99)
    said, third = evaluate(capsys)
    assert "2 of 3 epochs are up to date" in said and "the figures of epoch 3 do not hold" in said
    assert third[3]["weights"] != first[3]["weights"] and third[2] == first[2]


def test_pruned_epochs_keep_their_figures_until_the_lists_change(folder, capsys):
    evaluate(capsys)
    epoch_path(folder / "exp/checkpoints", 2).unlink()
    said, records = evaluate(capsys)
    assert list(records) == [2, 3, 4] and "3 of 3 epochs are up to date" in said
    lines = (folder / "dev/trials").read_text().splitlines(keepends=True)
    (folder / "dev/trials").write_text("".join(lines[:-1]))
    said, records = evaluate(capsys)
    assert list(records) == [3, 4] and "nothing is known of epochs 1 to 2" in said
    assert "the figures of epochs 2 to 4 do not hold" in said


def test_other_lists_stand_beside_each_other(folder, capsys):
    main(["make-trials", "--num-enrol", "2", "--suffix", "_2", "dev"])
    evaluate(capsys, "--epochs", "4")
    said, _ = evaluate(capsys, "--epochs", "3", "--trials", "dev/trials_2")
    records = json.loads((folder / "exp/epochs.json").read_text())
    assert [(each["trials"], each["epoch"]) for each in records] == [("dev", 4), ("dev_2", 3)]
    assert "epoch 3" in said and "dev/trials_2" in said


def test_several_processes_give_the_same(folder, capsys):
    _, alone = evaluate(capsys, "--epochs", "4")
    (folder / "exp/epochs.json").unlink()
    _, together = evaluate(capsys, "--epochs", "4", "--nj", "2")
    assert together == alone


def test_epochs_without_weights_are_named(folder, capsys):
    refused = evaluate(capsys, "--epochs", "1,3", status=1)
    assert "exp/checkpoints: no weights of epoch 1; those of epochs 2 to 4 are kept" in refused
    assert "'3,x' is neither `all` nor numbers" in evaluate(capsys, "--epochs", "3,x", status=2)
    for path in (folder / "exp/checkpoints").iterdir():
        path.unlink()
    assert "exp/checkpoints: no epoch-*.pt; is exp the folder of a training run?" in evaluate(
        capsys, status=1
    )


def test_lists_that_do_not_fit_are_refused_by_name(folder, capsys):
    trials = (folder / "dev/trials").read_text()
    (folder / "dev/trials").write_text(trials + "s0-u0 stranger target\n")
    refused = evaluate(capsys, status=1)
    assert "dev/trials: utterance 'stranger' has no embedding: it is not in dev" in refused
    (folder / "dev/trials").write_text(trials + "stranger s0-u0 target\n")
    assert "enrol-id 'stranger' is not in dev/enrol (1 are not)" in evaluate(capsys, status=1)
    (folder / "dev/trials").write_text(trials)
    (folder / "exp/epochs.json").write_text('{"epoch": 1}')
    assert "exp/epochs.json: is not a list of epochs" in evaluate(capsys, status=1)


def test_the_best_epoch_has_the_lowest_eer_then_the_lowest_cost_then_the_lowest_number():
    assert best_epoch([result(1, 0.2), result(2, 0.1)]).epoch == 2
    assert best_epoch([result(1, 0.1, 0.6), result(2, 0.1, 0.4)]).epoch == 2
    assert best_epoch([result(2, 0.1), result(1, 0.1)]).epoch == 1
    assert EpochResult.from_json(result(3, 0.25).to_json()) == result(3, 0.25)


@pytest.mark.parametrize(
    ("trials", "name"),
    [
        ("data/dev/trials", "dev"),
        ("data/dev/trials_3", "dev_3"),
        ("data/other/trials", "other"),
        ("x/l", "l"),
    ],
)
def test_figures_are_named_after_the_folder_of_their_trials(trials, name):
    assert evaluate_epochs._list_name(Path(trials)) == name
