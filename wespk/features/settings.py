"""What a recipe writes into `conf/fbank.conf`: options of features and recordings, in Kaldi's form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from wespk.core.config import Component, StrictModel, parse_config
from wespk.core.errors import WespkError, nearest
from wespk.core.files import PathLike
from wespk.data.audio import AudioOptions
from wespk.features.cmvn import SlidingCmnOptions
from wespk.features.kaldi_conf import numbered_options
from wespk.features.neural_vad import NeuralVadOptions
from wespk.features.spec import KINDS, FeatureSpec, option_schema
from wespk.features.vad import EnergyVadOptions

Setting = tuple[str, Any, str]  # name, default, explanation

# Kaldi's names of options that say how recordings are read, and ours.
RECORDING = {
    "channel": "channel",
    "min_duration": "min_seconds",
    "max_duration": "max_seconds",
    "max_clipped": "max_clipped",
    "allow_downsample": "allow_downsample",
    "allow_upsample": "allow_upsample",
}
ABSENT = {  # options of Kaldi's programs that are not here, and what is
    "subtract_mean": "`wespk apply-cmvn --utterance` subtracts the mean",
    "vtln_map": "one --vtln-warp holds for all utterances",
    "utt2spk": "one --vtln-warp holds for all utterances",
    "output_format": "only Kaldi's archives are written",
    "verbose": "there is nothing to choose; leave it out",
    "debug_mel": "there is nothing to choose; leave it out",
    "max_feature_vectors": "streams are not bounded here; leave it out",
    "write_utt2dur": "`wespk data-stats --write` writes utt2dur",
}
VAD: dict[str, type[StrictModel]] = {"energy": EnergyVadOptions, "neural": NeuralVadOptions}
SLIDING = {  # our names, Kaldi's of apply-cmvn-sliding
    "cmn_window": "cmn_window",
    "min_cmn_window": "min_cmn_window",
    "cmn_center": "center",
    "cmn_norm_vars": "norm_vars",
}


@dataclass(frozen=True)
class FeatureSettings:
    """How features are computed: what they are, and which recordings are accepted."""

    spec: FeatureSpec
    audio: AudioOptions


def read_settings(
    kind: str, path: PathLike | None = None, given: Mapping[str, Any] | None = None
) -> FeatureSettings:
    """Read an option file (default: all defaults), with `given` options, such as num_mel_bins=80, over it.

    Raises `WespkError` that names the file, the option and the nearest right one.
    """
    numbered = numbered_options(path) if path else {}
    written: dict[str, Any] = {name: value for name, (value, _) in numbered.items()} | dict(given or {})
    source = str(path) if path else f"options of {kind}"
    known = {name: default for name, default, _ in setting_fields(kind)}
    for name, value in written.items():
        where = f"{path}:{numbered[name][1]}" if name in numbered else source
        if name not in known:
            raise WespkError(f"{where}: unknown option {_spelt(name)}{_hint(name, kind, known)}")
        if value is True and not isinstance(known[name], bool):
            raise WespkError(f"{where}: {_spelt(name)} needs a value, as in {_spelt(name)}=...")

    def take(names: Mapping[str, str]) -> dict[str, Any]:
        return {theirs: written[ours] for ours, theirs in names.items() if ours in written}

    reading = take(RECORDING)
    if str(reading.get("channel")) == "-1":  # Kaldi's way to say that a recording must be mono
        del reading["channel"]
    schema = option_schema(kind)
    options = parse_config(schema, take({name: name for name in schema.model_fields}), source)
    spec: dict[str, Any] = {"kind": kind, "options": options, **take({"level_db": "level_db"})}
    if "denoiser" in written:
        spec["denoiser"] = Component(name=written["denoiser"])
    detector = written.get("vad", "none")
    if detector not in ("none", *VAD):
        raise WespkError(f"{source}: unknown vad '{detector}': {nearest(str(detector), ['none', *VAD])}")
    for name, schema_of_vad in VAD.items():
        chosen = take({field: field for field in schema_of_vad.model_fields})
        if name == detector:
            spec["vad"] = parse_config(schema_of_vad, chosen, source)
        elif chosen:
            raise WespkError(f"{source}: '{next(iter(chosen))}' has no effect without vad={name}")
    if _true(written.get("sliding_cmn", False), source):
        spec["sliding_cmn"] = parse_config(SlidingCmnOptions, take(SLIDING), source)
    elif take(SLIDING):
        raise WespkError(f"{source}: '{next(iter(take(SLIDING)))}' has no effect without sliding-cmn=true")
    parsed = parse_config(FeatureSpec, spec, source)
    audio = parse_config(AudioOptions, {**reading, "sample_rate": parsed.sample_rate}, source)
    return FeatureSettings(parsed, audio)


def setting_fields(kind: str) -> Iterator[Setting]:
    """Yield name, default and explanation of each option that a file for this kind of features may hold."""
    for name, field in option_schema(kind).model_fields.items():
        yield name, field.default, ""
    yield "channel", -1, "channel of recordings with several, from 0, or `mix`; -1: they must be mono"
    yield "min_duration", 0.0, "shortest utterance in seconds"
    yield "max_duration", None, "longest utterance in seconds"
    yield "max_clipped", None, "largest share of clipped samples"
    yield "allow_downsample", False, "resample recordings of a higher rate"
    yield "allow_upsample", False, "resample recordings of a lower rate"
    yield "level_db", None, "bring each utterance to this level, dB of full scale"
    yield "denoiser", None, "dotted path of a class whose objects map (samples, sample rate) to samples"
    yield "sliding_cmn", False, "subtract the mean of a sliding window"
    for ours, theirs in SLIDING.items():
        yield ours, SlidingCmnOptions.model_fields[theirs].default, "of sliding-cmn"
    yield "vad", "none", "keep the frames with speech only: none, energy or neural"
    for detector, schema in VAD.items():
        for name, field in schema.model_fields.items():
            yield name, field.default, f"of vad {detector}"


def _spelt(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _hint(name: str, kind: str, known: Iterable[str]) -> str:
    if name in ABSENT:
        return f": {ABSENT[name]}"
    others = [other for other in KINDS if name in option_schema(other).model_fields]
    if others:
        return f": it is one of {' and '.join(others)}, not of {kind}"
    close = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return (f": did you mean {_spelt(close[0])}?" if close else "") + f" See wespk compute-{kind} --help"


def _true(value: Any, source: str) -> bool:
    if str(value).lower() not in ("true", "false"):
        raise WespkError(f"{source}: 'sliding_cmn' is true or false, not '{value}'")
    return str(value).lower() == "true"
