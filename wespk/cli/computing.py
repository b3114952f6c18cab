"""What the verbs that compute features share: their options, and the making of one job's archive."""

from __future__ import annotations

import re
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from wespk.cli.jobs import add_jobs, run_jobs
from wespk.cli.options import add_compression
from wespk.core.progress import say
from wespk.data.datadir import load_data_dir
from wespk.data.jobs import Piece, one_by_one
from wespk.features.extractor import FeatureExtractor, foreign_code
from wespk.features.settings import FeatureSettings, read_settings, setting_fields

RATE = re.compile(r"([0-9.]+) h of audio in ([0-9.]+) s:")


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
    start, seconds = time.monotonic(), [0.0]
    lines = run_jobs(args, args.data, "feats", lambda: _piece(args, settings, seconds))
    if seconds[0]:
        say(_rate(seconds[0] / 3600, time.monotonic() - start))
    done = [(float(found[1]), float(found[2])) for line in lines if (found := RATE.match(line))]
    if done:  # the processes' own clocks leave their start-up out
        say(_rate(sum(hours for hours, _ in done), max(took for _, took in done)))


def _rate(hours: float, took: float) -> str:
    """Return what `RATE` reads."""
    return f"{hours:.4f} h of audio in {took:.2f} s: {3600 * hours / took:.0f} x real time"


def _piece(args: Namespace, settings: FeatureSettings, seconds: list[float]) -> Piece:
    torch.set_num_threads(1)  # --nj is how more cores are used; two threads on one utterance only wait
    data = load_data_dir(args.data, unchecked=("feats.scp", "utt2num_frames", "vad.scp"))
    extractor = FeatureExtractor(settings.spec)

    def features(utt: str) -> np.ndarray:
        samples = data.audio(utt, settings.audio)
        matrix = extractor.archived(samples, utt)
        seconds[0] += len(samples) / settings.spec.sample_rate
        return matrix

    info: dict[str, Any] = {
        "spec": settings.spec.model_dump(mode="json"),
        "audio": settings.audio.model_dump(mode="json"),
        "code": foreign_code(settings.spec),
    }
    make = one_by_one(features)
    return Piece(args.data, "feats", data.utterances, info, data.audio_stamp, make, args.compression)
