"""Reverberation is in step with the input and as loud; simulated rooms obey acoustics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.augment import Room, random_room, reverberate, room_response
from wespk.augment.rooms import (
    ABSORPTIONS,
    HEIGHTS,
    SPEED_OF_SOUND,
    WIDTHS,
    absorption_for,
    decay_times,
    image_sources,
    reverberation_time,
)
from wespk.core.errors import WespkError

RATE = 16000


def power(samples):
    return np.mean(np.square(samples, dtype=np.float64))


def test_a_delayed_pulse_as_a_room_changes_nothing(voice):
    sound = voice(120, 1.0)
    response = np.zeros(900, np.float32)
    response[700] = -0.2
    assert np.allclose(reverberate(sound, response), -sound, atol=1e-6)


@given(seed=st.integers(0, 100), length=st.integers(1, 6000), tail=st.integers(1, 9000))
@settings(max_examples=40, deadline=None)
def test_length_and_power_stay(seed, length, tail):
    random = np.random.default_rng(seed)
    sound = random.normal(0, 0.1, length).astype(np.float32)
    response = (random.normal(0, 1, tail) * np.exp(-np.arange(tail) / 500)).astype(np.float32)
    heard = reverberate(sound, response)
    assert heard.shape == sound.shape and heard.dtype == np.float32
    assert power(heard) == pytest.approx(power(sound), rel=1e-4)


def test_it_is_the_convolution_from_the_direct_path_on():
    random = np.random.default_rng(0)
    sound, response = random.normal(0, 0.1, 500), random.normal(0, 0.1, 300)
    response[40] = 2.0
    plain = np.convolve(sound, response)[40:540]
    wanted = plain * np.sqrt(power(sound) / power(plain))
    assert np.allclose(reverberate(sound, response), wanted, atol=1e-6)
    other = np.convolve(sound, response)[7:507]
    assert np.allclose(
        reverberate(sound, response, direct=7), other * np.sqrt(power(sound) / power(other)), atol=1e-6
    )


def test_a_silent_response_is_refused():
    with pytest.raises(WespkError, match="silent: the room impulse response"):
        reverberate(np.ones(10), np.zeros(5))


def test_without_echo_the_direct_path_is_a_delay_of_distance_over_speed():
    room = Room((6, 5, 3), (1, 1, 1.2), (4.2, 3.3, 1.7), absorption=1.0)
    response = room_response(room, RATE).astype(np.float64)
    delay = room.distance / SPEED_OF_SOUND
    # The phase of a delay falls by 2 pi f t, at a fraction of a sample too.
    hertz = np.arange(2500, 7000, 250)  # the high-pass at 50 Hz turns the phase below
    spectrum = np.exp(-2j * np.pi * np.outer(hertz, np.arange(len(response)) / RATE)) @ response
    late = -np.angle(spectrum * np.exp(2j * np.pi * hertz * delay)) / (2 * np.pi * hertz)
    assert np.abs(late).max() < 0.1 / RATE
    assert np.allclose(np.abs(spectrum), 1 / (4 * np.pi * room.distance), rtol=0.02)


def test_images_are_the_rooms_mirrored_by_hand():
    room = Room((4, 5, 3), (1, 2, 1), (3, 1, 2), absorption=0.5)
    found = sorted(zip(*(part.tolist() for part in image_sources(room, 12.0)), strict=True))
    wanted = []
    for cell in np.ndindex(11, 11, 11):
        steps = np.array(cell) - 5  # how many rooms away the image is, along each axis
        side, place = np.array(room.size), np.array(room.source)
        image = steps * side + np.where(steps % 2 == 0, place, side - place)
        distance = float(np.linalg.norm(image - np.array(room.microphone)))
        reflections = int(np.abs(steps).sum())
        if distance <= 12.0:
            wanted.append((distance, reflections))
    assert len(found) == len(wanted) > 50
    for (distance, count), (by_hand, by_count) in zip(found, sorted(wanted), strict=True):
        assert distance == pytest.approx(by_hand) and count == by_count


@pytest.mark.parametrize("rt60", [0.3, 0.6, 1.0])
@pytest.mark.parametrize("size", [(4, 5, 3), (6, 6, 3), (8, 7, 4), (10, 10, 10)])
def test_the_decay_has_the_reverberation_time_asked_for(size, rt60):
    room = Room(size, (1.2, 1.3, 1.4), (2.9, 3.7, 1.7), absorption_for(rt60, size))
    assert room.rt60 == pytest.approx(rt60, rel=1e-3)
    assert reverberation_time(room_response(room, RATE), RATE) == pytest.approx(rt60, rel=0.15)


@pytest.mark.parametrize(("kind", "longest"), [("small", 1.15), ("medium", 1.3), ("large", 1.5)])
def test_random_rooms_are_of_their_class_and_decay_as_they_say(kind, longest):
    for seed in range(4):
        room = random_room(kind, np.random.default_rng(seed))
        low, high = WIDTHS[kind]
        assert all(low <= side <= high for side in room.size[:2]) and HEIGHTS[0] <= room.size[2] <= HEIGHTS[1]
        assert ABSORPTIONS[0] <= room.absorption <= ABSORPTIONS[1]
        if room.rt60 > 0.2:  # shorter ones are a handful of echoes, without a slope
            assert 0.85 < reverberation_time(room_response(room, RATE), RATE) / room.rt60 < longest


def test_reverberation_time_is_that_of_a_made_up_decay():
    noise = np.random.default_rng(0).normal(size=RATE)
    decay = noise * 10 ** (-3 * np.arange(RATE) / RATE / 0.4)
    assert reverberation_time(decay, RATE) == pytest.approx(0.4, rel=0.05)
    assert reverberation_time(np.eye(1, 500)[0], RATE) == 0.0


def test_in_a_cube_of_little_absorption_the_decay_is_sabines():
    sabine = 0.161 * 8**3 / (6 * 8**2 * 0.05)
    late, early = decay_times((8, 8, 8), 0.05, np.array([20.0, 5.0]))
    assert 4 * (late - early) == pytest.approx(sabine, rel=0.08)


@pytest.mark.parametrize(
    ("source", "absorption"), [((5, 1, 1), 0.5), ((1, 1, 1), 0.0), ((1, 1, 1), 1.2), ((2, 2, 2), 0.5)]
)
def test_impossible_rooms_are_refused(source, absorption):
    with pytest.raises(WespkError, match="inside the room"):
        Room((4, 4, 3), source, (2, 2, 2), absorption)
    with pytest.raises(WespkError, match="above 0"):
        absorption_for(0.0, (4, 4, 3))
