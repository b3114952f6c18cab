"""Extract the embeddings of a data directory.

Usage:   wespk extract [options] MODEL DATA OUT
Example: wespk extract exp/ecapa/final data/test exp/ecapa/embeddings/test
         tools/local.py JOB=1:2 exp/ecapa/log/extract.JOB.log \\
           wespk extract --job JOB/2 exp/ecapa/final data/test exp/ecapa/embeddings/test
         wespk merge-jobs exp/ecapa/embeddings/test xvector

The features must be those that the model was trained on; the difference is shown when they are not.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from wespk.cli.jobs import add_jobs, run_jobs
from wespk.core.progress import say
from wespk.data.datadir import load_data_dir, load_features
from wespk.data.jobs import Piece


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="model directory")
    parser.add_argument("data", type=Path, metavar="DATA", help="data directory with feats.scp")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write to; gets jobs/xvector.JOB.ark")
    parser.add_argument(
        "--trust-code",
        action="store_true",
        help="import a network that is not part of wespk, named by the model",
    )
    add_jobs(parser)


def run(args: Namespace) -> None:
    """Extract, and print the rate."""
    start, done = time.monotonic(), [0]
    run_jobs(args, args.out, "xvector", lambda: _piece(args, done))
    if done[0]:
        say(f"{done[0] / (time.monotonic() - start):.1f} utterances/s")


def _piece(args: Namespace, done: list[int]) -> Piece:
    locations = load_features(load_data_dir(args.data))

    from wespk.data.matrices import MappedMatrices
    from wespk.features.extractor import check_archive, normalise
    from wespk.features.spec import read_archive_record
    from wespk.inference import load_model

    model = load_model(args.model, trust_code=args.trust_code)
    archive = read_archive_record(args.data)
    raw = check_archive(archive.spec, model.spec, str(args.data), str(args.model))
    matrices = MappedMatrices(locations, archive.spec.dim)
    position = {utt: index for index, utt in enumerate(locations)}

    def embedding(utt: str) -> np.ndarray:
        done[0] += 1
        features = matrices[position[utt]]
        return model.embed(normalise(features, model.spec) if raw else features)

    info = {"model": model.digest, "spec": model.spec.digest, "feats": archive.content}
    return Piece(args.out, "xvector", list(locations), info, lambda utt: utt, embedding)
