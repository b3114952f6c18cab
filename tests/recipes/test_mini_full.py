"""The default corpus at its full size is a fair toy: minutes, so only with `bash tests/run.sh --all`."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def test_trained_network_beats_pitch_and_the_untrained_network_but_not_everything(root, tmp_path):
    pytest.importorskip("espeakng_loader", reason="pip install 'wespk[recipes]' to make the mini corpus")
    environment = {**os.environ, "PYTHONPATH": str(root)}
    python = sys.executable

    def run(*command: object) -> str:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=root / "egs/mini",
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    places = ["--corpus", tmp_path / "corpus", "--data", tmp_path / "data"]
    run("bash", "run.sh", *places, "--exp", tmp_path / "trained")
    untrained = ["--exp", tmp_path / "untrained", "--set", "epochs=0", "--average", 1]
    run("bash", "run.sh", *places, *untrained, "--stage", 3, "--stop_stage", 6)
    trials = tmp_path / "data/test/trials"
    run(python, "local/f0_baseline.py", tmp_path / "data/test", trials, tmp_path / "pitch")

    report = json.loads((tmp_path / "trained/report/report.json").read_text())
    trained = {each["system"]: 100 * each["eer"] for each in report["systems"] if each["trials"] == "test"}
    scores = [tmp_path / "pitch", tmp_path / "untrained/scores/test.cosine_mean.score"]
    figures = tmp_path / "baselines.json"
    run(python, "-m", "wespk", "evaluate", "--draws", 0, "--results", figures, trials, *scores)
    found = json.loads(figures.read_text())["systems"]
    pitch, network = (100 * each["evaluation"]["eer"] for each in found)
    assert pitch > 25 and network > 25
    assert 1 < trained["cosine_mean"] < 10
    assert 0.5 < trained["plda"] < 7
