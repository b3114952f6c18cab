"""What transmission leaves of a voice: the telephone band, and lossy codecs.

The codecs are those of libsndfile, run in memory. Nothing moves in time and the length stays. What exceeds
full scale is coded at a lower level and amplified again: most codecs would wrap it around, or break on it.
"""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
import soundfile

from wespk.augment.level import HIGHEST
from wespk.augment.resampling import of_length, resample
from wespk.core.errors import WespkError
from wespk.data.audio import check_level

TelephoneCode = Literal["mu-law", "a-law", "gsm", "adpcm"]
Codec = Literal["vorbis", "mp3", "opus"]
Form = tuple[str, str]  # libsndfile's format and subtype

TELEPHONE: dict[TelephoneCode, Form] = {
    "mu-law": ("WAV", "ULAW"),  # ITU-T G.711
    "a-law": ("WAV", "ALAW"),  # ITU-T G.711
    "gsm": ("WAV", "GSM610"),  # full rate, 13 kbit/s
    "adpcm": ("AU", "G721_32"),  # ITU-T G.726, 32 kbit/s
}
CODECS: dict[Codec, Form] = {
    "vorbis": ("OGG", "VORBIS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "opus": ("OGG", "OPUS"),
}
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)

TELEPHONE_RATE = 8000
TELEPHONE_BAND = (300.0, 3400.0)  # Hz, the analogue channel of ITU-T G.712
BAND_TAPS = 255

LOUDEST = {"G721_32": 0.5}  # the predictor of ADPCM overshoots edges: its decoder wraps near full scale


def telephone(samples: np.ndarray, sample_rate: int, code: TelephoneCode = "mu-law") -> np.ndarray:
    """Return samples (N,) as they leave a telephone line: float32 (N,) at the same rate.

    Resampled to 8 kHz, limited to 300-3400 Hz by a linear-phase filter, coded and decoded, resampled back.
    Raises `AudioError` for samples that are not finite or of another scale than [-1, 1].
    """
    from scipy import signal  # takes a second to import: only where it is used

    check_level(samples)
    narrow = resample(samples, sample_rate, TELEPHONE_RATE)
    band = signal.firwin(BAND_TAPS, TELEPHONE_BAND, fs=TELEPHONE_RATE, pass_zero=False)
    narrow = signal.oaconvolve(narrow, band)[BAND_TAPS // 2 :][: len(narrow)]
    coded = _through(narrow, TELEPHONE_RATE, TELEPHONE[code])
    return of_length(resample(coded, TELEPHONE_RATE, sample_rate), len(samples))


def code(samples: np.ndarray, sample_rate: int, codec: Codec, compression: float = 0.5) -> np.ndarray:
    """Return samples (N,) after one pass through a lossy codec: float32 (N,) at the same rate.

    `compression` is libsndfile's level, from 0 (best sound) to 1 (fewest bits). A rate that the codec does
    not know is coded at the next higher one that it does, or at its highest. Raises `AudioError` for samples
    that are not finite or of another scale than [-1, 1].
    """
    check_level(samples)
    if not 0 <= compression <= 1:
        raise WespkError(f"compression {compression:g}: it is a number from 0 to 1")
    rates = {"opus": OPUS_RATES, "mp3": MP3_RATES}.get(codec, (sample_rate,))
    inside = min((rate for rate in rates if rate >= sample_rate), default=max(rates))
    sound = np.asarray(samples, dtype=np.float32)
    if inside != sample_rate:
        sound = resample(sound, sample_rate, inside)
    sound = _through(sound, inside, CODECS[codec], compression)
    if inside != sample_rate:
        sound = resample(sound, inside, sample_rate)
    return of_length(sound, len(samples))


def _through(samples: np.ndarray, rate: int, form: Form, compression: float | None = None) -> np.ndarray:
    """Code and decode; the result has the same length and level."""
    kind, subtype = form
    if not soundfile.check_format(kind, subtype):
        raise WespkError(
            f"codec {subtype}: this libsndfile ({soundfile.__libsndfile_version__}) lacks it; "
            "choose another, or install a newer soundfile"
        )
    stream = io.BytesIO()
    settings = {} if compression is None else {"compression_level": compression}
    # The band filter and resampling exceed full scale also where their input does not.
    over = np.float32(max(1.0, float(np.abs(samples).max()) / LOUDEST.get(subtype, HIGHEST)))
    soundfile.write(stream, samples / over, rate, format=kind, subtype=subtype, **settings)
    stream.seek(0)
    decoded, _ = soundfile.read(stream, dtype="float32")
    return of_length(decoded * over, len(samples))
