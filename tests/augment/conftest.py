"""Folders like MUSAN and RIRS_NOISES, of a few short files."""

from pathlib import Path

import numpy as np
import pytest
import soundfile


@pytest.fixture
def musan(tmp_path) -> Path:
    """A folder of noise/, music/ and speech/ with files of 0.2 to 4 s, one of them stereo at 8 kHz."""
    random = np.random.default_rng(0)
    for kind in ("noise", "music", "speech"):
        place = tmp_path / "musan" / kind / "some place"
        place.mkdir(parents=True)
        for number, seconds in enumerate((0.2, 0.7, 4.0)):
            sound = random.normal(0.01, 0.05, round(16000 * seconds))
            soundfile.write(place / f"{number}.wav", sound, 16000)
        soundfile.write(place / "stereo.flac", random.normal(0, 0.05, (12000, 2)), 8000)
    return tmp_path / "musan"


@pytest.fixture
def rirs(tmp_path) -> Path:
    """A folder with two responses, one of two channels, and a noise as RIRS_NOISES has them."""
    random = np.random.default_rng(1)
    place = tmp_path / "rirs" / "real_rirs_isotropic_noises"
    place.mkdir(parents=True)
    response = random.normal(0, 0.05, 3200) * np.exp(-np.arange(3200) / 600)
    response[50] = 0.9
    soundfile.write(place / "one_rir.wav", response, 16000)
    soundfile.write(place / "two_rir.wav", np.stack([response, 0 * response], axis=1), 16000)
    soundfile.write(place / "one_noise.wav", random.normal(0, 0.1, 16000), 16000)
    return tmp_path / "rirs"
