"""Recipes end to end on tiny data, through their own run.sh."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wespk.data.datadir import load_data_dir

NO_LDA = ("--lda_dim", "none")  # of two to four speakers it would leave one to three dimensions


def test_mini_runs_to_the_report_and_then_has_nothing_to_do(recipe, results, tmp_path):
    pytest.importorskip("espeakng_loader", reason="pip install 'wespk[recipes]' to make the mini corpus")
    size = ["--corpus", tmp_path / "corpus", "--num_train", 4, "--num_dev", 2, "--num_test", 2, *NO_LDA]
    shown = recipe("mini", *size).stdout
    found = results()
    systems = {"cosine", "cosine_mean", "plda", "plda_adapted", "asnorm", "fusion"}
    assert found.keys() == {(trials, system) for trials in ("dev", "test", "test_3") for system in systems}
    assert all(0 <= eer < 0.6 for eer in found.values())
    assert str(tmp_path / "exp/report/index.html") in shown.replace("\n", "")

    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    again = recipe("mini", *size).stdout
    assert again.count("up to date") == 9 and "==" not in again
    assert {path: path.stat().st_mtime_ns for path in before} == before

    (tmp_path / "exp/final/model.safetensors").unlink()
    mended = recipe("mini", *size).stdout
    assert "stage 3: training: up to date" in mended
    assert "== stage 4: model averaging (output" in mended
    assert "== stage 5: embeddings (output" in mended  # new weights take the old back-end away
    assert results() == found


@pytest.mark.slow
def test_a_recipe_takes_other_features_and_augmented_copies(recipe, tmp_path):
    pytest.importorskip("espeakng_loader", reason="pip install 'wespk[recipes]' to make the mini corpus")
    size = ["--corpus", tmp_path / "corpus", "--num_train", 4, "--num_dev", 2, "--num_test", 2, *NO_LDA]
    recipe("mini", *size, "--features", "mfcc", "--augment", "speed reverb", "--stop_stage", 4)
    plain, augmented = (load_data_dir(tmp_path / "data" / name) for name in ("train", "train_augmented"))
    assert len(augmented.utterances) == 4 * len(plain.utterances)  # itself, two speeds, a room
    assert len(augmented.speakers) == 3 * len(plain.speakers)
    spec = json.loads((tmp_path / "exp/final/feature_spec.json").read_text())
    assert (spec["kind"], spec["cmn"]) == ("mfcc", "utterance")
    speakers = (tmp_path / "exp/final/speakers.txt").read_text().split()
    assert speakers == augmented.speakers
    refused = recipe("mini", *size, "--features", "plp", status=1)
    assert "there is no conf/plp.conf" in refused.stderr


def test_failing_stage_stops_the_run_and_names_the_log(recipe, tmp_path):
    pytest.importorskip("espeakng_loader", reason="pip install 'wespk[recipes]' to make the mini corpus")
    size = [
        "--corpus",
        tmp_path / "corpus",
        "--num_train",
        2,
        "--num_dev",
        1,
        "--num_test",
        1,
        "--top_k",
        2,
        *NO_LDA,
    ]
    failed = recipe("mini", *size, "--stop_stage", 3, "--set", "model.chanels=8", status=1)
    assert "stage 3 (training) failed" in failed.stderr
    assert "train.log" in failed.stderr and "did you mean 'channels'" in failed.stderr
    assert "stage 4" not in failed.stdout


def an4_like(folder, layout: str):
    """Imitate one of AN4's layouts: every listed speaker with 4 recordings, and one that no list names."""
    table = Path(__file__).parents[2] / "egs/an4/local/speakers.tsv"
    speakers = [line.split("\t")[0] for line in table.read_text().splitlines()[1:]]
    random = np.random.default_rng(0)
    for number, spk in enumerate([*speakers, "fxxx"]):
        part = {
            "flac": "",
            "sph": "wav/an4test_clstk" if number % 3 else "wav/an4_clstk",
            "raw": "wav/an4_clstk",
        }
        place = folder / part[layout] / spk
        place.mkdir(parents=True)
        for i in range(4):
            samples = (random.normal(0, 3000, 8000) * np.sin(np.arange(8000) / (5 + number))).astype(np.int16)
            path = place / f"an{i}-{spk}-b.{layout}"
            if layout == "raw":
                path.write_bytes(samples.astype(">i2").tobytes())
            else:
                soundfile.write(path, samples, 16000, format={"sph": "NIST", "flac": "FLAC"}[layout])
    return folder


@pytest.mark.parametrize("layout", ["flac", "sph", "raw"])
def test_an4_is_prepared_alike_from_every_layout(recipe, tmp_path, layout):
    recipe("an4", "--corpus", an4_like(tmp_path / "an4", layout), "--stop_stage", 1)
    sets = {name: load_data_dir(tmp_path / "data" / name) for name in ("train", "dev", "test")}
    assert [len(data.speakers) for data in sets.values()] == [36, 12, 16]
    assert [len(data.utterances) for data in sets.values()] == [144, 48, 64]
    assert "fxxx" not in {spk for data in sets.values() for spk in data.speakers}
    first = sets["test"].utterances[0]
    assert first == f"{sets['test'].speakers[0]}-an0-{sets['test'].speakers[0]}-b"
    expected = sorted(an4_like(tmp_path / "again", "flac").rglob(f"{first.split('-', 1)[1]}.flac"))[0]
    np.testing.assert_array_equal(
        sets["test"].audio(first, 16000), soundfile.read(expected, dtype="float32")[0]
    )
    trials = (tmp_path / "data/dev/trials").read_text().splitlines()
    assert not any({"mdcs", "mdcs2"} == {word.split("-")[0] for word in line.split()[:2]} for line in trials)


def test_an4_names_what_is_missing(recipe, tmp_path):
    corpus = an4_like(tmp_path / "an4", "flac")
    for path in (corpus / "fash").iterdir():
        path.unlink()
    refused = recipe("an4", "--corpus", corpus, status=1).stderr
    assert "no recordings of speaker 'fash' below it (1 of 64 speakers are missing)" in refused
    assert not (tmp_path / "data/train").exists()


def test_an4_is_downloaded_where_there_is_a_network(root, tmp_path):
    an4_like(tmp_path / "an4", "sph")
    with tarfile.open(tmp_path / "an4.tar.gz", "w:gz") as packed:
        packed.add(tmp_path / "an4", "an4")

    def get(data: str, status: int = 0):
        script = [sys.executable, str(root / "egs/an4/local/get_corpus.py"), str(tmp_path / data)]
        done = subprocess.run(
            [*script, "--url", (tmp_path / "an4.tar.gz").as_uri()],
            env={**os.environ, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == status, done.stderr
        return done.stderr

    get("data")
    assert json.loads((tmp_path / "data/corpus.json").read_text())["recordings"] == 65 * 4 - 4
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["corpus.json", "download"]

    (tmp_path / "an4.tar.gz").write_bytes((tmp_path / "an4.tar.gz").read_bytes()[:5000])
    assert "cannot be unpacked" in get("cut", status=1)
    assert not (tmp_path / "cut/download").exists() and not (tmp_path / "cut/corpus.json").exists()


@pytest.mark.parametrize("name", ["mini", "an4", "aishell", "timit"])
def test_recipe_is_short_and_has_help(recipe, root, name):
    lines = (root / "egs" / name / "run.sh").read_text().splitlines()
    assert len(lines) < 120
    shown = recipe(name, "--help").stdout
    assert "--stop_stage" in shown and "--config" in shown
    assert "stop_stage" in recipe(name, "--stop_stge", 3, status=1).stderr
