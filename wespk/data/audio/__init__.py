"""Reading recordings of every format: one reader, one error, one set of options."""

from wespk.data.audio.reader import audio_info, audio_stamp, check_level, check_samples, read_audio
from wespk.data.audio.values import PASSING, AudioError, AudioInfo, AudioOptions, sample_at

__all__ = [
    "PASSING",
    "AudioError",
    "AudioInfo",
    "AudioOptions",
    "audio_info",
    "audio_stamp",
    "check_level",
    "check_samples",
    "read_audio",
    "sample_at",
]
