"""What only real recordings can show."""

import json
import subprocess

import numpy as np
import pytest
import soundfile
import torch

from wespk.core.torchaudio import import_torchaudio
from wespk.data.audio import read_audio
from wespk.features import FbankOptions, FeatureSpec
from wespk.features.kaldi import Fbank


@pytest.fixture(scope="session")
def utterances(real_data):
    """A few AN4 utterances of different lengths."""
    files = sorted((real_data / "an4").glob("*/*.flac"))[::60]
    assert len(files) >= 10
    return files


GRID = [
    ("fbank", {"num_mel_bins": 80}),
    ("fbank", {"num_mel_bins": 40, "snip_edges": False, "use_energy": True, "high_freq": -400.0}),
    ("mfcc", {"num_mel_bins": 30, "num_ceps": 30, "use_energy": True}),
    ("mfcc", {"num_mel_bins": 40, "num_ceps": 20, "use_energy": False, "htk_compat": True}),
    ("spectrogram", {"frame_length": 20.0}),
]


@pytest.mark.parametrize(("kind", "options"), GRID)
def test_features_agree_with_torchaudio_on_speech(kind, options, utterances):
    extract = FeatureSpec(kind=kind, options={"dither": 0, **options}).front_end(torch.float64)
    reference_of = getattr(import_torchaudio().compliance.kaldi, kind)
    for path in utterances:
        samples = torch.from_numpy(soundfile.read(path)[0]) * 32768
        difference = (extract(samples) - reference_of(samples[None], dither=0.0, **options)).abs()
        # torchaudio evaluates the mel scale in another order: the last bit at the foot of a triangle.
        assert difference.max() < 1e-3 and difference.median() < 1e-4


def test_fbank_agrees_with_kaldi_native_fbank_on_speech(utterances):
    native = pytest.importorskip("kaldi_native_fbank", reason="wespk[dev] has it")
    options = native.FbankOptions()
    options.frame_opts.dither, options.mel_opts.num_bins = 0, 80
    extract = Fbank(FbankOptions(dither=0, num_mel_bins=80), torch.float64)
    for path in utterances:
        samples = soundfile.read(path)[0] * 32768
        online = native.OnlineFbank(options)
        online.accept_waveform(16000, samples.tolist())
        online.input_finished()
        reference = np.stack([online.get_frame(frame) for frame in range(online.num_frames_ready)])
        difference = np.abs(extract(torch.from_numpy(samples)).numpy() - reference)
        # float32 noise of its transform shows where a bin of a quiet recording is nearly empty.
        assert difference.max() < 1e-2 and np.median(difference) < 1e-5


def test_every_corpus_is_read(real_data):
    counts = {}
    for corpus, rate in (("an4", 16000), ("timit_sample", 16000), ("aishell_sample", 16000), ("fsdd", 8000)):
        files = [path for path in (real_data / corpus).rglob("*") if path.suffix in (".wav", ".flac")][:60]
        sounds = [read_audio(str(path), rate) for path in files]
        assert all(np.abs(sound).max() <= 1 for sound in sounds)
        counts[corpus] = len(sounds)
    assert min(counts.values()) == 60


def test_sphere_file_named_wav_is_read(real_data):
    path = real_data / "timit_sample/dr1-fvmh0/si836.wav"
    assert path.read_bytes()[:7] == b"NIST_1A"
    assert len(read_audio(str(path), 16000)) > 16000


def test_an4_recipe_learns_speakers_in_six_epochs(real_data, root, tmp_path):
    settings = ["epochs=6", "model.channels=64", "model.mfa_dim=128", "model.embedding_dim=32"]
    overrides = [word for setting in settings for word in ("--set", setting)]
    places = ["--data", str(tmp_path / "data"), "--exp", str(tmp_path / "exp"), "--average", "2"]
    done = subprocess.run(
        ["bash", str(root / "egs/an4/run.sh"), "--corpus", str(real_data / "an4"), *places, *overrides],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "exp/report/report.json").read_text())
    found = {(each["trials"], each["system"]): each for each in report["systems"]}
    assert (found["test", "cosine"]["num_target"], found["test", "cosine"]["num_nontarget"]) == (1146, 18555)
    assert found["test", "cosine_mean"]["eer"] < 0.3
    assert report["rejected"] == []
