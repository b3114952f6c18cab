"""`wespk extract`: from features and recordings alike, by jobs, resumed, every utterance accounted for."""

import json

import numpy as np
import pytest
import soundfile
import torch

from wespk.cli.extraction_rate import ExtractionRate
from wespk.core.config import Component, StrictModel
from wespk.data.archives import read_vectors
from wespk.data.datadir import load_data_dir
from wespk.features import FbankOptions, FeatureExtractor, FeatureSpec
from wespk.inference import load_model, save_model
from wespk.inference.model_dir import describe_model
from wespk.models import build_model

SPEC = FeatureSpec(options=FbankOptions(num_mel_bins=16, dither=0), cmn="utterance")
NETWORK = Component(name="resnet34", channels=4, embedding_dim=6)
CONF = "--num-mel-bins=16\n--dither=0\n"


class Config(StrictModel):
    model: Component = NETWORK


@pytest.fixture
def folder(make_corpus, tmp_path, verb):
    """A model directory `model`, and `data` with features, whose s00-u0 is too short for the network."""
    torch.manual_seed(0)
    describe_model(tmp_path / "run", Config(), SPEC, ["s1", "s2"], {"seed": 1})
    weights = build_model(NETWORK, SPEC.dim).state_dict()
    save_model(tmp_path / "model", tmp_path / "run", weights, {"seed": 1})
    make_corpus("data", speakers=2, utts=4, seconds=0.4)
    path = tmp_path / "wav/s00-u0.wav"
    samples, rate = soundfile.read(path)
    soundfile.write(path, samples[:1200], rate, subtype="PCM_16")  # 6 frames
    (tmp_path / "fbank.conf").write_text(CONF)
    verb("compute-fbank", "--config", "fbank.conf", "data")
    return tmp_path


def vectors(folder):
    return read_vectors(folder / "xvector.scp")


def test_embeddings_are_those_of_one_by_one_and_rejections_are_listed(folder, verb):
    said = verb("extract", "--max-rejected", 1, "model", "data", "out")
    assert "out/xvector.scp: 7 of 8, 1 rejected (1 too short)" in said
    assert "8 utterances, 0.00" in said and "utterances/s" in said and "x real time" in said
    assert (folder / "out/rejected.txt").read_text() == ("s00-u0 too short: 6 frames, the network needs 8\n")
    data, model = load_data_dir(folder / "data"), load_model(folder / "model")
    keys, matrix = vectors(folder / "out")
    assert keys == data.utterances[1:]
    alone = [model.embed(FeatureExtractor(SPEC)(data.audio(utt, 16000), utt)) for utt in keys]
    np.testing.assert_allclose(matrix, alone, rtol=1e-4, atol=1e-6)
    info = json.loads((folder / "out/xvector.json").read_text())
    assert info["model"] == model.digest and info["feats"] and "bf16" not in info


def test_too_many_rejections_end_it(folder, verb):
    assert "1 of 8 rejected, --max-rejected 0.01 allows 0" in verb(
        "extract", "model", "data", "out", status=1
    )


def test_recordings_give_the_bytes_of_features(folder, verb):
    verb("extract", "--max-rejected", 1, "model", "data", "out")
    said = verb(
        *("extract", "--audio", "--config", "fbank.conf", "--max-rejected", 1, "--workers", 1),
        *("model", "data", "audio"),
    )
    assert "audio/xvector.scp: 7 of 8, 1 rejected (1 too short)" in said
    np.testing.assert_array_equal(vectors(folder / "audio")[1], vectors(folder / "out")[1])
    info = json.loads((folder / "audio/xvector.json").read_text())
    assert info["audio"]["sample_rate"] == 16000 and "feats" not in info


def test_recordings_need_no_features(folder, verb):
    (folder / "data/feats.scp").unlink()
    verb("extract", "--audio", "--repeat-short", "model", "data", "out")
    assert "feats.scp: no such file" in verb("extract", "model", "data", "other", status=1)


