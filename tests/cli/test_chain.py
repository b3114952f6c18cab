"""The verbs, one after the other, on a tiny corpus: what a recipe does, without its shell."""

import json
import shutil

import kaldiio
import numpy as np
import pytest
import soundfile
import yaml

from wespk.cli.main import VERBS, main

SETTINGS = {
    "epochs": 8,
    "batch_size": 8,
    "precision": "fp32",
    "data": {"chunk_frames": 40, "num_workers": 0},
    "optim": {"lr": 0.01, "warmup_steps": 2},
}


@pytest.fixture
def folder(make_corpus, tiny_network, tmp_path):
    """Data directories train and test, and configurations, without features."""
    make_corpus("train", speakers=4, utts=4)
    make_corpus("test", speakers=2, utts=3, first=6)
    (tmp_path / "fbank.conf").write_text("--num-mel-bins=24\n--dither=0\n")
    settings = {**SETTINGS, "model": {**tiny_network, "embedding_dim": 4}}
    (tmp_path / "conf.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


@pytest.fixture
def prepared(folder, wespk):
    """The same with features, and trials for test."""
    for name in ("train", "test"):
        wespk("compute-fbank", "--config", "fbank.conf", name)
    wespk("make-trials", "test")
    return folder


def test_chain_ends_in_a_table_and_a_page(prepared, make_corpus, wespk):
    make_corpus("dev", speakers=2, utts=3, first=4, like=0)
    wespk("compute-fbank", "--config", "fbank.conf", "dev")
    wespk("make-trials", "dev")
    wespk("validate-data", "--audio", "--disjoint", "train", "dev", "test")
    wespk("train", "--config", "conf.yaml", "train", "exp")
    wespk("average-models", "--last", 2, "exp", "exp/final")
    for name in ("train", "dev", "test"):
        wespk("extract", "exp/final", name, f"exp/embeddings/{name}")
    train = "exp/embeddings/train/xvector.scp"
    wespk("compute-mean", train, "exp/final/mean.vec")
    wespk("train-plda", "--mean", "exp/final/mean.vec", train, "train/utt2spk", "exp/final/plda")
    wespk(
        "adapt-plda",
        "--mean",
        "exp/final/mean.vec",
        "exp/final/plda",
        "exp/embeddings/dev/xvector.scp",
        "exp/final/plda_adapted",
    )
    cohort = ["--cohort", train, "--cohort-utt2spk", "train/utt2spk", "--top-k", 3]
    for name in ("dev", "test"):
        inputs = ["--enrol", f"{name}/enrol", f"exp/embeddings/{name}/xvector.scp", f"{name}/trials"]
        mean = ["--mean", "exp/final/mean.vec"]
        wespk("score-cosine", *inputs, f"exp/scores/{name}.cosine.score")
        wespk("score-cosine", *mean, *inputs, f"exp/scores/{name}.cosine_mean.score")
        for plda in ("plda", "plda_adapted"):
            wespk(
                "score-plda", *mean, "--plda", f"exp/final/{plda}", *inputs, f"exp/scores/{name}.{plda}.score"
            )
        wespk("normalise-scores", *mean, *cohort, *inputs, f"exp/scores/{name}.asnorm.score")
    systems = ["cosine", "cosine_mean", "plda", "plda_adapted", "asnorm"]
    calibration = "exp/final/calibration.json"
    wespk("calibrate", calibration, "dev/trials", *(f"exp/scores/dev.{s}.score" for s in systems))
    wespk(
        "calibrate", "--apply", calibration, "test/trials", *(f"exp/scores/test.{s}.score" for s in systems)
    )
    results = ["--calibration", calibration, "--results", "exp/results/test.json"]
    wespk("evaluate", *results, "test/trials", *(f"exp/scores/test.{s}.llr" for s in systems))
    shown = wespk("report", "exp").stdout
    assert all(system in shown for system in systems) and "index.html" in shown
    report = json.loads((prepared / "exp/report/report.json").read_text())
    assert [each["system"] for each in report["systems"]] == systems
    assert all(0 <= each["eer"] <= 1 and each["num_target"] == 6 for each in report["systems"])
    assert "<svg" in (prepared / "exp/report/index.html").read_text()
    assert kaldiio.load_mat(str(prepared / "exp/final/mean.vec")).shape == (4,)


def test_training_again_with_a_new_setting_is_refused_with_the_remedy(prepared, wespk):
    wespk("train", "--config", "conf.yaml", "--set", "epochs=1", "train", "exp")
    assert (
        "from the start"
        not in wespk("train", "--config", "conf.yaml", "--set", "epochs=1", "train", "exp").stdout
    )
    refused = wespk("train", "--config", "conf.yaml", "train", "exp", status=1).stderr
    assert "exp was begun with epochs: 1, not 8; give the new run a folder of its own" in refused
    assert refused.count("\n") == 1


def test_model_refuses_features_of_another_kind(prepared, wespk):
    wespk("train", "--config", "conf.yaml", "--set", "epochs=0", "train", "exp")
    wespk("average-models", "exp", "exp/final")
    (prepared / "fbank.conf").write_text("--num-mel-bins=24\n--dither=0\n--low-freq=50\n")
    wespk("compute-fbank", "--config", "fbank.conf", "test")
    wespk("merge-jobs", "test", "feats")
    refused = wespk("extract", "exp/final", "test", "out", status=1).stderr
    assert "options.low_freq is 50.0 in test but 20.0 in exp/final" in refused


def test_bad_audio_is_rejected_by_name_and_reason(prepared, wespk):
    wav = prepared / "wav"
    (wav / "s06-u0.wav").unlink()
    soundfile.write(wav / "s06-u1.wav", np.zeros(8000), 16000)
    soundfile.write(wav / "s07-u0.wav", np.ones((8000, 2)) * [[0.1, 0.2]], 16000)
    soundfile.write(wav / "s07-u1.wav", np.random.default_rng(0).normal(0, 0.1, 100), 16000)
    refused = wespk("validate-data", "--audio", "test", status=1)
    assert "3 of 6 rejected, --max-rejected 0 allows 0; first s06-u0: missing" in refused.stderr
    refused = wespk("compute-fbank", "--config", "fbank.conf", "test", status=1)
    assert "4 of 6 rejected" in refused.stderr
    assert "4 rejected" in wespk("merge-jobs", "--max-rejected", 4, "test", "feats").stdout
    reasons = dict(line.split(" ", 1) for line in (prepared / "test/rejected.txt").read_text().splitlines())
    kinds = {utt: reason.split(":")[0] for utt, reason in reasons.items()}
    assert kinds == {"s06-u0": "missing", "s06-u1": "silent", "s07-u0": "not mono", "s07-u1": "too short"}
    wespk("train", "--config", "conf.yaml", "--set", "epochs=0", "train", "exp")
    wespk("average-models", "exp", "exp/final")
    wespk("extract", "exp/final", "test", "out")
    missing = wespk("score-cosine", "out/xvector.scp", "test/trials", "scores", status=1).stderr
    assert "test/trials:1: enrol-id 's06-u0' is not among the 2 with embeddings; 14 trials cannot" in missing
    assert not (prepared / "scores").exists()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: (d / "utt2spk").write_text("s00-u0 s00\n"), "utt2spk: 's00-u1' of wav.scp is missing"),
        (lambda d: (d / "spk2utt").unlink(), "spk2utt: no such file"),
        (lambda d: shutil.rmtree(d), "no such data directory"),
        (lambda d: None, "feats.scp: no such file; run the feature stage"),
    ],
)
def test_training_on_a_broken_directory_is_one_clear_line(folder, wespk, spoil, message):
    spoil(folder / "train")
    refused = wespk("train", "--config", "conf.yaml", "train", "exp", status=1).stderr
    assert message in refused and refused.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["trian"], 1, "unknown verb: did you mean 'train'"),
        ([], 2, ""),
        (["train", "--config", "none.yaml", "train", "exp"], 1, "none.yaml: no such file"),
        (["train", "--config", "conf.yaml", "--set", "optim.lrr=1", "train", "exp"], 1, "did you mean 'lr'"),
        (["evaluate", "none", "none"], 1, "none: no such file"),
        (["compute-fbank", "--job", "3/2", "train"], 1, "write it as JOB/N"),
        (["score-cosine", "x"], 2, "required"),
    ],
)
def test_wrong_calls_are_told_what_is_right(folder, wespk, arguments, status, message):
    assert message in wespk(*arguments, status=status).stderr


def test_every_verb_has_help_with_usage_and_example(wespk, capsys):
    overview = wespk("--help").stdout
    for verb in VERBS:
        assert verb in overview
        with pytest.raises(SystemExit) as ended:
            main([verb, "--help"])
        shown = capsys.readouterr().out
        assert ended.value.code == 0 and f"Usage:   wespk {verb}" in shown
        assert "Example:" in shown or verb in ("report", "evaluate"), verb


def test_evaluate_prints_the_figures_of_any_score_file(tmp_path, wespk):
    targets, nontargets = [2, 1.5, 0.9, 0.2, -0.3], [1, 0.4, 0.1, -0.5, -1, -1.2, -2, -2.5, -3, -4]
    lines = [(f"a t{i}", "target", s) for i, s in enumerate(targets)]
    lines += [(f"a n{i}", "nontarget", s) for i, s in enumerate(nontargets)]
    (tmp_path / "trials").write_text("".join(f"{pair} {label}\n" for pair, label, _ in lines))
    (tmp_path / "scores").write_text("".join(f"{pair} {score}\n" for pair, _, score in lines))
    assert "scores 20.000  0.600" in wespk("evaluate", "trials", "scores").stdout
