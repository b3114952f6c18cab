import numpy as np
import pytest
import torch

from wespk.core.config import Component
from wespk.core.errors import WespkError
from wespk.data.audio import AudioError
from wespk.features import FeatureExtractor, FeatureSpec
from wespk.features.cmvn import SlidingCmnOptions, sliding_cmn, utterance_cmvn
from wespk.features.energy import frame_log_energy
from wespk.features.extractor import check_archive, foreign_code
from wespk.features.vad import EnergyVadOptions, energy_vad


class Halve:
    """A denoiser for the tests."""

    def __init__(self, factor: float = 0.5) -> None:
        self.factor = factor

    def __call__(self, samples, sample_rate):
        return samples[: 10 if self.factor < 0 else None] * self.factor


def spec(**fields):
    return FeatureSpec(options={"dither": 0, "num_mel_bins": 20}, **fields)


def test_level_normalisation_makes_features_independent_of_gain(voice):
    extractor = FeatureExtractor(spec(level_db=-20))
    sound = voice()
    np.testing.assert_allclose(extractor(sound * 0.1), extractor(sound), atol=1e-3)
    assert np.abs(FeatureExtractor(spec())(sound * 0.1) - FeatureExtractor(spec())(sound)).min() > 1
    with pytest.raises(AudioError, match="silent"):
        extractor(np.zeros(8000, dtype=np.float32))


def test_utterance_normalisation_is_the_last_step(voice):
    sound = voice()
    plain = FeatureExtractor(spec())(sound)
    whole = FeatureExtractor(spec(cmn="utterance", norm_vars=True))
    np.testing.assert_allclose(whole(sound), utterance_cmvn(plain, True), atol=1e-5)
    np.testing.assert_array_equal(whole.archived(sound), plain)
    assert whole.spec.archived() == spec()


def test_sliding_mean_then_selection_in_kaldis_order(voice):
    sound = np.concatenate([voice(), np.random.default_rng(1).normal(0, 1e-4, 16000).astype(np.float32)])
    plain = FeatureExtractor(spec())(sound)
    vad, sliding = EnergyVadOptions(vad_frames_context=2), SlidingCmnOptions(cmn_window=50, min_cmn_window=20)
    voiced = energy_vad(frame_log_energy(sound, spec().options), vad)
    assert 0.3 < voiced.mean() < 0.7
    found = FeatureExtractor(spec(vad=vad, sliding_cmn=sliding))(sound)
    np.testing.assert_allclose(found, sliding_cmn(plain, sliding)[voiced], atol=1e-5)


def test_the_energy_column_is_what_the_vad_sees(voice):
    sound = voice()
    with_energy = FeatureSpec(kind="mfcc", options={"dither": 0})
    energy = FeatureExtractor(with_energy)(sound)[:, with_energy.options.energy_column]
    np.testing.assert_allclose(frame_log_energy(sound, with_energy.options), energy, atol=1e-4)


def test_an_utterance_without_speech_is_rejected_by_name_of_the_fault():
    quiet = np.random.default_rng(0).normal(0, 1e-5, 16000).astype(np.float32)
    with pytest.raises(AudioError, match="no speech: none of 98 frames"):
        FeatureExtractor(spec(vad=EnergyVadOptions()))(quiet)


def test_a_recording_shorter_than_a_frame_is_rejected():
    with pytest.raises(AudioError, match="too short: 399 samples, a frame needs 400"):
        FeatureExtractor(spec())(np.ones(399, dtype=np.float32))


def test_a_denoiser_comes_first(voice):
    sound = voice()
    denoised = FeatureExtractor(spec(denoiser=Component(name=f"{__name__}.Halve")))
    np.testing.assert_array_equal(denoised(sound), FeatureExtractor(spec())(sound * 0.5))
    with pytest.raises(AudioError, match="denoiser: it gave shape"):
        FeatureExtractor(spec(denoiser=Component(name=f"{__name__}.Halve", factor=-1.0)))(sound)
    with pytest.raises(AudioError, match="denoiser: it gave NaN"):
        FeatureExtractor(spec(denoiser=Component(name=f"{__name__}.Halve", factor=float("inf"))))(sound)
    with pytest.raises(WespkError, match="cannot be imported"):
        FeatureExtractor(spec(denoiser=Component(name="no.such.module.Denoiser")))


def test_dither_depends_on_the_utterance_alone(voice):
    extractor = FeatureExtractor(FeatureSpec())
    sound = voice()
    np.testing.assert_array_equal(extractor(sound, "a"), extractor(sound, "a"))
    assert np.abs(extractor(sound, "a") - extractor(sound, "b")).max() > 0


def test_steps_on_whole_recordings_are_not_streamed_nor_batched():
    extractor = FeatureExtractor(spec(vad=EnergyVadOptions()))
    with pytest.raises(ValueError, match="streamed"):
        next(extractor.stream([np.zeros(100, dtype=np.float32)]))


def test_rows_too_short_or_silent_in_a_batch_do_no_harm(voice):
    samples = torch.zeros(3, 4000)
    samples[0] = torch.from_numpy(voice(seconds=0.25))
    for kind, options in (("fbank", {"snip_edges": False, "dither": 0}), ("mel_spectrogram", {})):
        extractor = FeatureExtractor(FeatureSpec(kind=kind, options=options, level_db=-20))
        features, frames = extractor.batch(samples, torch.tensor([4000, 0, 1]))
        assert frames.tolist()[1:] == [0, 0] and torch.isfinite(features).all()
        np.testing.assert_allclose(features[0], extractor(samples[0].numpy()), atol=1e-3)


def test_code_of_the_user_is_told_by_its_content(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "my_denoiser.py").write_text(
        "class Quiet:\n    def __call__(self, x, rate):\n        return {}[rate]\n"
    )
    mine = spec(denoiser=Component(name="my_denoiser:Quiet"))
    before = foreign_code(mine)
    with pytest.raises(WespkError, match="denoiser my_denoiser:Quiet failed: KeyError"):
        FeatureExtractor(mine)(np.ones(8000, dtype=np.float32))
    (tmp_path / "my_denoiser.py").write_text("class Quiet:\n    pass\n")
    assert foreign_code(mine) != before and foreign_code(spec()) == []


def test_an_archive_is_raw_or_normalised_as_the_network_wants_it():
    network = spec(cmn="utterance")
    assert check_archive(spec(), network, "data", "model")
    assert not check_archive(network, network, "data", "model")
    with pytest.raises(WespkError, match="cmn is utterance in data but none in model"):
        check_archive(network, spec(), "data", "model")
    with pytest.raises(WespkError, match="norm_vars"):
        check_archive(spec(cmn="utterance", norm_vars=True), network, "data", "model")
