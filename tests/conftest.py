"""Fixtures that all tests share: tiny corpora, the `wespk` command, real speech where it is to be had."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from wespk.data.datadir import write_data_dir

ROOT = Path(__file__).resolve().parents[1]
SAMPLE_RATE = 16000

torch.set_num_threads(1)  # pytest's models are tiny: more threads only wait for each other


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real speech named by WESPK_REAL_DATA; without it the test is skipped, in CI it fails."""
    folder = os.environ.get("WESPK_REAL_DATA")
    if folder and Path(folder).is_dir():
        return Path(folder)
    reason = "set WESPK_REAL_DATA to the folder of real speech to run this test"
    if os.environ.get("WESPK_REQUIRE_REAL_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def tiny_network() -> dict[str, object]:
    """The `model` section of an ECAPA-TDNN of a few hundred weights."""
    sizes = {"channels": 16, "mfa_dim": 24, "se_dim": 4, "scale": 4}
    return {"name": "ecapa_tdnn", **sizes, "pooling": {"name": "astp", "bottleneck": 4}}


@pytest.fixture
def voice() -> Callable[..., np.ndarray]:
    """Make a voiced-like sound: harmonics of a pitch with a little noise, float32 in [-1, 1]."""

    def make(pitch: float = 120.0, seconds: float = 1.0, seed: int = 0, sample_rate: int = SAMPLE_RATE):
        time = np.arange(round(seconds * sample_rate)) / sample_rate
        sound = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 12))
        noise = np.random.default_rng(seed).normal(0, 0.05, len(time))
        return (0.1 * (sound + noise)).astype(np.float32)

    return make


@pytest.fixture
def make_corpus(tmp_path, voice) -> Callable[..., Path]:
    """Write a data directory of made-up speakers with different pitches; return its path.

    Speakers are numbered from `first` and sound like those from `like` on: a tiny network tells voices
    apart only if it was trained on such.
    """

    def make(
        name: str = "train",
        speakers: int = 4,
        utts: int = 4,
        seconds: float = 0.6,
        first: int = 0,
        like: int | None = None,
    ) -> Path:
        wav, utt2spk = {}, {}
        for s in range(first, first + speakers):
            for u in range(utts):
                utt = f"s{s:02d}-u{u}"
                path = tmp_path / "wav" / f"{utt}.wav"
                path.parent.mkdir(exist_ok=True)
                pitch = 90 + 25 * (s if like is None else like + s - first)
                sound = voice(pitch, seconds, seed=100 * s + u)
                soundfile.write(path, sound, SAMPLE_RATE, subtype="PCM_16")
                wav[utt], utt2spk[utt] = str(path), f"s{s:02d}"
        write_data_dir(tmp_path / name, wav, utt2spk)
        return tmp_path / name

    return make


@pytest.fixture
def wespk(tmp_path) -> Callable[..., subprocess.CompletedProcess]:
    """Run the command in `tmp_path`; a test says which status it expects."""

    def run(*arguments: object, status: int = 0, **environment: str) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [sys.executable, "-m", "wespk", *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment},
        )
        assert done.returncode == status, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run
