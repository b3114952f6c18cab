"""Keep the frames that hold speech: those that DATA/vad.scp marks.

Usage:   wespk select-voiced-frames [options] DATA OUT
Example: wespk compute-vad data/train
         wespk apply-cmvn --sliding --cmn-window=300 --center=true data/train data/train_cmn
         wespk select-voiced-frames data/train_cmn data/train_voiced

OUT is a data directory with features of the selected frames. Utterances without speech, and those whose
features and VAD differ in length, are rejected by name in OUT/rejected.txt.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from wespk.cli.feature_maps import add_map_arguments, map_features
from wespk.core.errors import WespkError
from wespk.core.files import read_json
from wespk.data.audio import AudioError
from wespk.data.matrices import MappedMatrices
from wespk.data.tables import read_table
from wespk.features.spec import FeatureSpec, parse_spec


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_map_arguments(parser)


def run(args: Namespace) -> None:
    """Select, and print the count."""
    decided, content = _read_record(args.data)
    decisions = MappedMatrices(read_table(args.data / "vad.scp"))
    position = {utt: index for index, utt in enumerate(decisions.keys)}

    def respecify(spec: FeatureSpec) -> FeatureSpec:
        if spec.vad is not None:
            raise WespkError(f"{args.data}: voiced frames are selected already")
        if spec.cmn != "none":
            raise WespkError(
                f"{args.data}: the mean of the utterance, silence included, is subtracted already; "
                "select the frames before that"
            )
        # The sliding mean is of no matter to which frames there are, and which of them are voiced.
        bare = spec.model_copy(update={"sliding_cmn": None})
        bare.require_same(
            decided.model_copy(update={"vad": None}), f"{args.data}/feats.json", f"{args.data}/vad.json"
        )
        return spec.model_copy(update={"vad": decided.vad})

    def change(utt: str, features: np.ndarray) -> np.ndarray:
        if utt not in position:
            raise AudioError("no vad: vad.scp has no decisions for it")
        voiced = decisions[position[utt]] != 0
        if voiced.shape != (len(features),):
            raise AudioError(f"lengths differ: {len(features)} frames of features, {len(voiced)} of VAD")
        if not voiced.any():
            raise AudioError(f"no speech: none of {len(voiced)} frames is voiced")
        return features[voiced]

    map_features(args, respecify, change, details=content)
    for name in ("vad.scp", "vad.json", "unvoiced.txt"):  # if OUT held other features before
        (args.out / name).unlink(missing_ok=True)


def _read_record(data: Path) -> tuple[FeatureSpec, str]:
    """Return the specification with the VAD's options, and a digest of its decisions, from vad.json."""
    path = data / "vad.json"
    if not path.exists():
        raise WespkError(f"{path}: no such file; it says how vad.scp was made: run `wespk compute-vad`")
    record = read_json(path)
    if not isinstance(record, dict) or not {"spec", "content"} <= record.keys():
        raise WespkError(f"{path}: 'spec' or 'content' is missing; run `wespk compute-vad` again")
    return parse_spec(record["spec"], path, trust_code=True), str(record["content"])
