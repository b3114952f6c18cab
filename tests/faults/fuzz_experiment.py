"""The files of a small experiment, by the verbs that write them: calibration, results, what reports show."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from wespk.backend.transforms import Affine, Chain, LengthNorm
from wespk.cli.main import main
from wespk.cli.transforms import save_chain
from wespk.core.files import write_json
from wespk.data.tables import write_table
from wespk.metrics.epochs import EpochResult
from wespk.metrics.scores import ScoreSet

SPEAKERS = ("s1", "s2", "s3")
TESTS = tuple(f"{spk}-{n}" for spk in SPEAKERS for n in range(4))
TRIALS = "base/scores/trials"  # of each model against each test
OF_LABEL = {"nontarget": 0.0, "target": 1.0}


def write_experiment(exp: Path) -> None:
    """Write all files, with paths relative to the working folder, which holds base/ark."""
    rng = np.random.default_rng(3)
    _tables(exp)
    scores = [f"base/scores/test.{system}.score" for system in "ab"]
    pairs = [
        (spk, utt, "target" if utt.startswith(spk) else "nontarget") for spk in SPEAKERS for utt in TESTS
    ]
    Path("base/scores").mkdir()
    Path(TRIALS).write_text("".join(f"{' '.join(pair)}\n" for pair in pairs))
    for path in scores:
        lines = (f"{spk} {utt} {OF_LABEL[label] + rng.normal():.4f}\n" for spk, utt, label in pairs)
        Path(path).write_text("".join(lines))
    final = str(exp / "calibration.json")
    quality = f"--quality {exp}/tables/quality"
    _run(f"calibrate --method pav {final} {TRIALS} {scores[0]}")
    by_pav = {"pav": {**json.loads(Path(final).read_text())["a"], "inputs": ["pav"]}}
    _run(f"calibrate --fuse both=a,b,duration {quality} {final} {TRIALS} {' '.join(scores)}")
    _run(f"calibrate --apply {quality} {final} {TRIALS} {' '.join(scores)}")
    write_json(final, {**json.loads(Path(final).read_text()), **by_pav})
    _run(
        f"evaluate --draws 20 --utt2spk {exp}/utt2spk --by gender={exp}/tables/spk2gender "
        f"--calibration {final} --results {exp}/results/test.json {TRIALS} base/scores/test.both.llr"
    )
    _run(f"identify --results {exp}/identification/test.json {TRIALS} {scores[0]}")
    of_epochs = [
        EpochResult.from_scores(
            epoch, ScoreSet([1, 2, epoch], [0, 1.5]), trials="dev", scoring="cosine", weights="w", inputs="i"
        )
        for epoch in (1, 2)
    ]
    write_json(exp / "epochs.json", [each.to_json() for each in of_epochs])
    points = [[*rng.normal(size=2).round(4).tolist(), utt, utt[:2]] for utt in TESTS]
    left_out = {"utterances": 0, "speakers": 0}
    write_json(
        exp / "embedding_map.json",
        {"set": "test", "method": "PCA", "seed": 0, "left_out": left_out, "points": points},
    )
    rows = [{"step": n, "epoch": n, "loss": 2.0 / n, "accuracy": 0.3 * n, "lr": 0.01} for n in (1, 2, 3)]
    write_json(exp / "history.json", rows)
    steps = (Affine(rng.normal(size=(2, 4))), LengthNorm("unit"), Affine(rng.normal(size=(2, 3))))
    save_chain(exp / "chain/chain.json", Chain(steps))


def _tables(exp: Path) -> None:
    enrolled = [f"{spk}-e{n}" for spk in SPEAKERS for n in (1, 2)]
    write_table(exp / "utt2spk", {utt: utt[:2] for utt in sorted((*TESTS, *enrolled))})
    write_table(exp / "tables/spk2gender", dict(zip(SPEAKERS, "fmf", strict=True)))
    write_table(exp / "tables/utt2device", {utt: f"phone{n % 2}" for n, utt in enumerate(TESTS)})
    rows = [f"{utt} {1 + 0.3 * n:.2f} {10 - n}\n" for n, utt in enumerate((*SPEAKERS, *TESTS))]
    (exp / "tables/quality").write_text("utt-id duration snr\n" + "".join(rows))
    write_table(exp / "num_utts", {"s1-a": 2, "s1-b": 1, "s2-a": 3, "s3-a": 1})


def _run(command: str) -> None:
    """Run a verb without its words on the screen."""
    with redirect_stdout(io.StringIO()):
        main(command.split())
