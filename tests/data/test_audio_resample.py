"""Rates and channels: what is refused, what is converted, and that conversion is band-limited and local."""

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.data.audio import AudioError, AudioOptions, read_audio
from wespk.data.audio.resample import plan_part, resample

ANY_RATE = AudioOptions(sample_rate=16000, allow_downsample=True, allow_upsample=True)


def tone(frequency, rate, seconds=1.0):
    return np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000])
def test_a_tone_stays_the_tone_at_another_rate(rate):
    converted = resample(tone(1000, rate), rate, 16000)
    assert converted.dtype == np.float32 and len(converted) == 16000
    np.testing.assert_allclose(converted[2000:-2000], tone(1000, 16000)[2000:-2000], atol=1e-4)


def test_what_lies_above_the_new_nyquist_frequency_is_removed_not_folded():
    assert np.abs(resample(tone(9500, 48000), 48000, 16000)[2000:-2000]).max() < 1e-4


@pytest.mark.parametrize(("rate", "option"), [(8000, "allow_upsample"), (48000, "allow_downsample")])
def test_each_direction_has_to_be_allowed(tmp_path, voice, rate, option):
    soundfile.write(tmp_path / "a.wav", voice(seconds=1.0, sample_rate=rate), rate)
    other = {"allow_upsample": "allow_downsample", "allow_downsample": "allow_upsample"}[option]
    with pytest.raises(AudioError, match=f"wrong rate: {rate} Hz where 16000 Hz is needed; set {option}"):
        read_audio(str(tmp_path / "a.wav"), AudioOptions(**{other: True}))
    assert len(read_audio(str(tmp_path / "a.wav"), AudioOptions(**{option: True}))) == 16000


@settings(max_examples=40, deadline=None)
@given(
    rate=st.sampled_from([8000, 11025, 22050, 44100, 48000, 12347]),
    start=st.floats(0, 2.9),
    seconds=st.floats(0.01, 2.0),
    open_end=st.booleans(),
)
def test_a_part_resampled_is_the_part_of_the_whole_resampled(rate, start, seconds, open_end):
    samples = np.random.default_rng(0).normal(0, 0.2, 3 * rate).astype(np.float32)
    end = None if open_end else start + seconds
    whole = resample(samples, rate, 16000)
    part = plan_part(start, end, len(samples), rate, 16000)
    local = resample(samples[part.first : part.last], rate, 16000)[part.begin : part.end]
    expected = whole[round(start * 16000) : None if end is None else round(end * 16000)]
    assert len(local) == len(expected)
    np.testing.assert_allclose(local, expected, atol=1e-5)


def test_a_part_read_at_another_rate_is_the_part_of_the_whole_read(tmp_path, voice):
    soundfile.write(tmp_path / "a.flac", voice(seconds=4.0, sample_rate=44100), 44100)
    whole = read_audio(str(tmp_path / "a.flac"), ANY_RATE)
    part = read_audio(str(tmp_path / "a.flac"), ANY_RATE, start=1.2345, end=2.3456)
    np.testing.assert_allclose(part, whole[int(1.2345 * 16000) : int(2.3456 * 16000)], atol=1e-5)


def test_channels_are_chosen_by_number_or_mixed(tmp_path, voice):
    left, right = voice(100, 0.5), voice(200, 0.5)
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], 1), 16000, subtype="FLOAT")
    path = str(tmp_path / "a.wav")
    np.testing.assert_array_equal(read_audio(path, AudioOptions(channel=1)), right)
    np.testing.assert_allclose(read_audio(path, AudioOptions(channel="mix")), (left + right) / 2, atol=1e-7)
    with pytest.raises(AudioError, match="no such channel: 2, where there are 2"):
        read_audio(path, AudioOptions(channel=2))
    with pytest.raises(AudioError, match="not mono: 2 channels; choose one"):
        read_audio(path, AudioOptions())


def test_silence_is_seen_before_resampling_gives_it_edges(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.full(8000, 0.25, np.float32), 8000)
    with pytest.raises(AudioError, match="silent"):
        read_audio(str(tmp_path / "a.wav"), ANY_RATE)
