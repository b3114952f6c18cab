"""egs/mini on a cluster: the line in cmd.sh changed, and the same numbers as on this machine."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SIZE = [
    "--num_train",
    "4",
    "--num_dev",
    "2",
    "--num_test",
    "2",
    "--average",
    "2",
    "--top_k",
    "4",
    "--lda_dim",
    "none",
]
SETTINGS = ["epochs=15", "batch_size=8", "data.chunk_frames=60", "optim.warmup_steps=5", "optim.lr=0.01"]
NETWORK = ["channels=32", "mfa_dim=96", "se_dim=8", "pooling.bottleneck=8", "embedding_dim=24"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A place where a recipe may be edited: a copy of egs/mini with what it leans on."""
    for name in ("path.sh", "tools", "wespk"):
        (tmp_path / name).symlink_to(ROOT / name)
    made = shutil.ignore_patterns("exp", "data", "corpus", "__pycache__")
    shutil.copytree(ROOT / "egs/mini", tmp_path / "egs/mini", ignore=made)
    return tmp_path / "egs/mini"


@pytest.mark.slow
def test_mini_has_the_same_numbers_on_slurm(slurm, checkout):
    def run(exp: str, train_cmd: str, **environment: str):
        command_file = checkout / "cmd.sh"
        lines = command_file.read_text().splitlines()
        changed = [f"export train_cmd={train_cmd}" if line.startswith("export") else line for line in lines]
        command_file.write_text("\n".join(changed) + "\n")
        sets = [
            word for each in [*SETTINGS, *(f"model.{size}" for size in NETWORK)] for word in ("--set", each)
        ]
        done = subprocess.run(
            ["bash", "run.sh", *SIZE, *sets, "--exp", exp, "--data", f"data_{exp}"],
            cwd=checkout,
            env={**slurm.environment(**environment), "WESPK_VENV": os.environ.get("WESPK_VENV", "none")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        report = json.loads((checkout / exp / "report/report.json").read_text())
        scores = (checkout / exp / "scores/test.plda.score").read_bytes()
        figures = [{**each, "score_file": each["score_file"].removeprefix(exp)} for each in report["systems"]]
        return figures, scores, done.stderr

    here, scores_here, _ = run("here", "local.py", OMP_NUM_THREADS="1")
    there, scores_there, said = run("there", "slurm.py")
    assert (there, scores_there) == (here, scores_here)
    # Features and embeddings of three sets are arrays; training and the EER by epoch are one job each.
    assert said.count("tasks") == 6 and said.count("slurm.py: job") == 8
    assert "# Ended (code 0)" in (checkout / "there/log/train.log").read_text()
    assert (checkout / "there/log/q/train.sh").exists()


@pytest.mark.slow
def test_stage_that_fails_on_slurm_stops_the_recipe(slurm, checkout):
    lines = (checkout / "cmd.sh").read_text().replace("train_cmd=local.py", "train_cmd=slurm.py")
    (checkout / "cmd.sh").write_text(lines)
    failed = subprocess.run(
        ["bash", "run.sh", *SIZE, "--set", "model.chanels=8", "--stop_stage", "3"],
        cwd=checkout,
        env={**slurm.environment(), "WESPK_VENV": os.environ.get("WESPK_VENV", "none")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert failed.returncode == 1
    assert "ended with code 1" in failed.stderr and "did you mean 'channels'" in failed.stderr
    assert "stage 3 (training) failed" in failed.stderr
