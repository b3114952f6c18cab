"""Shared by the tests of the back-end verbs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import kaldiio
import numpy as np
import pytest

from wespk.cli.main import main
from wespk.core.files import write_json, write_text
from wespk.metrics.evaluation import DEFAULT_POINTS
from wespk.metrics.records import json_text
from wespk.metrics.scores import ScoreSet
from wespk.metrics.systems import ListResults, SystemResult
from wespk.metrics.thresholds import find_thresholds


@pytest.fixture
def verb(tmp_path, monkeypatch, capsys) -> Callable[..., str]:
    """Run a verb in `tmp_path`, in this process; return what it prints, or its one line of error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, status: int = 0) -> str:
        capsys.readouterr()
        try:
            main([str(argument) for argument in arguments])
            found = 0
        except SystemExit as stop:
            found = stop.code
        out, err = capsys.readouterr()
        assert found == status, f"status {found}\n{out}\n{err}"
        if status:
            assert err.count("\n") == 1, err
        return err if status else out

    return run


@pytest.fixture
def kaldi_folder(root, tmp_path) -> Path:
    """Kaldi's inputs with lists: train.scp, utt2spk, both.scp, enrol, trials, expected (scores)."""
    golden = root / "tests/backend/golden"
    for name, archives in (("train", ["train"]), ("both", ["enrol_utts", "test"])):
        with kaldiio.WriteHelper(f"ark,scp:{tmp_path}/{name}.ark,{tmp_path}/{name}.scp") as write:
            for archive in archives:
                for utt, vector in kaldiio.load_ark(str(golden / f"{archive}.ark")):
                    write(utt, vector)
    (tmp_path / "utt2spk").write_text((golden / "train_utt2spk").read_text())
    (tmp_path / "enrol").write_text((golden / "enrol_spk2utt").read_text())
    pairs = [line.split() for line in (golden / "scores_plda_numutts.txt").read_text().splitlines()]
    (tmp_path / "expected").write_text("".join(f"{score}\n" for _, _, score in pairs))
    (tmp_path / "trials").write_text("".join(f"{enrol} {test} target\n" for enrol, test, _ in pairs))
    return tmp_path


@pytest.fixture
def make_exp(tmp_path) -> Callable[..., Path]:
    """Write results of made-up scores as `evaluate` and `identify` do; return the experiment's folder."""

    def make(
        name: str = "exp/a",
        lists: tuple[str, ...] = ("dev", "test"),
        systems: tuple[str, ...] = ("cosine",),
        identified: tuple[str, ...] = (),
        shift: float = 2.0,
    ) -> Path:
        exp, random = tmp_path / name, np.random.default_rng(3)
        for trials in lists:
            results = []
            for system in systems:
                scores = ScoreSet(random.normal(shift, 1, 60), random.normal(0, 1, 300))
                thresholds = find_thresholds(scores, DEFAULT_POINTS)
                results.append(SystemResult.from_scores(trials, system, scores, dev_thresholds=thresholds))
            record = ListResults(f"data/{trials}/trials", "", None, tuple(results))
            write_text(exp / "results" / f"{trials}.json", json_text(record.to_json()))
        for trials in identified:
            sizes = {"num_tests": 10, "num_models": 4, "errors_at": {"1": 2}}
            found = [{"system": system, **sizes} for system in systems]
            path = exp / "identification" / f"{trials}.json"
            write_json(path, {"trials": f"data/test/trials_{trials}", "systems": found})
        return exp

    return make
