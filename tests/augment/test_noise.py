"""The SNR of the result is the SNR that was asked for, measured on what was added."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.augment import Placed, add_noise, babble, fit_peak
from wespk.augment.noise import cycle, is_silent
from wespk.core.errors import WespkError


def snr(speech, added):
    """The plain definition, written out once more: an offset of the speech is no power."""
    return 10 * np.log10(np.var(speech, dtype=np.float64) / np.mean(np.square(added)))


def sound(seed, length, level, offset):
    return (np.random.default_rng(seed).laplace(0, level, length) + offset).astype(np.float32)


@given(
    seed=st.integers(0, 1000),
    length=st.integers(200, 40_000),
    level=st.floats(1e-3, 0.3),
    noise_level=st.floats(1e-5, 0.5),
    offset=st.floats(-0.2, 0.2),
    noise_offset=st.floats(-0.5, 0.5),
    wanted=st.floats(-20, 40),
)
@settings(max_examples=150, deadline=None)
def test_snr_is_what_was_asked_for(seed, length, level, noise_level, offset, noise_offset, wanted):
    speech = sound(seed, length, level, offset)
    noise = sound(seed + 1, length, noise_level, noise_offset)
    mixed = add_noise(speech, Placed(noise, wanted))
    assert mixed.dtype == np.float32 and mixed.shape == speech.shape
    assert snr(speech, mixed.astype(np.float64) - speech) == pytest.approx(wanted, abs=0.05)


@given(
    seed=st.integers(0, 1000),
    lengths=st.tuples(st.integers(50, 9000), st.integers(50, 9000)),
    wanted=st.tuples(st.floats(-10, 30), st.floats(-10, 30)),
)
@settings(max_examples=60, deadline=None)
def test_short_noises_have_their_snr_where_they_are_active(seed, lengths, wanted):
    speech = sound(seed, 10_000, 0.1, 0.0)
    first = Placed(sound(seed + 1, lengths[0], 0.02, 0.0), wanted[0])
    second = Placed(sound(seed + 2, lengths[1], 0.2, 0.1), wanted[1], start=9000)
    added = add_noise(speech, first, second).astype(np.float64) - speech
    quiet = slice(lengths[0], 9000)
    assert not added[quiet].any() and len(added) == 10_000
    assert snr(speech, added[: lengths[0]]) == pytest.approx(wanted[0], abs=0.05)
    assert snr(speech, added[9000 : 9000 + lengths[1]]) == pytest.approx(wanted[1], abs=0.05)


def test_an_offset_of_the_speech_stays_and_changes_nothing_of_the_noise():
    speech, noise = sound(0, 8000, 0.01, 0.0), sound(1, 8000, 0.1, 0.0)
    plain = add_noise(speech, Placed(noise, 10.0)) - speech
    offset = add_noise(speech + np.float32(0.25), Placed(noise, 10.0)) - speech
    np.testing.assert_allclose(offset, plain + 0.25, atol=1e-6)


def test_scaling_a_mixture_to_full_scale_keeps_its_snr():
    speech, noise = sound(0, 8000, 0.3, 0.0), sound(1, 8000, 0.3, 0.0)
    mixed = add_noise(speech, Placed(noise, 0.0))
    fitted, scale = fit_peak(mixed)
    assert scale < 1 and np.abs(fitted).max() <= 1
    assert snr(scale * speech, fitted - scale * speech) == pytest.approx(0.0, abs=0.01)


def test_voices_of_a_babble_are_equally_loud():
    voices = [sound(seed, 20_000, level, 0.05) for seed, level in ((0, 0.001), (1, 0.3), (2, 0.03))]
    total = babble(voices).astype(np.float64)
    shares = [total @ (v - v.mean()) / np.linalg.norm(v - v.mean()) for v in voices]
    assert np.allclose(shares, shares[0], rtol=0.05)


@given(
    values=st.lists(st.integers(-9, 9), min_size=1, max_size=20),
    length=st.integers(1, 70),
    start=st.integers(0, 40),
)
def test_a_noise_is_repeated_for_ever(values, length, start):
    cycled = cycle(np.array(values), length, start)
    assert list(cycled) == [values[(start + place) % len(values)] for place in range(length)]


def test_what_has_no_power_has_no_snr():
    speech, silence = sound(0, 1000, 0.1, 0.0), np.zeros(1000, np.float32)
    constant = np.full(1000, 0.3, np.float32)
    assert is_silent(silence) and is_silent(constant) and not is_silent(speech)
    for wrong in (silence, constant):
        with pytest.raises(WespkError, match="silent: noise without power"):
            add_noise(speech, Placed(wrong, 10.0))
        with pytest.raises(WespkError, match="silent: speech without power"):
            add_noise(wrong, Placed(speech, 10.0))
    with pytest.raises(WespkError, match="begins at sample 1000 of 1000"):
        add_noise(speech, Placed(speech, 10.0, start=1000))
