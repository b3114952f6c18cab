"""docs/backend.md and docs/metrics.md are true: their commands run, their examples give what they say."""

import doctest
import json
import re
import shlex
from string import Template

import numpy as np
import pytest

from wespk.cli.main import main
from wespk.core.files import write_json
from wespk.data.archives import write_archive
from wespk.data.datadir import write_data_dir

SETS = {"train": 14, "dev": 8, "test": 8}  # speakers
DIM = 12
ELSEWHERE = {"evaluate-epochs"}  # it needs a trained network: tests/cli/test_evaluate_epochs.py


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """A recipe's folder with data directories, trials, and the embeddings of exp/ecapa."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for name, speakers in SETS.items():
        utt2spk = {f"{name}{s:02d}-{u}": f"{name}{s:02d}" for s in range(speakers) for u in range(5)}
        data, embeddings = tmp_path / "data" / name, tmp_path / "exp/ecapa/embeddings" / name
        write_data_dir(data, dict.fromkeys(utt2spk, "none"), utt2spk)
        genders = "".join(f"{name}{s:02d} {'fm'[s % 2]}\n" for s in range(speakers))
        (data / "spk2gender").write_text(genders)
        (data / "utt2num_frames").write_text(
            "".join(f"{u} {150 + 60 * i % 400}\n" for i, u in enumerate(utt2spk))
        )
        centres = dict(zip(sorted(set(utt2spk.values())), random.normal(size=(speakers, DIM)), strict=True))
        items = ((utt, 1 + centres[spk] + 0.5 * random.normal(size=DIM)) for utt, spk in utt2spk.items())
        write_archive(embeddings / "xvector.ark", embeddings / "xvector.scp", items)
    for options in (["data/dev"], ["data/test"], ["--num-enrol", "3", "--suffix", "_3", "data/test"]):
        main(["make-trials", *options])
    write_json("exp/ecapa/final/manifest.json", {"data": "data/train"})
    (tmp_path / "exp/ecapa/final/config.yaml").write_text("epochs: 1\n")
    return tmp_path


def commands(page):
    """Yield the arguments of each `wespk` command of a page's shell blocks, the variables replaced."""
    blocks = re.findall(r"^```bash\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    variables = {}
    for line in "".join(blocks).replace("\\\n", " ").splitlines():
        words = shlex.split(Template(line).substitute(variables), comments=True)
        if words and words[0] == "wespk":
            yield words[1:]
        elif words:
            name, _, value = " ".join(words).partition("=")
            assert name.isidentifier() and value, f"neither a command nor a variable: {line}"
            variables[name] = value


def test_the_commands_run_in_order(root, recipe, capsys):
    done = []
    for page in ("backend.md", "metrics.md"):
        for words in commands(root / "docs" / page):
            if words[0] not in ELSEWHERE:
                main(words)  # exits, and fails this test, where it is refused
                done.append(words[0])
    assert len(done) > 30
    results = json.loads((recipe / "exp/ecapa/results/test.json").read_text())
    assert [each["system"] for each in results["systems"]] == ["cosine", "plda", "both"]
    assert (recipe / "exp/ecapa/report/index.html").exists()


def test_the_examples_in_python_give_what_they_say(root):
    found = doctest.testfile(str(root / "docs/metrics.md"), module_relative=False)
    assert found.failed == 0 and found.attempted > 10
