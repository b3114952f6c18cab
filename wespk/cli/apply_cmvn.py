"""Subtract the mean of features, over a sliding window or the utterance, as Kaldi does.

Usage:   wespk apply-cmvn --sliding [options] DATA OUT
         wespk apply-cmvn --utterance [--norm-vars=true] DATA OUT
Example: wespk apply-cmvn --sliding --cmn-window=300 --center=true data/train data/train_cmn

OUT is a data directory with the normalised features; DATA's VAD, which is about the same frames, goes with
it. --sliding is Kaldi's apply-cmvn-sliding, with its options and defaults; it comes before
select-voiced-frames. --utterance is compute-cmvn-stats and apply-cmvn for each utterance alone.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from wespk.cli.feature_maps import add_map_arguments, map_features
from wespk.core.config import parse_config
from wespk.core.errors import WespkError
from wespk.core.files import write_bytes
from wespk.data.audio import AudioError
from wespk.features.cmvn import SlidingCmnOptions, sliding_cmn, utterance_cmvn
from wespk.features.kaldi_conf import kaldi_options
from wespk.features.spec import FeatureSpec

VAD_TABLES = ("vad.scp", "vad.json", "unvoiced.txt")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--sliding", action="store_true", help="the mean of a window around each frame")
    kind.add_argument("--utterance", action="store_true", help="the mean of the utterance")
    add_map_arguments(parser)
    parser.add_argument("--config", type=Path, metavar="CONF", help="file of options, `--name=value` a line")
    parser.add_argument("--cmn-window", metavar="FRAMES", help="size of the window (600)")
    parser.add_argument("--min-cmn-window", metavar="FRAMES", help="smallest, at the start (100)")
    parser.add_argument("--center", choices=("true", "false"), help="a window around the frame (false)")
    parser.add_argument(
        "--norm-vars", choices=("true", "false"), help="divide by the standard deviation (false)"
    )


def run(args: Namespace) -> None:
    """Normalise, and print the count."""
    values: dict[str, object] = {**(kaldi_options(args.config) if args.config else {})}
    values |= {
        name: value for name in SlidingCmnOptions.model_fields if (value := getattr(args, name)) is not None
    }
    source = str(args.config or "options of the window")
    if args.utterance and values.keys() - {"norm_vars"}:
        name = sorted(values.keys() - {"norm_vars"})[0]
        raise WespkError(f"{source}: '{name}' goes with --sliding; --utterance takes norm_vars alone")
    options = parse_config(SlidingCmnOptions, values, source)

    def respecify(spec: FeatureSpec) -> FeatureSpec:
        _check_order(args, spec)
        if args.utterance:
            return spec.model_copy(update={"cmn": "utterance", "norm_vars": options.norm_vars})
        return spec.model_copy(update={"sliding_cmn": options})

    def change(utt: str, features: np.ndarray) -> np.ndarray:
        if not np.isfinite(features).all():
            raise AudioError("not finite: the features hold NaN or infinity")
        return (
            utterance_cmvn(features, options.norm_vars) if args.utterance else sliding_cmn(features, options)
        )

    map_features(args, respecify, change)
    _carry_vad(args.data, args.out)


def _check_order(args: Namespace, spec: FeatureSpec) -> None:
    """Raise where a step that the specification names has been done, or may only be done later."""
    if spec.cmn != "none":
        raise WespkError(f"{args.data}: the mean of the utterance is subtracted already")
    if args.sliding and spec.sliding_cmn is not None:
        raise WespkError(f"{args.data}: the mean of a sliding window is subtracted already")
    if args.sliding and spec.vad is not None:
        raise WespkError(
            f"{args.data}: voiced frames are selected already; a sliding window comes before, over all frames"
        )


def _carry_vad(data: Path, out: Path) -> None:
    for name in VAD_TABLES:
        if (data / name).exists():
            write_bytes(out / name, (data / name).read_bytes())
        else:
            (out / name).unlink(missing_ok=True)
