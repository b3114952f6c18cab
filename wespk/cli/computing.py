"""What the verbs that compute features share: their options, and the making of one job's archive."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import numpy as np

from wespk.cli.jobs import add_jobs, run_jobs
from wespk.cli.options import add_compression
from wespk.core.files import read_json
from wespk.core.progress import say
from wespk.data.datadir import load_data_dir
from wespk.data.jobs import Piece
from wespk.features.extractor import FeatureExtractor
from wespk.features.settings import FeatureSettings, read_settings, setting_fields


def add_feature_arguments(parser: ArgumentParser, kind: str) -> None:
    """Declare DATA, --config, the jobs, the compression and every option of the kind of features."""
    parser.add_argument("data", type=Path, metavar="DATA", help="data directory; gets feats.scp")
    parser.add_argument("--config", type=Path, metavar="CONF", help="file of options, `--name=value` a line")
    add_jobs(parser)
    add_compression(parser)
    group = parser.add_argument_group("options of the features, which the file may hold too")
    for name, default, explanation in setting_fields(kind):
        shown = str(default).lower() if isinstance(default, bool) else default
        help_text = f"{explanation} ({shown})" if explanation else f"({shown})"
        group.add_argument(f"--{name.replace('_', '-')}", dest=f"set_{name}", metavar="VALUE", help=help_text)


def compute(args: Namespace, kind: str) -> None:
    """Compute the features, or one job's share, and print the rate."""
    given = {
        name: value
        for name, _, _ in setting_fields(kind)
        if (value := getattr(args, f"set_{name}")) is not None
    }
    settings = read_settings(kind, args.config, given)
    _drop_other_vad(args.data, settings)
    start, seconds = time.monotonic(), [0.0]
    run_jobs(args, args.data, "feats", lambda: _piece(args, settings, seconds))
    if seconds[0]:
        took = time.monotonic() - start
        say(f"{seconds[0] / 3600:.2f} h of audio in {took:.1f} s: {seconds[0] / took:.0f} x real time")


def _drop_other_vad(data: Path, settings: FeatureSettings) -> None:
    """Remove decisions about the frames of other features: they would no longer fit."""
    record = data / "vad.json"
    if record.exists():
        made_for = {**read_json(record).get("spec", {}), "vad": None}
        if made_for != settings.spec.model_copy(update={"vad": None}).model_dump(mode="json"):
            for name in ("vad.scp", "vad.json", "unvoiced.txt"):
                (data / name).unlink(missing_ok=True)


def _piece(args: Namespace, settings: FeatureSettings, seconds: list[float]) -> Piece:
    data = load_data_dir(args.data)
    extractor = FeatureExtractor(settings.spec)

    def features(utt: str) -> np.ndarray:
        samples = data.audio(utt, settings.audio)
        matrix = extractor.archived(samples, utt)
        seconds[0] += len(samples) / settings.spec.sample_rate
        return matrix

    info: dict[str, Any] = {
        "spec": settings.spec.model_dump(mode="json"),
        "audio": settings.audio.model_dump(mode="json"),
    }
    return Piece(args.data, "feats", data.utterances, info, data.audio_stamp, features, args.compression)
