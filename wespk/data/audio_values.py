"""What the audio reader is asked for and what it answers: options, header facts, and the error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from wespk.core.config import StrictModel
from wespk.core.errors import WespkError

MAX_SAMPLES = 2**29  # of one result, 2 GiB: what no header and no decoder can make us exceed


class AudioError(WespkError):
    """A recording that cannot be used. The text before the colon is the kind of fault, for counting."""


class AudioOptions(StrictModel):
    """Which recordings are accepted, and how they become mono samples at one rate.

    These options say nothing about features: two readers that accept the same file give the same samples.
    """

    sample_rate: int = Field(16000, gt=0)  # Hz of the samples that are returned
    channel: int | Literal["mix"] | None = None  # from 0; "mix" averages them; None: it must be mono
    allow_downsample: bool = False  # a recording of a higher rate is resampled, not rejected
    allow_upsample: bool = False
    min_seconds: float = Field(0.0, ge=0)
    max_seconds: float | None = Field(None, gt=0)
    max_clipped: float | None = Field(None, ge=0, le=1)  # largest share of samples at full scale


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
