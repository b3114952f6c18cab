"""The telephone band and the codecs leave time alone and take what they are known to take."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.augment import code, telephone
from wespk.augment.coding import CODECS, TELEPHONE
from wespk.core.errors import WespkError
from wespk.data.audio import AudioError

RATE = 16000


def tone(hertz, rate=RATE, level=0.25):
    return (level * np.sin(2 * np.pi * hertz * np.arange(rate) / rate)).astype(np.float32)


def decibels(samples, reference):
    middle = slice(len(samples) // 4, -len(samples) // 4)
    power = [np.mean(np.square(part[middle], dtype=np.float64)) for part in (samples, reference)]
    return 10 * np.log10(max(power[0], 1e-12) / power[1])


@pytest.mark.parametrize("law", ["mu-law", "a-law", "adpcm"])
def test_the_telephone_passes_its_band_and_nothing_else(law):
    for hertz in (400, 1000, 3200):
        assert decibels(telephone(tone(hertz), RATE, law), tone(hertz)) == pytest.approx(0, abs=0.5)
    for hertz in (100, 3900, 5000, 7500):
        assert decibels(telephone(tone(hertz), RATE, law), tone(hertz)) < -40


def test_g711_adds_quantisation_noise_at_its_known_level():
    sound = tone(1000, 8000)
    noise = telephone(sound, 8000, "mu-law") - sound
    assert -45 < decibels(noise, sound) < -33  # ITU-T G.712 asks for better than 33 dB at such levels


@pytest.mark.parametrize("law", sorted(TELEPHONE))
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_the_telephone_delays_nothing(voice, law, rate):
    sound = voice(200, 1.0, sample_rate=rate)
    assert delay(telephone(sound, rate, law), sound) == 0


@pytest.mark.parametrize("codec", sorted(CODECS))
@pytest.mark.parametrize("rate", [8000, 16000, 22050])
def test_codecs_delay_nothing_and_stay_near(voice, codec, rate):
    sound = voice(200, 1.0, sample_rate=rate)
    made = code(sound, rate, codec, 0.7)
    assert delay(made, sound) == 0
    assert np.corrcoef(made, sound)[0, 1] > 0.9 and not np.array_equal(made, sound)


@pytest.mark.parametrize("codec", ["vorbis", "mp3"])
def test_more_compression_is_further_from_the_original(codec):
    sound = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    errors = [np.std(code(sound, RATE, codec, level) - sound) for level in (0.0, 0.5, 0.95)]
    assert errors[0] < errors[1] < errors[2]


@given(length=st.integers(1, 3000), codec=st.sampled_from([*CODECS, *TELEPHONE]))
@settings(max_examples=60, deadline=None)
def test_the_length_stays_however_short(length, codec):
    sound = np.random.default_rng(length).normal(0, 0.1, length).astype(np.float32)
    made = code(sound, RATE, codec) if codec in CODECS else telephone(sound, RATE, codec)
    assert made.shape == sound.shape and made.dtype == np.float32 and np.isfinite(made).all()


@pytest.mark.parametrize("codec", [*CODECS, *TELEPHONE])
@pytest.mark.parametrize("peak", [1.0, 1.001, 3.0])
def test_loud_speech_is_coded_as_the_same_speech_at_a_lower_level(voice, codec, peak):
    sound = voice(200, 1.0)
    sound *= peak / np.abs(sound).max()
    once = code if codec in CODECS else telephone
    loud, quiet = once(sound, RATE, codec), once(0.5 / peak * sound, RATE, codec)
    assert np.corrcoef(loud, quiet)[0, 1] > 0.98
    assert np.std(loud) / np.std(quiet) == pytest.approx(2 * peak, rel=0.02)


def test_a_wave_that_the_band_filter_takes_beyond_full_scale_does_not_wrap():
    square = np.sign(tone(310, 8000)).astype(np.float32)
    for law in TELEPHONE:
        made, low = telephone(square, 8000, law), telephone(0.25 * square, 8000, law)
        assert np.abs(low).max() > 0.26  # the filter alone does it
        assert np.corrcoef(made, low)[0, 1] > 0.99


@pytest.mark.parametrize("codec", [*CODECS, *TELEPHONE])
@pytest.mark.parametrize(
    ("level", "kind"), [(30000, "beyond full scale: a sample is"), (1e30, "beyond"), (np.nan, "not finite")]
)
def test_samples_of_another_scale_are_refused_and_never_coded(voice, codec, level, kind):
    once = code if codec in CODECS else telephone
    with pytest.raises(AudioError, match=f"^{kind}"):
        once(10 * voice(200, 0.3) * np.float32(level), RATE, codec)


def test_equal_input_gives_equal_output(voice):
    sound = voice(200, 0.5)
    for codec in CODECS:
        assert np.array_equal(code(sound, RATE, codec), code(sound, RATE, codec))


def test_a_codec_that_is_not_there_is_an_error_by_name(monkeypatch):
    monkeypatch.setattr("soundfile.check_format", lambda *form: False)
    with pytest.raises(WespkError, match="codec OPUS: this libsndfile .* lacks it"):
        code(tone(100), RATE, "opus")
    with pytest.raises(WespkError, match="compression 2: it is a number from 0 to 1"):
        code(tone(100), RATE, "opus", 2.0)


def delay(made, sound):
    assert made.shape == sound.shape
    size = 2 * len(sound)
    correlation = np.fft.irfft(np.fft.rfft(made, size) * np.conj(np.fft.rfft(sound, size)))
    return int(correlation.argmax())
