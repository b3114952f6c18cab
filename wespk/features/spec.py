"""The feature contract: what turns audio into network input; it travels with archives and models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field, SerializeAsAny, model_validator

from wespk.core.config import Component, StrictModel, find_component, first_difference, parse_config
from wespk.core.errors import WespkError, nearest
from wespk.core.files import PathLike, digest, read_json
from wespk.features.cmvn import SlidingCmnOptions
from wespk.features.front_end import FrontEnd
from wespk.features.neural_vad import NeuralVadOptions
from wespk.features.options import FbankOptions, FeatureOptions
from wespk.features.vad import EnergyVadOptions

KINDS = {
    "fbank": "wespk.features.kaldi:Fbank",
    "mfcc": "wespk.features.kaldi:Mfcc",
    "spectrogram": "wespk.features.kaldi:Spectrogram",
    "mel_spectrogram": "wespk.features.mel_spectrogram:MelSpectrogram",
}


class FeatureSpec(StrictModel):
    """All that turns float samples in [-1, 1] into network input, in the order of the fields.

    denoiser     a class of your own: ``{name: my.module:Denoiser, ...}``, called with (samples, sample rate)
    level_db     the root mean square level that each utterance is brought to, dB of full scale
    scale        what samples are multiplied with: 32768 brings them to Kaldi's int16 range
    kind         fbank, mfcc, spectrogram, mel_spectrogram, or the dotted path of a `FrontEnd` of your own
    options      of that kind
    sliding_cmn  subtract the mean of a sliding window, over all frames
    vad          keep the frames that hold speech
    cmn          "utterance": subtract the mean of the frames that the network sees; an archive holds the
                 features before that, with "none"
    norm_vars    divide by their deviation too
    """

    denoiser: Component | None = None
    level_db: float | None = Field(None, ge=-100, le=0)
    scale: float = Field(32768.0, gt=0)
    kind: str = "fbank"
    options: SerializeAsAny[FeatureOptions] = FbankOptions()
    sliding_cmn: SlidingCmnOptions | None = None
    vad: EnergyVadOptions | NeuralVadOptions | None = None
    cmn: Literal["none", "utterance"] = "none"
    norm_vars: bool = False

    @model_validator(mode="before")
    @classmethod
    def _options_of_the_kind(cls, values: Any) -> Any:
        """Read `options` by the schema of `kind`; the scale that the kind expects is the default."""
        if not isinstance(values, Mapping):
            return values
        values = dict(values)
        if not isinstance(values.get("kind", "fbank"), str):
            return values
        schema = option_schema(values.get("kind", "fbank"))
        options = values.get("options", {})
        if not isinstance(options, FeatureOptions):
            options = parse_config(schema, options, f"features {values.get('kind', 'fbank')}")
        elif not isinstance(options, schema):
            raise ValueError(f"options of {values.get('kind', 'fbank')} are a {schema.__name__}")
        return {"scale": options.expected_scale, **values, "options": options}

    @model_validator(mode="after")
    def _possible(self) -> FeatureSpec:
        if self.norm_vars and self.cmn == "none":
            raise ValueError("norm_vars needs cmn: utterance")
        return self

    @property
    def digest(self) -> str:
        """A short fingerprint: equal for equal specifications."""
        return digest(json.dumps(self.model_dump(mode="json"), sort_keys=True))[:16]

    @property
    def dim(self) -> int:
        """Columns of the feature matrix."""
        return self.options.dim

    @property
    def sample_rate(self) -> int:
        """Samples per second that the audio must have."""
        return self.options.sample_frequency

    @property
    def frame_shift_seconds(self) -> float:
        """Seconds from one frame to the next."""
        return self.options.shift_samples / self.sample_rate

    def archived(self) -> FeatureSpec:
        """Return the specification of the archive behind this one: before the utterance's normalisation."""
        return self.model_copy(update={"cmn": "none", "norm_vars": False})

    def front_end(self, dtype: torch.dtype = torch.float32) -> FrontEnd:
        """Make what computes the features."""
        front_end: FrontEnd = find_component(self.kind, KINDS, "features")(self.options, dtype)
        return front_end

    def require_same(self, other: FeatureSpec, here: str, there: str) -> None:
        """Raise a `WespkError` that shows the first differing option, if any."""
        difference = first_difference(self.model_dump(mode="json"), other.model_dump(mode="json"))
        if difference:
            key, mine, yours = difference
            told = f"{key} is {mine} in {here} but {yours} in {there}"
            raise WespkError(f"features do not match: {told}; compute them with equal options")


def option_schema(kind: str) -> type[FeatureOptions]:
    """Return the class of the options of a kind of features."""
    schema = getattr(find_component(kind, KINDS, "features"), "Options", None)
    if not (isinstance(schema, type) and issubclass(schema, FeatureOptions)):
        raise WespkError(f"features '{kind}': the class has no `Options` derived from FeatureOptions")
    return schema


def read_spec(path: PathLike, *, trust_code: bool = False) -> FeatureSpec:
    """Read a specification that was stored as JSON beside an archive or in a model."""
    return parse_spec(read_json(path), path, trust_code=trust_code)


def parse_spec(values: Any, source: PathLike, *, trust_code: bool = False) -> FeatureSpec:
    """Read a specification from a file's values; code outside wespk is imported only if trusted."""
    if not isinstance(values, dict):
        raise WespkError(f"{source}: a feature specification is a mapping, not a {type(values).__name__}")
    kind = values.get("kind", "fbank")
    if isinstance(kind, str) and kind not in KINDS and not {".", ":"} & set(kind):
        raise WespkError(f"{source}: unknown features '{kind}': {nearest(kind, KINDS)}")
    foreign = (isinstance(kind, str) and kind not in KINDS) or values.get("denoiser") is not None
    if foreign and not trust_code:
        raise WespkError(f"{source}: names code outside wespk; trust it explicitly to use these features")
    try:
        return parse_config(FeatureSpec, values, str(source))
    except WespkError as error:
        raise WespkError(str(error) if str(error).startswith(str(source)) else f"{source}: {error}") from None


@dataclass(frozen=True)
class ArchiveRecord:
    """What is stored beside a feats.scp: the specification of the features and a digest of their content."""

    spec: FeatureSpec
    content: str


def read_archive_record(data_dir: PathLike) -> ArchiveRecord:
    """Read feats.json of a data directory. Code that it names is the recipe's own, and trusted."""
    path = Path(data_dir) / "feats.json"
    if not path.exists():
        raise WespkError(f"{path}: no such file; it says how feats.scp was made: run the feature stage")
    record = read_json(path)
    if not isinstance(record, dict) or not {"spec", "content"} <= record.keys():
        raise WespkError(f"{path}: 'spec' or 'content' is missing; run the feature stage again")
    return ArchiveRecord(parse_spec(record["spec"], path, trust_code=True), str(record["content"]))
