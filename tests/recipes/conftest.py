"""Running recipes on tiny data, and the corpora that imitate large ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(Path(__file__).parent))  # for `import imitate`

# Just enough for target scores to lie above nontarget ones, as calibration wants.
SMALL_TRAINING = [
    "epochs=15",
    "batch_size=8",
    "data.chunk_frames=60",
    "optim.warmup_steps=5",
    "optim.lr=0.01",
]
SMALL_NETWORK = {
    "ecapa": [
        "model.channels=32",
        "model.mfa_dim=96",
        "model.se_dim=8",
        "model.pooling.name=astp",
        "model.pooling.bottleneck=8",
    ],
    "resnet34": ["model.channels=4", "precision=fp32"],  # torch's bf16 convolutions crash below 16 channels
}


@pytest.fixture
def recipe(tmp_path) -> Callable[..., subprocess.CompletedProcess]:
    """Run egs/NAME/run.sh with all its output under `tmp_path`, and a network of a few thousand weights."""

    def run(name: str, *options: object, status: int = 0, network: str = "ecapa", **environment: str):
        small = [*SMALL_TRAINING, *SMALL_NETWORK[network], "model.embedding_dim=24"]
        settings = [word for setting in small for word in ("--set", setting)]
        places = ["--data", tmp_path / "data", "--exp", tmp_path / "exp"]
        sizes = ["--average", 2, "--top_k", 4, "--by_epoch", "false"]
        fixed = ["--config", f"conf/{network}.yaml", *sizes, *places, *settings]
        done = subprocess.run(
            ["bash", str(ROOT / "egs" / name / "run.sh"), *map(str, [*fixed, *options])],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == status, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


@pytest.fixture
def results(tmp_path) -> Callable[[], dict[tuple[str, str], float]]:
    """Read the EERs of the report: (trial list, system) -> EER."""

    def read():
        report = json.loads((tmp_path / "exp/report/report.json").read_text())
        return {(each["trials"], each["system"]): each["eer"] for each in report["systems"]}

    return read


@pytest.fixture(scope="session")
def voices(tmp_path_factory) -> Path:
    """A folder of 16 generated voices with 10 recordings each, as `imitate.py` takes it."""
    pytest.importorskip("espeakng_loader", reason="pip install 'wespk[recipes]' to generate speech")
    corpus = tmp_path_factory.mktemp("voices")
    script = [sys.executable, str(ROOT / "egs/mini/local/make_corpus.py"), "--out", str(corpus)]
    size = [
        "--num_train",
        "8",
        "--num_dev",
        "4",
        "--num_test",
        "4",
        "--train_utts",
        "10",
        "--eval_utts",
        "10",
    ]
    subprocess.run([*script, *size], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    return corpus / "wav"