def test_jobs_give_the_same_and_finished_ones_are_kept(folder, verb):
    verb("extract", "--repeat-short", "model", "data", "one")
    verb("extract", "--repeat-short", "--job", "1/2", "model", "data", "two")
    said = verb("extract", "--repeat-short", "--nj", 2, "model", "data", "two")
    assert "1 of 2 jobs are up to date" in said
    assert "4 utterances, " in said  # those of the other job
    (keys, one), (other_keys, two) = vectors(folder / "one"), vectors(folder / "two")
    assert keys == other_keys
    np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)
    for job in ("1/2", "2/2"):
        verb("extract", "--repeat-short", "--job", job, "model", "data", "anew")
    verb("merge-jobs", "anew", "xvector")
    np.testing.assert_array_equal(two, vectors(folder / "anew")[1])


def test_what_changes_the_embeddings_makes_them_anew(folder, verb):
    verb("extract", "--repeat-short", "model", "data", "out")
    assert "8 items are up to date" in verb("extract", "--repeat-short", "model", "data", "out")
    for options, told in (
        (["--max-duration", "0.3"], "; 7 cut to --max-duration; 1 repeated"),
        (["--chunk-duration", "0.25"], "; 7 averaged over chunks; 1 repeated"),
        (["--bf16"], "; 1 repeated"),
    ):
        said = verb("extract", "--repeat-short", *options, "model", "data", "out")
        assert "up to date" not in said and said.rstrip().endswith(told)
        again = verb("extract", "--repeat-short", *options, "model", "data", "out")
        assert "8 items are up to date" in again and "utterances/s" not in again


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--config", "fbank.conf"], "--config says how recordings are read: it needs --audio"),
        (["--audio", "--config", "other.conf"], "options.num_mel_bins is 24 in other.conf but 16 in model"),
        (["--max-duration", "0.05"], "--max-duration: 3 frames are too few for this network, which needs 8"),
        (
            ["--chunk-duration", "0.1"],
            "--chunk-duration: 8 frames are too few for this network, which needs 8 in",
        ),
        (["--workers", "999999"], "--workers 999999: too many; there are "),
    ],
)
def test_options_that_do_not_fit_are_refused(folder, verb, options, message):
    (folder / "other.conf").write_text(CONF.replace("16", "24"))
    assert message in verb("extract", *options, "model", "data", "out", status=1)


def test_bf16_is_refused_where_the_hardware_has_none(folder, verb, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    said = verb("extract", "--bf16", "model", "data", "out", status=1)
    assert "--bf16: this cpu does not compute in bfloat16, and would crawl; leave it out" in said


def test_a_damaged_archive_is_named_with_its_utterance(folder, verb):
    scp = folder / "data/feats.scp"
    lines = scp.read_text().splitlines()
    lines[3] = f"{lines[3].split()[0]} gone.ark:5"
    scp.write_text("\n".join(lines) + "\n")
    said = verb("extract", "--repeat-short", "model", "data", "out", status=1)
    assert "out: 's00-u3': cannot map gone.ark" in said


@pytest.mark.parametrize(
    "rate",
    [ExtractionRate(12, 0.5, 3.25), ExtractionRate(7, 0.0125, 1.0, cut=2, averaged=3, repeated=1)],
)
def test_the_last_line_is_read_again(rate):
    assert ExtractionRate.parse(str(rate)) == rate


def test_jobs_side_by_side_add_up():
    lines = [str(ExtractionRate(10, 1.0, 4.0, cut=1)), "xvector job 2/3: 5 items are up to date"]
    lines.append(str(ExtractionRate(5, 0.5, 2.0)))
    assert ExtractionRate.of_jobs(lines) == ExtractionRate(15, 1.5, 4.0, cut=1)
    assert ExtractionRate.of_jobs(lines[1:2]) is None
