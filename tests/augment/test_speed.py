"""Speed and tempo change what they should, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.augment import change_speed, change_tempo
from wespk.core.errors import WespkError

RATE = 16000


def tone(hertz, seconds=2.0, level=0.5):
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(RATE * seconds)) / RATE)).astype(np.float32)


def peak_hertz(samples):
    middle = samples[RATE // 4 : -RATE // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 8 * RATE))
    return spectrum.argmax() / 8


def decibels(samples, reference):
    power = [np.mean(np.square(part[2000:-2000], dtype=np.float64)) for part in (samples, reference)]
    return 10 * np.log10(max(power[0], 1e-30) / power[1])


@given(length=st.integers(1, 30_000), factor=st.floats(0.5, 2.0), change=st.sampled_from(["speed", "tempo"]))
@settings(max_examples=60, deadline=None)
def test_duration_is_divided_by_the_factor(length, factor, change):
    samples = np.random.default_rng(length).normal(0, 0.1, length).astype(np.float32)
    made = change_speed(samples, factor) if change == "speed" else change_tempo(samples, factor, RATE)
    assert len(made) == max(1, round(length / factor))
    assert made.dtype == np.float32 and np.isfinite(made).all()


@pytest.mark.parametrize("factor", [0.8, 0.9, 1.1, 1.25])
def test_speed_moves_a_tone_and_tempo_leaves_it(factor):
    sound = tone(440)
    faster, shorter = change_speed(sound, factor), change_tempo(sound, factor, RATE)
    assert peak_hertz(faster) == pytest.approx(440 * factor, abs=0.5)
    assert peak_hertz(shorter) == pytest.approx(440, abs=0.5)
    assert decibels(faster, sound) == pytest.approx(0, abs=0.01)
    assert decibels(shorter, sound) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("factor", [1.1, 1.25, 2.0])
def test_a_tone_that_speed_lifts_beyond_nyquist_is_removed_not_folded_back(factor):
    beyond = tone(1.02 * RATE / 2 / factor)
    assert decibels(change_speed(beyond, factor), beyond) < -100


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_speed_keeps_what_lies_below_nyquist_and_adds_no_image(factor):
    hertz = 0.8 * RATE / 2 / max(factor, 1)
    made = change_speed(tone(hertz), factor)
    exact = 0.5 * np.sin(2 * np.pi * hertz * factor * np.arange(len(made)) / RATE)
    assert decibels(made - exact, exact) < -75  # no alias, no image, no delay, no loss


def test_slow_and_fast_undo_each_other(voice):
    sound = voice(150, 1.0)
    again = change_speed(change_speed(sound, 0.9), 1 / 0.9)[: len(sound)]
    low = slice(2000, 14000)
    # The made-up voice's noise goes up to Nyquist; its last few per cent are in the filter's transition.
    assert decibels(again[low] - sound[low], sound) < -35


@pytest.mark.parametrize("factor", [0.85, 1.2])
def test_tempo_keeps_the_pitch_of_a_voice(voice, factor):
    sound = voice(130, 2.0)
    made = change_tempo(sound, factor, RATE)
    middle = made[RATE // 4 : -RATE // 4].astype(np.float64)
    likeness = np.correlate(middle, middle[:8000], mode="valid")[: RATE // 90]
    lag = 80 + likeness[80:].argmax()
    assert RATE / lag == pytest.approx(130, rel=0.01)
    assert decibels(made, sound) == pytest.approx(0, abs=0.3)


def test_tempo_of_one_returns_the_samples(voice):
    sound = voice(150, 1.0)
    assert np.allclose(change_tempo(sound, 1.0, RATE), sound, atol=1e-6)


def test_tempo_moves_events_to_their_new_times():
    sound = np.zeros(4 * RATE, np.float32)
    sound[RATE : RATE + 1600] = tone(300, 0.1)
    sound[3 * RATE : 3 * RATE + 1600] = tone(300, 0.1)
    made = np.abs(change_tempo(sound, 0.8, RATE))
    first = made[: 2 * RATE].argmax() / RATE
    second = (2 * RATE + made[2 * RATE :].argmax()) / RATE
    assert first == pytest.approx(1.05 / 0.8, abs=0.08) and second == pytest.approx(3.05 / 0.8, abs=0.08)


def test_tempo_in_blocks_equals_tempo_at_once(voice, monkeypatch):
    sound = voice(150, 3.0)
    whole = change_tempo(sound, 1.1, RATE)
    monkeypatch.setattr("wespk.augment.speed.BLOCK", 7)
    assert np.allclose(change_tempo(sound, 1.1, RATE), whole, atol=1e-7)


@pytest.mark.parametrize("factor", [0.0, -1.0, 0.3, 2.5, float("nan")])
def test_an_impossible_factor_is_refused(factor):
    for change in (lambda x: change_speed(x, factor), lambda x: change_tempo(x, factor, RATE)):
        with pytest.raises(WespkError, match="speed and tempo change by 0.5 to 2"):
            change(tone(100))
