"""Compute filterbank features of one job's share of a data directory, as Kaldi does.

Usage:   wespk compute-fbank [options] DATA
Example: tools/local.py JOB=1:4 data/train/log/fbank.JOB.log \\
           wespk compute-fbank --config conf/fbank.conf --job JOB/4 data/train
         wespk merge-jobs data/train feats

The options file has Kaldi's form, one `--num-mel-bins=80` a line. A job that is complete and whose inputs
have not changed is not done again. Utterances that cannot be used are listed with the reason.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from wespk.cli.options import add_job
from wespk.core.progress import say, track
from wespk.data.audio import AudioError
from wespk.data.datadir import load_data_dir
from wespk.data.jobs import Job, Piece
from wespk.features import FbankOptions, FeatureExtractor, FeatureSpec, read_kaldi_options


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("data", type=Path, metavar="DATA", help="data directory; gets jobs/feats.JOB.ark")
    parser.add_argument(
        "--config", type=Path, metavar="CONF", help="Kaldi-style options (default: Kaldi's own)"
    )
    add_job(parser)


def run(args: Namespace) -> None:
    """Compute the share, and print the rate."""
    data = load_data_dir(args.data)
    spec = FeatureSpec(fbank=read_kaldi_options(args.config) if args.config else FbankOptions())
    extractor = FeatureExtractor(spec)
    seconds = 0.0

    def features(utt: str):
        nonlocal seconds
        samples = data.audio(utt, spec.sample_rate)
        matrix = extractor(samples, utt)
        if not len(matrix):
            raise AudioError(f"too short: {len(samples)} samples, a window has {spec.fbank.window_samples}")
        if not np.isfinite(matrix).all():
            raise AudioError("not finite: the features overflow; are the samples within [-1, 1]?")
        seconds += len(samples) / spec.sample_rate
        return matrix

    info = {"spec": spec.model_dump(mode="json")}
    start = time.monotonic()
    Piece(args.data, "feats", data.utterances, info, data.audio_stamp, features).run(
        Job.parse(args.job), track
    )
    if seconds:
        took = time.monotonic() - start
        say(f"{seconds / 3600:.2f} h of audio in {took:.1f} s: {seconds / took:.0f} x real time")
