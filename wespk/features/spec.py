"""The feature contract: what turns audio into network input; it travels with archives and models."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from wespk.core.config import StrictModel, first_difference, parse_config
from wespk.core.errors import WespkError
from wespk.core.files import PathLike, digest, read_json, read_text


class FbankOptions(StrictModel):
    """Options of Kaldi's compute-fbank-feats, with its names and defaults.

    Times are in milliseconds, frequencies in Hz; `high_freq` at or below 0 counts from the Nyquist frequency.
    """

    sample_frequency: int = Field(16000, gt=0)
    frame_length: float = Field(25.0, gt=0)
    frame_shift: float = Field(10.0, gt=0)
    dither: float = Field(1.0, ge=0)
    preemphasis_coefficient: float = Field(0.97, ge=0, le=1)
    remove_dc_offset: bool = True
    window_type: Literal["povey", "hamming", "hanning", "rectangular", "blackman", "sine"] = "povey"
    blackman_coeff: float = 0.42
    round_to_power_of_two: bool = True
    snip_edges: bool = True
    num_mel_bins: int = Field(23, ge=3)
    low_freq: float = Field(20.0, ge=0)
    high_freq: float = 0.0
    use_energy: bool = False
    energy_floor: float = Field(0.0, ge=0)
    raw_energy: bool = True
    htk_compat: bool = False
    use_log_fbank: bool = True
    use_power: bool = True

    @property
    def window_samples(self) -> int:
        """Samples in a window."""
        return int(self.sample_frequency * self.frame_length * 0.001)

    @property
    def shift_samples(self) -> int:
        """Samples between the starts of two windows."""
        return int(self.sample_frequency * self.frame_shift * 0.001)

    @property
    def fft_size(self) -> int:
        """Length of the transform: the window, by default padded to a power of two."""
        return (
            1 << (self.window_samples - 1).bit_length() if self.round_to_power_of_two else self.window_samples
        )

    @property
    def mel_edges(self) -> tuple[float, float]:
        """Lowest and highest frequency of the filters, Hz."""
        nyquist = 0.5 * self.sample_frequency
        return self.low_freq, self.high_freq if self.high_freq > 0 else nyquist + self.high_freq

    @property
    def dim(self) -> int:
        """Columns of the feature matrix."""
        return self.num_mel_bins + self.use_energy

    @model_validator(mode="after")
    def _possible(self) -> FbankOptions:
        low, high = self.mel_edges
        nyquist = 0.5 * self.sample_frequency
        if not low < high <= nyquist:
            raise ValueError(
                f"mel filters from {low:g} to {high:g} Hz do not fit below Nyquist, {nyquist:g} Hz"
            )
        if self.window_samples < 2 or self.shift_samples < 1:
            raise ValueError("a window needs at least 2 samples and a shift at least 1")
        if self.fft_size % 2:
            raise ValueError("without round-to-power-of-two the window needs an even number of samples")
        return self


class FeatureSpec(StrictModel):
    """All that turns float samples in [-1, 1] into network input.

    `scale` brings samples to Kaldi's int16 range; `cmn` says whether each utterance's mean is subtracted
    (over the frames that the network sees). An archive holds features before it: `cmn` is "none" there.
    """

    kind: Literal["fbank"] = "fbank"
    fbank: FbankOptions = FbankOptions()
    scale: float = 32768.0
    cmn: Literal["none", "utterance"] = "none"

    @property
    def digest(self) -> str:
        """A short fingerprint: equal for equal specifications."""
        return digest(json.dumps(self.model_dump(mode="json"), sort_keys=True))[:16]

    @property
    def dim(self) -> int:
        """Columns of the feature matrix."""
        return self.fbank.dim

    @property
    def sample_rate(self) -> int:
        """Samples per second that the audio must have."""
        return self.fbank.sample_frequency

    @property
    def frame_shift_seconds(self) -> float:
        """Seconds from one frame to the next."""
        return self.fbank.shift_samples / self.sample_rate

    def archived(self) -> FeatureSpec:
        """Return the specification of the archive behind this one: without mean subtraction."""
        return self.model_copy(update={"cmn": "none"})

    def require_same(self, other: FeatureSpec, here: str, there: str) -> None:
        """Raise a `WespkError` that shows the first differing option, if any."""
        difference = first_difference(self.model_dump(mode="json"), other.model_dump(mode="json"))
        if difference:
            key, mine, yours = difference
            told = f"{key} is {mine} in {here} but {yours} in {there}"
            raise WespkError(f"features do not match: {told}; compute them with equal options")


def read_spec(path: PathLike) -> FeatureSpec:
    """Read a specification that was stored as JSON beside an archive or in a model."""
    return parse_config(FeatureSpec, read_json(path), str(path))


@dataclass(frozen=True)
class ArchiveRecord:
    """What is stored beside a feats.scp: the specification of the features and a digest of their content."""

    spec: FeatureSpec
    content: str


def read_archive_record(data_dir: PathLike) -> ArchiveRecord:
    """Read feats.json of a data directory."""
    path = Path(data_dir) / "feats.json"
    if not path.exists():
        raise WespkError(f"{path}: no such file; it says how feats.scp was made: run the feature stage")
    record = read_json(path)
    if not isinstance(record, dict) or not {"spec", "content"} <= record.keys():
        raise WespkError(f"{path}: 'spec' or 'content' is missing; run the feature stage again")
    return ArchiveRecord(parse_config(FeatureSpec, record["spec"], str(path)), record["content"])


def read_kaldi_options(path: PathLike) -> FbankOptions:
    """Read a Kaldi-style conf file: one ``--option=value`` a line, `#` starts a comment.

    An option without value is true, as in Kaldi. Unknown options and impossible values are errors that name
    the file and the nearest right option.
    """
    options: dict[str, str | bool] = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        text = line.split("#")[0].strip()
        if not text:
            continue
        if not text.startswith("--"):
            raise WespkError(f"{path}:{number}: expected --option=value, not '{text}'")
        name, equals, value = text[2:].partition("=")
        options[name.strip().replace("-", "_")] = value.strip() if equals else True
    return parse_config(FbankOptions, options, str(Path(path)))
