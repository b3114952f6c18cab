"""docs/own_corpus.md is true: its commands are run, in order, on a corpus as it describes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from wespk.data.datadir import load_data_dir, load_features
from wespk.data.trials import read_trials

TRAINING = 'bash egs/mine/run.sh --corpus "$PWD/my_corpus" --lda_dim none --top_k 3'
SPEAKERS = [f"spk{n:02d}" for n in range(13)]
SMALL = (
    "epochs=15 batch_size=8 data.chunk_frames=20 optim.lr=0.01 optim.warmup_steps=5 "
    "model.channels=16 model.mfa_dim=24 model.se_dim=4 model.embedding_dim=8"
)


@pytest.fixture
def checkout(root, tmp_path, voice) -> Path:
    """A folder that looks like the checkout, with my_corpus and the tables that the page names."""
    for name in ("wespk", "tools", "path.sh"):
        (tmp_path / name).symlink_to(root / name)
    ignored = shutil.ignore_patterns("data", "exp")
    shutil.copytree(root / "egs/an4", tmp_path / "egs/an4", ignore=ignored)
    rows = []
    for s, spk in enumerate(SPEAKERS):
        for u in range(5):
            name = f"{spk}/{'monday' if u < 2 else 'tuesday'}/{u}.wav"
            (tmp_path / "my_corpus" / name).parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(tmp_path / "my_corpus" / name, voice(90 + 12 * s, 0.5, 10 * s + u), 16000)
            rows.append((name, spk, u))
    tables = {
        "table.csv": "file,speaker\n" + "".join(f"{name},{spk}\n" for name, spk, _ in rows),
        "table.tsv": "clip\twho\n" + "".join(f"{name}\t{spk}\n" for name, spk, _ in rows),
        "table.jsonl": "".join(json.dumps({"audio": name, "label": spk}) + "\n" for name, spk, _ in rows),
        "list.txt": "".join(f"{name}\t{SPEAKERS.index(spk)}\n" for name, spk, _ in rows),
        "enrol_list.txt": "".join(f"{name}\t{spk}\n" for name, spk, u in rows if u < 3),
        "trials_list.txt": "".join(f"{name}\t{spk}\n" for name, spk, u in rows if u >= 3),
    }
    for name, text in tables.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def run_page(root: Path, checkout: Path, options: str) -> str:
    """Run the page's shell blocks in one shell; the training's command gets `options`."""
    page = (root / "docs/own_corpus.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    script = "set -euo pipefail\n" + "".join(blocks)
    assert len(blocks) == 6 and script.count(TRAINING) == 1
    (checkout / "page.sh").write_text(script.replace(TRAINING, f"{TRAINING} {options}"))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "page.sh"],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "PATH": path, "WESPK_VENV": "none", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_page_goes_from_a_folder_to_features_and_trials(root, checkout):
    shown = run_page(root, checkout, "--stop_stage 1")
    assert "my_corpus: 65 found = 65 utterances + 0 not used" in shown
    for data in ("data", "egs/mine/data"):
        sets = {name: load_data_dir(checkout / data / name) for name in ("train", "dev", "test")}
        assert {name: len(each.speakers) for name, each in sets.items()} == {"train": 3, "dev": 4, "test": 6}
        assert len(read_trials(checkout / data / "test/trials_3")) == 6 * 12
    for name in ("train", "dev", "test"):
        each = load_data_dir(checkout / "data" / name)
        assert list(load_features(each)) == each.utterances
    sizes = {
        "monday": 26,
        **dict.fromkeys(("by_regex", "from_table", "named_columns", "from_json", "from_list"), 65),
    }
    for name, size in sizes.items():
        data = load_data_dir(checkout / "data" / name)
        assert (len(data.utterances), len(data.speakers)) == (size, 13)
    trials = read_trials(checkout / "data/from_test_lists/trials")
    assert (len(trials), int(trials.is_target.sum())) == (13 * 26, 26)


@pytest.mark.slow
def test_the_page_trains_to_a_report(root, checkout):
    shown = run_page(root, checkout, " ".join(f"--set {setting}" for setting in SMALL.split()))
    assert "cosine" in shown and (checkout / "egs/mine/exp/ecapa/report/index.html").exists()
