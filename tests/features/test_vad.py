from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wespk.core.config import parse_config
from wespk.core.errors import WespkError
from wespk.features.vad import EnergyVadOptions, energy_vad

# compute-vad 5.5 / 0.5 / 0.12 / context 2 of Kaldi (f400766) on MFCC of two made sounds
GOLDEN = Path(__file__).parent / "golden/kaldi_vad_cmn.npz"

energies = st.lists(st.floats(-16, 25, width=32), max_size=60).map(lambda values: np.float32(values))
options = st.builds(
    EnergyVadOptions,
    vad_energy_threshold=st.sampled_from([-2.0, 0.0, 5.0, 5.5]),
    vad_energy_mean_scale=st.sampled_from([0.0, 0.5, 1.0]),
    vad_frames_context=st.sampled_from([0, 1, 2, 5, 100]),
    vad_proportion_threshold=st.sampled_from([0.05, 0.12, 0.2, 0.5, 0.6, 0.8, 0.99]),
)


def slow_vad(log_energy: np.ndarray, options: EnergyVadOptions) -> list[bool]:
    """Kaldi's definition, frame by frame."""
    total = 0.0
    for value in log_energy:
        total += float(value)
    voiced = []
    for frame in range(len(log_energy)):
        limit = options.vad_energy_threshold + options.vad_energy_mean_scale * total / len(log_energy)
        high = seen = 0
        for other in range(frame - options.vad_frames_context, frame + options.vad_frames_context + 1):
            if 0 <= other < len(log_energy):
                seen += 1
                high += bool(log_energy[other] > np.float32(limit))
        voiced.append(np.float32(high) >= np.float32(seen) * np.float32(options.vad_proportion_threshold))
    return voiced


@given(energies, options)
def test_energy_vad_equals_the_literal_definition(log_energy, options):
    assert energy_vad(log_energy, options).tolist() == slow_vad(log_energy, options)


@pytest.mark.parametrize("sound", ["made_noise", "made_voice"])
def test_energy_vad_equals_kaldi(sound):
    golden = np.load(GOLDEN)
    options = EnergyVadOptions(
        vad_energy_threshold=5.5, vad_proportion_threshold=0.12, vad_frames_context=2
    )  # the values of Kaldi's voxceleb recipe
    voiced = energy_vad(golden[f"{sound}_mfcc"][:, 0], options)
    np.testing.assert_array_equal(voiced, golden[f"{sound}_vad"])
    assert voiced.any()


def test_defaults_are_those_of_compute_vad():
    assert EnergyVadOptions().model_dump() == {
        "vad_energy_threshold": 5.0,
        "vad_energy_mean_scale": 0.5,
        "vad_frames_context": 0,
        "vad_proportion_threshold": 0.6,
    }


def test_energy_at_the_threshold_is_not_high():
    options = EnergyVadOptions(vad_energy_threshold=4.0, vad_energy_mean_scale=0)
    assert energy_vad(np.float32([4.0, np.nextafter(np.float32(4), np.float32(5))]), options).tolist() == [
        0,
        1,
    ]


def test_share_at_the_proportion_is_speech():
    options = EnergyVadOptions(
        vad_energy_threshold=0, vad_energy_mean_scale=0, vad_frames_context=1, vad_proportion_threshold=0.5
    )
    # At the edges the window has two frames, so that one of two is enough; inside it is one of three.
    assert energy_vad(np.float32([1, -1, -1, 1]), options).tolist() == [1, 0, 0, 1]


@given(energies, st.floats(-8, 8, width=16))
def test_level_does_not_matter_when_the_mean_counts_in_full(log_energy, gain):
    options = EnergyVadOptions(vad_energy_threshold=0.7, vad_energy_mean_scale=1.0)
    mean = log_energy.mean(dtype=np.float64) if len(log_energy) else 0.0
    clear = np.abs(log_energy - mean - 0.7) > 1e-3  # rounding decides the others
    louder = energy_vad(log_energy + np.float32(gain), options)
    np.testing.assert_array_equal(louder[clear], energy_vad(log_energy, options)[clear])


def test_only_one_dimension_is_taken():
    with pytest.raises(ValueError, match="one dimension"):
        energy_vad(np.zeros((3, 2), dtype=np.float32), EnergyVadOptions())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("vad_energy_mean_scale", -0.1),
        ("vad_frames_context", -1),
        ("vad_proportion_threshold", 0),
        ("vad_proportion_threshold", 1),
        ("vad_energy_threshold", float("nan")),
    ],
)
def test_impossible_options_are_refused(key, value):
    with pytest.raises(WespkError, match=f"vad.conf: '{key}'"):
        parse_config(EnergyVadOptions, {key: value}, "vad.conf")
