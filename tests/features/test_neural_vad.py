import sys
from importlib import util
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.features import neural_vad as module
from wespk.features.neural_vad import NeuralVadOptions, neural_vad, speech_probabilities, speech_stretches

pytest.importorskip("onnxruntime", reason="the extra wespk[vad] is not installed")
pytest.importorskip("torch")
PACKAGE = util.find_spec("silero_vad")
if PACKAGE is None:
    pytest.skip("the extra wespk[vad] is not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def silero():
    """Silero's own code, without the package around it."""
    path = Path(PACKAGE.submodule_search_locations[0]) / "utils_vad.py"
    spec = util.spec_from_file_location("silero_utils_vad", path)
    loaded = util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def silero_stretches(silero, probabilities, num_samples, rate, options):
    stretches = silero.get_speech_timestamps_from_probs(
        [float(probability) for probability in probabilities],
        sampling_rate=rate,
        threshold=options.threshold,
        min_speech_duration_ms=options.min_speech_ms,
        min_silence_duration_ms=options.min_silence_ms,
        speech_pad_ms=options.speech_pad_ms,
        audio_length_samples=num_samples,
    )
    return [[stretch["start"], stretch["end"]] for stretch in stretches]


@given(
    # Long runs, so that stretches and pauses of all lengths come about.
    runs=st.lists(
        st.tuples(st.sampled_from([0.0, 0.2, 0.345, 0.4, 0.6, 1.0]), st.integers(1, 12)), max_size=12
    ),
    missing=st.integers(0, 255),
    rate=st.sampled_from([8000, 16000]),
    options=st.builds(
        NeuralVadOptions,
        threshold=st.sampled_from([0.05, 0.3, 0.5, 0.55, 0.9]),
        min_speech_ms=st.sampled_from([0, 32, 96, 250]),
        min_silence_ms=st.sampled_from([0, 32, 64, 100, 200]),
        speech_pad_ms=st.sampled_from([0, 15, 30, 100, 333]),
    ),
)
def test_stretches_equal_those_of_silero(silero, runs, missing, rate, options):
    probabilities = np.array([level for level, length in runs for _ in range(length)])
    num_samples = max(len(probabilities) * rate * 4 // 125 - missing, 0)
    ours = speech_stretches(probabilities, num_samples, rate, options)
    assert ours.tolist() == silero_stretches(silero, probabilities, num_samples, rate, options)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_probabilities_equal_those_of_silero(silero, voice, rate):
    import torch

    samples = np.concatenate([voice(seconds=0.7, sample_rate=rate), np.zeros(rate // 3, dtype=np.float32)])
    path = Path(PACKAGE.submodule_search_locations[0]) / "data/silero_vad.onnx"
    theirs = silero.OnnxWrapper(str(path), force_onnx_cpu=True).audio_forward(torch.from_numpy(samples), rate)
    np.testing.assert_allclose(speech_probabilities(samples, rate), theirs[0], atol=1e-6)


def test_frames_are_judged_by_their_centres(monkeypatch):
    # Speech in windows 10 to 29 of 512 samples, unpadded: samples 5120 to 15360.
    probabilities = np.zeros(50)
    probabilities[10:30] = 1
    monkeypatch.setattr(module, "speech_probabilities", lambda samples, rate: probabilities)
    options = NeuralVadOptions(speech_pad_ms=0)
    samples = np.zeros(25600, dtype=np.float32)
    voiced = np.flatnonzero(neural_vad(samples, 16000, options, 158, 400, 160))
    assert (voiced[0], voiced[-1], len(voiced)) == (
        31,
        94,
        64,
    )  # 200 + 160 * 31 = 5160, 200 + 160 * 94 = 15240
    mirrored = np.flatnonzero(neural_vad(samples, 16000, options, 160, 400, 160, first_sample=-120))
    assert (mirrored[0], mirrored[-1]) == (32, 95)  # 80 + 160 * 32 = 5200, 80 + 160 * 95 = 15280


def test_no_samples_give_no_frames_and_silence_none_voiced():
    assert neural_vad(np.zeros(0, dtype=np.float32), 16000, NeuralVadOptions(), 0, 400, 160).shape == (0,)
    assert not neural_vad(np.zeros(16000, dtype=np.float32), 16000, NeuralVadOptions(), 98, 400, 160).any()


def test_speech_in_noise_and_silence_is_found(real_data):
    path = next(iter(sorted((real_data / "librispeech_sample").rglob("*.flac"))))
    speech, rate = soundfile.read(path, dtype="float32")
    speech = speech[: 3 * rate]
    quiet = np.random.default_rng(0).normal(0, 1e-3, 2 * rate).astype(np.float32)
    samples = np.concatenate([quiet, speech, quiet])
    voiced = neural_vad(samples, rate, NeuralVadOptions(), 698, 400, 160)
    assert voiced[:190].mean() < 0.02 and voiced[515:].mean() < 0.02
    assert voiced[200:500].mean() > 0.7


def test_other_rates_are_refused():
    with pytest.raises(WespkError, match="8000 and 16000 Hz, not at 44100 Hz"):
        neural_vad(np.zeros(44100, dtype=np.float32), 44100, NeuralVadOptions(), 98, 1102, 441)


@pytest.mark.parametrize("missing", ["silero_vad", "onnxruntime"])
def test_a_missing_extra_is_named(monkeypatch, missing):
    module._session.cache_clear()
    found = util.find_spec
    monkeypatch.setattr(module.util, "find_spec", lambda name: None if name == missing else found(name))
    with pytest.raises(WespkError, match=r"pip install 'wespk\[vad\]'"):
        speech_probabilities(np.zeros(512, dtype=np.float32), 16000)


def test_the_package_itself_is_not_imported():
    speech_probabilities(np.zeros(512, dtype=np.float32), 16000)
    assert "silero_vad" not in sys.modules
