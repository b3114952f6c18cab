"""Fbank, MFCC and spectrogram against Kaldi's own figures, torchaudio and kaldi-native-fbank."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.core.torchaudio import import_torchaudio
from wespk.features import Fbank, FbankOptions, Mfcc, MfccOptions, Spectrogram
from wespk.features.mel import kaldi_filters

MADE = {
    "fbank80": Fbank(FbankOptions(dither=0, num_mel_bins=80), torch.float64),
    "fbank40": Fbank(
        FbankOptions(
            dither=0,
            num_mel_bins=40,
            high_freq=-400,
            window_type="hamming",
            use_energy=True,
            snip_edges=False,
        ),
        torch.float64,
    ),
    "mfcc30": Mfcc(
        MfccOptions(dither=0, high_freq=7600, num_mel_bins=30, num_ceps=30, snip_edges=False), torch.float64
    ),
}
FBANK = [
    {"num_mel_bins": 80},
    {"num_mel_bins": 40, "snip_edges": False, "window_type": "hamming", "use_energy": True},
    {"num_mel_bins": 30, "low_freq": 100.0, "high_freq": -500.0, "window_type": "hanning"},
    {"num_mel_bins": 23, "use_energy": True, "raw_energy": False, "htk_compat": True, "energy_floor": 1.0},
    {"num_mel_bins": 64, "use_power": False, "remove_dc_offset": False, "window_type": "rectangular"},
    {"num_mel_bins": 80, "use_log_fbank": False, "preemphasis_coefficient": 0.0, "window_type": "blackman"},
    {"num_mel_bins": 40, "frame_length": 32.0, "frame_shift": 8.0, "round_to_power_of_two": False},
    {"num_mel_bins": 40, "vtln_warp": 1.1},
    {"num_mel_bins": 40, "vtln_warp": 0.9, "vtln_low": 60.0, "vtln_high": 7200.0},
]
MFCC = [
    {},
    {"num_mel_bins": 30, "num_ceps": 30, "use_energy": False, "snip_edges": False},
    {"htk_compat": True, "use_energy": True, "cepstral_lifter": 0.0},
    {"htk_compat": True, "use_energy": False, "raw_energy": False, "window_type": "hamming"},
    {"raw_energy": False, "energy_floor": 5.0, "low_freq": 40.0, "high_freq": -200.0},
]
SPECTROGRAM = [
    {},
    {"raw_energy": False},
    {"snip_edges": False, "frame_length": 20.0, "window_type": "hanning"},
]
KINDS = {"fbank": (Fbank, FBANK), "mfcc": (Mfcc, MFCC), "spectrogram": (Spectrogram, SPECTROGRAM)}
CASES = [(kind, options) for kind, (_, grid) in KINDS.items() for options in grid]


def ours(kind, dtype=torch.float64, **options):
    make, _ = KINDS[kind]
    return make(make.Options(**{"dither": 0, **options}), dtype)


@pytest.mark.parametrize("sound", ["made_voice", "made_noise"])
@pytest.mark.parametrize("name", MADE)
def test_agrees_with_kaldi_itself(name, sound):
    golden = np.load(Path(__file__).parent / "golden" / "kaldi_features.npz")
    found = MADE[name](torch.from_numpy(golden[sound].astype(np.float64)))
    np.testing.assert_allclose(found.numpy(), golden[f"{name}_{sound}"], atol=2e-5)


@pytest.mark.parametrize(("kind", "options"), CASES)
@pytest.mark.parametrize("rate", [16000, 8000])
def test_every_option_agrees_with_torchaudio(kind, options, rate, voice):
    if rate == 8000:
        options = {
            **options,
            "sample_frequency": 8000,
            **({"vtln_high": -500.0} if "vtln_warp" in options else {}),
        }
    samples = torch.from_numpy(voice(seconds=1.3, sample_rate=rate).astype(np.float64)) * 32768
    front_end = ours(kind, **options)
    found = front_end(samples)
    named = {name: float(value) if name == "sample_frequency" else value for name, value in front_end.options}
    reference = getattr(import_torchaudio().compliance.kaldi, kind)(samples[None], **named)
    scale = 1.0 if options.get("use_log_fbank", True) else reference.abs().max()
    # torchaudio evaluates the mel scale in another order of float32 operations: the last bit, where a bin
    # lies at the foot of a triangle.
    torch.testing.assert_close(found / scale, reference / scale, atol=1e-3, rtol=0)
    assert (found - reference).abs().median() / scale < 1e-4


@pytest.mark.parametrize(
    ("kind", "options"), [case for case in CASES if case[0] != "spectrogram" and "vtln_warp" not in case[1]]
)
def test_every_option_agrees_with_kaldi_native_fbank(kind, options, voice):
    native = pytest.importorskip("kaldi_native_fbank", reason="wespk[dev] has it")
    given = native.FbankOptions() if kind == "fbank" else native.MfccOptions()
    model = ours(kind, torch.float32, **options).options
    for name, value in model.model_dump().items():
        name = {"sample_frequency": "samp_freq", "frame_length": "frame_length_ms"}.get(name, name)
        name = {"frame_shift": "frame_shift_ms", "preemphasis_coefficient": "preemph_coeff"}.get(name, name)
        name = {"num_mel_bins": "num_bins"}.get(name, name)
        owner = next(
            (part for part in (given, given.frame_opts, given.mel_opts) if hasattr(part, name)), None
        )
        assert owner is not None or name.startswith("vtln"), name
        if owner is not None:
            setattr(owner, name, value)
    samples = voice(seconds=1.3) * 32768
    online = (native.OnlineFbank if kind == "fbank" else native.OnlineMfcc)(given)
    online.accept_waveform(16000, samples.tolist())
    online.input_finished()
    reference = np.stack([online.get_frame(t) for t in range(online.num_frames_ready)])
    found = ours(kind, torch.float32, **options)(torch.from_numpy(samples)).numpy()
    scale = 1.0 if options.get("use_log_fbank", True) else np.abs(reference).max()
    np.testing.assert_allclose(found / scale, reference / scale, atol=2e-3)


@given(st.integers(0, 3000), st.booleans(), st.sampled_from([80, 160, 37]))
@settings(max_examples=60, deadline=None)
def test_number_of_frames_is_what_num_frames_says(samples, snip_edges, shift):
    options = FbankOptions(dither=0, snip_edges=snip_edges, frame_shift=shift / 16)
    features = Fbank(options)(torch.randn(samples))
    assert features.shape == (options.num_frames(samples), 23)
    assert torch.isfinite(features).all()
    assert (options.num_frames(samples) == 0) == (samples < options.min_samples)


def test_blocks_do_not_show(voice):
    extract = ours("fbank", torch.float32, num_mel_bins=80)
    samples = torch.from_numpy(voice(seconds=8.0)) * 32768
    whole, tail = extract(samples), extract(samples[160 * 300 :])
    torch.testing.assert_close(whole[300:], tail, atol=1e-4, rtol=1e-5)


def test_shorter_than_a_window_gives_no_frames():
    assert ours("fbank")(torch.zeros(399)).shape == (0, 23)
    assert ours("fbank")(torch.zeros(400)).shape == (1, 23)


def test_digital_silence_is_floored():
    features = ours("fbank")(torch.zeros(800, dtype=torch.float64))
    torch.testing.assert_close(features, torch.full_like(features, -15.942385), atol=1e-6, rtol=0)


def test_dither_is_drawn_from_the_given_generator_only():
    extract = Fbank(FbankOptions(dither=1.0))
    samples = torch.zeros(8000)
    one, again, other = (
        extract(samples, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(one, again) and not torch.equal(one, other)
    with pytest.raises(ValueError, match="generator"):
        extract(samples)


def test_every_inner_bin_is_covered_by_filters_that_sum_to_one():
    filters = kaldi_filters(FbankOptions(num_mel_bins=40))
    inside = filters.sum(dim=1)[20:200]
    torch.testing.assert_close(inside, torch.ones_like(inside), atol=1e-5, rtol=0)


def test_a_warp_of_one_changes_nothing_and_others_move_the_filters():
    plain, same, moved = (
        kaldi_filters(FbankOptions(num_mel_bins=20, vtln_warp=warp)) for warp in (1.0, 1.0 + 1e-12, 1.15)
    )
    torch.testing.assert_close(plain, same, atol=1e-4, rtol=0)
    assert (plain - moved).abs().max() > 0.5


def test_filters_without_a_frequency_are_refused_as_kaldi_does():
    with pytest.raises(WespkError, match="num-mel-bins 128 is too large: filter"):
        kaldi_filters(FbankOptions(num_mel_bins=128))
    kaldi_filters(FbankOptions(num_mel_bins=128, frame_length=50.0))
