"""Gain, clipping, and the one rule about full scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wespk.augment import change_volume, clip_share, fit_peak
from wespk.data.wav_ark import pcm16

SOUND = np.random.default_rng(0).normal(0, 0.1, 10_000).astype(np.float32)


@given(st.floats(-40, 10))
def test_gain_is_in_decibels_of_amplitude(gain):
    made = change_volume(SOUND, gain)
    assert 20 * np.log10(made.std() / SOUND.std()) == pytest.approx(gain, abs=1e-3)


@given(st.floats(0, 1))
def test_the_wanted_share_of_samples_is_at_the_clipping_level(share):
    made = clip_share(SOUND, share)
    limit = np.abs(made).max()
    count = max(round(share * len(SOUND)), 1)
    reached = (np.abs(SOUND) >= limit).sum()  # more than asked for only where several are equal
    assert (np.abs(made) == limit).sum() == reached >= count > (np.abs(SOUND) > limit).sum()
    untouched = np.abs(SOUND) < limit
    assert np.array_equal(made[untouched], SOUND[untouched])
    assert np.array_equal(np.sign(made), np.sign(SOUND))


def test_nothing_is_normalised_that_fits():
    for sound in (SOUND, SOUND * 0.001, np.array([-1.0, 32767 / 32768], np.float32), SOUND[:0]):
        same, scale = fit_peak(sound)
        assert same is sound and scale == 1.0


@given(st.floats(1.0001, 1000), st.booleans())
def test_what_does_not_fit_is_scaled_as_a_whole_and_then_fits_16_bits(peak, upwards):
    sound = (SOUND / np.abs(SOUND).max() * peak).astype(np.float32)
    sound = sound if (sound.max() == np.abs(sound).max()) == upwards else -sound
    fitted, scale = fit_peak(sound)
    assert scale < 1 and np.allclose(fitted, sound * scale, rtol=1e-6, atol=1e-9)
    values, beyond = pcm16(fitted)
    assert beyond == 0 and (values.max() == 32767 or values.min() == -32768)
