"""Recording sessions: what happens to a voice between the mouth and the file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, signal

SAMPLE_RATE = 16000
EQUALISER_HZ = (100, 250, 500, 1000, 2000, 3500, 5500, 8000)
EQUALISER_SPREAD_DB = 3.0
NUM_TAPS = 257
PEAK_LIMIT = 0.95


@dataclass(frozen=True)
class Session:
    """One recording session of a speaker."""

    gains_db: tuple[float, ...]  # at EQUALISER_HZ
    band_hz: tuple[float, float]  # half power at both ends
    noise_slope_db: float  # of the noise's power per octave: 0 is white, -3 pink, -6 brown
    snr_db: float
    level_db: float  # root mean square of the speech below full scale
    rate_factor: float  # on the speaker's words a minute
    pitch_shift: int  # on espeak-ng's scale of 0..99
    pitch_range: int


def draw_session(random: np.random.Generator) -> Session:
    """Draw the conditions of a session."""
    gains = random.normal(0, EQUALISER_SPREAD_DB, len(EQUALISER_HZ))
    return Session(
        gains_db=tuple(float(gain) for gain in gains),
        band_hz=(float(random.uniform(40, 200)), float(random.uniform(4500, 7800))),
        noise_slope_db=float(random.uniform(-7, 0)),
        snr_db=float(random.uniform(10, 30)),
        level_db=float(random.uniform(-34, -20)),
        rate_factor=float(random.uniform(0.93, 1.08)),
        pitch_shift=int(random.integers(-9, 10)),
        pitch_range=int(random.integers(-15, 16)),
    )


def record(speech: np.ndarray, session: Session, random: np.random.Generator) -> np.ndarray:
    """Return clean speech, shape (N,), as the session records it: shape (M,), float, below full scale.

    Silence (noise alone) of 0.1 to 0.3 s goes before and after it. `random` draws the noise.
    """
    before, after = random.integers(SAMPLE_RATE // 10, 3 * SAMPLE_RATE // 10, 2)
    padded = np.pad(speech, (int(before), int(after)))
    filtered = signal.oaconvolve(padded, _channel_filter(session), mode="same")
    speech_rms = np.sqrt(np.mean(filtered[before : before + len(speech)] ** 2))
    noise = _coloured_noise(len(filtered), session.noise_slope_db, random)
    noisy = filtered / speech_rms + noise * 10 ** (-session.snr_db / 20)
    gain = min(10 ** (session.level_db / 20), PEAK_LIMIT / np.abs(noisy).max())
    return noisy * gain


def _channel_filter(session: Session) -> np.ndarray:
    """Return a linear-phase filter: the equaliser, interpolated over log frequency, within the band."""
    frequency = np.linspace(0, SAMPLE_RATE / 2, 513)
    octave = np.log2(np.maximum(frequency, 20))
    gain_db = np.interp(octave, np.log2(EQUALISER_HZ), session.gains_db)
    low, high = session.band_hz
    gain_db = gain_db - 10 * np.log10(1 + (low / np.maximum(frequency, 20)) ** 6)
    gain_db = gain_db - 10 * np.log10(1 + (frequency / high) ** 16)
    gain = 10 ** (gain_db / 20)
    gain[-1] = 0.0
    return signal.firwin2(NUM_TAPS, frequency, gain, fs=SAMPLE_RATE)


def _coloured_noise(length: int, slope_db: float, random: np.random.Generator) -> np.ndarray:
    """Return noise of unit power whose spectrum falls by `slope_db` an octave above 100 Hz."""
    padded = fft.next_fast_len(length, real=True)
    spectrum = fft.rfft(random.standard_normal(padded))
    frequency = np.maximum(fft.rfftfreq(padded, 1 / SAMPLE_RATE), 100)
    spectrum *= (frequency / 100) ** (slope_db / 20 / np.log10(2))
    noise = fft.irfft(spectrum, padded)[:length]
    return noise / np.sqrt(np.mean(noise**2))
