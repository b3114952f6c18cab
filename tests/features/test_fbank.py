from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.core.torchaudio import import_torchaudio
from wespk.features.fbank import Fbank, mel_filters, num_frames
from wespk.features.spec import FbankOptions

GRID = [
    {"num_mel_bins": 80},
    {"num_mel_bins": 40, "snip_edges": False, "window_type": "hamming", "use_energy": True},
    {"num_mel_bins": 30, "low_freq": 100.0, "high_freq": -500.0, "window_type": "hanning"},
    {"num_mel_bins": 23, "use_energy": True, "raw_energy": False, "htk_compat": True, "energy_floor": 1.0},
    {"num_mel_bins": 64, "use_power": False, "remove_dc_offset": False, "window_type": "rectangular"},
    {"num_mel_bins": 80, "use_log_fbank": False, "preemphasis_coefficient": 0.0, "window_type": "blackman"},
    {"num_mel_bins": 40, "frame_length": 32.0, "frame_shift": 8.0, "round_to_power_of_two": False},
]


def kaldi_of_torchaudio(samples: torch.Tensor, **options) -> torch.Tensor:
    return import_torchaudio().compliance.kaldi.fbank(samples[None], dither=0.0, **options)


@pytest.mark.parametrize("options", GRID)
def test_float64_agrees_with_torchaudio(options, voice):
    import_torchaudio().compliance.kaldi  # noqa: B018 (fails here, not below, when it is missing)
    samples = torch.from_numpy(voice(seconds=1.3).astype(np.float64)) * 32768
    ours = Fbank(FbankOptions(dither=0, **options), torch.float64)(samples)
    reference = kaldi_of_torchaudio(samples, **options)
    scale = 1.0 if options.get("use_log_fbank", True) else reference.abs().max()
    torch.testing.assert_close(ours / scale, reference / scale, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("fbank80", {"num_mel_bins": 80}),
        (
            "fbank40",
            {
                "num_mel_bins": 40,
                "high_freq": -400.0,
                "window_type": "hamming",
                "use_energy": True,
                "snip_edges": False,
            },
        ),
    ],
)
@pytest.mark.parametrize("sound", ["made_voice", "made_noise"])
def test_agrees_with_kaldi_itself(name, options, sound):
    golden = np.load(Path(__file__).parent / "golden" / "kaldi_fbank.npz")
    ours = Fbank(FbankOptions(dither=0, **options), torch.float64)(
        torch.from_numpy(golden[sound].astype(np.float64))
    )
    # Kaldi's float32 mel scale decides the last bits of a triangle's foot: see `mel_filters`.
    np.testing.assert_allclose(ours.numpy(), golden[f"{name}_{sound}"], atol=5e-4)


@given(st.integers(0, 3000), st.booleans())
@settings(max_examples=60, deadline=None)
def test_number_of_frames_is_what_num_frames_says(samples, snip_edges):
    options = FbankOptions(dither=0, snip_edges=snip_edges)
    features = Fbank(options)(torch.randn(samples))
    assert features.shape == (num_frames(samples, options), 23)
    assert torch.isfinite(features).all()


def test_blocks_do_not_show(voice):
    extract = Fbank(FbankOptions(dither=0, num_mel_bins=80))
    samples = torch.from_numpy(voice(seconds=8.0)) * 32768
    whole, tail = extract(samples), extract(samples[160 * 300 :])
    torch.testing.assert_close(whole[300:], tail, atol=1e-4, rtol=1e-5)


def test_shorter_than_a_window_gives_no_frames():
    assert Fbank(FbankOptions(dither=0))(torch.zeros(399)).shape == (0, 23)
    assert Fbank(FbankOptions(dither=0))(torch.zeros(400)).shape == (1, 23)


def test_digital_silence_is_floored():
    features = Fbank(FbankOptions(dither=0))(torch.zeros(800))
    torch.testing.assert_close(features, torch.full_like(features, -15.942385))


def test_dither_is_drawn_from_the_given_generator_only():
    extract = Fbank(FbankOptions(dither=1.0))
    samples = torch.zeros(8000)
    one, again, other = (extract(samples, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)
    with pytest.raises(ValueError, match="generator"):
        extract(samples)


def test_every_inner_bin_is_covered_by_filters_that_sum_to_one():
    filters = mel_filters(FbankOptions(num_mel_bins=40))
    inside = filters.sum(dim=1)[20:200]
    torch.testing.assert_close(inside, torch.ones_like(inside), atol=1e-5, rtol=0)
