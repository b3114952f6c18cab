"""What the audio reader is asked for and what it answers: options, header facts, and the error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, model_validator

from wespk.core.config import StrictModel
from wespk.core.errors import WespkError

LARGEST_SAMPLE = 8.0  # 18 dB above full scale; float files with more are of another scale than [-1, 1]
MAX_SAMPLES = 2**29  # of one result, 2 GiB: what no header and no decoder can make us exceed

# Kinds of fault that may pass although the recording stays as it is: worth another try in every run.
PASSING = frozenset({"pipe failed", "pipe timed out", "needs ffmpeg"})


class AudioError(WespkError):
    """A recording that cannot be used. The text before the colon is the kind of fault, for counting."""


class AudioOptions(StrictModel):
    """Which recordings are accepted, and how they become mono samples at one rate.

    These options say nothing about features: two readers that accept the same file give the same samples.
    """

    sample_rate: int = Field(16000, gt=0)  # Hz of the samples that are returned
    channel: Annotated[int, Field(ge=0)] | Literal["mix"] | None = (
        None  # from 0; "mix" averages them; None: it must be mono
    )
    allow_downsample: bool = False  # a recording of a higher rate is resampled, not rejected
    allow_upsample: bool = False
    min_seconds: float = Field(0.0, ge=0)
    max_seconds: float | None = Field(None, gt=0)
    max_clipped: float | None = Field(None, ge=0, le=1)  # largest share of samples at full scale

    @model_validator(mode="after")
    def _possible(self) -> AudioOptions:
        if self.max_seconds is not None and self.min_seconds > self.max_seconds:
            raise ValueError(f"from {self.min_seconds:g} to {self.max_seconds:g} s no utterance is accepted")
        return self


@dataclass(frozen=True)
class AudioInfo:
    """What a recording's header says."""

    sample_rate: int
    channels: int
    num_samples: int
    format: str

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.num_samples / self.sample_rate


def sample_at(seconds: float, sample_rate: int) -> int:
    """Return the last sample that has begun at a time: seconds * rate without its fraction, as in Kaldi.

    A product within a millionth of a sample below a whole number is that number: the text "0.29" is sample 29
    at 100 Hz, though the product of the binary fractions is 28.999999999999996.
    """
    return math.floor(seconds * sample_rate + 1e-6)
