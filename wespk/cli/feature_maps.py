"""Verbs that make new features of a data directory's features: OUT is a data directory of its own."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np

from wespk.cli.jobs import add_jobs, run_jobs
from wespk.cli.options import add_compression
from wespk.core.errors import WespkError
from wespk.core.files import write_bytes
from wespk.core.rejections import Rejections
from wespk.data.audio import AudioError
from wespk.data.datadir import load_data_dir, load_features
from wespk.data.jobs import Piece
from wespk.data.matrices import MappedMatrices
from wespk.features.spec import FeatureSpec, read_archive_record

# What stays true of the utterances when their features change; VAD and durations no longer fit.
COPIED = ("wav.scp", "segments", "reco2dur", "utt2spk", "spk2utt", "spk2gender", "text")


def add_map_arguments(parser: ArgumentParser) -> None:
    """Declare DATA, OUT, the jobs and the compression."""
    parser.add_argument("data", type=Path, metavar="DATA", help="data directory with feats.scp")
    parser.add_argument("out", type=Path, metavar="OUT", help="data directory to make")
    add_jobs(parser)
    add_compression(parser)


def map_features(
    args: Namespace,
    respecify: Callable[[FeatureSpec], FeatureSpec],
    change: Callable[[str, np.ndarray], np.ndarray],
    details: str = "",
) -> None:
    """Make the data directory `args.out` of `change(utt, features)` for each utterance of `args.data`.

    `respecify` gives the new specification and raises where the change makes no sense; `details` is what else
    the result depends on, such as a digest of decisions. `change` may raise `AudioError` to reject.
    """
    if args.out.resolve() == args.data.resolve():
        raise WespkError(f"{args.out}: DATA and OUT are the same directory; name another OUT")
    data = load_data_dir(args.data)
    locations = load_features(data)
    archive = read_archive_record(args.data)
    spec = respecify(archive.spec)
    for name in COPIED:
        source, copy = data.path / name, args.out / name
        if source.exists():
            content = source.read_bytes()
            if not copy.exists() or copy.read_bytes() != content:
                write_bytes(copy, content)
        else:
            copy.unlink(missing_ok=True)
    ledger = args.data / "rejected.txt"
    without = Rejections.read(ledger).reasons if ledger.exists() else {}
    position = {utt: index for index, utt in enumerate(locations)}
    matrices = MappedMatrices(locations)

    def make(utt: str) -> np.ndarray:
        if utt not in position:
            raise AudioError(without[utt])  # it had no features before either
        return change(utt, matrices[position[utt]])

    info = {"spec": spec.model_dump(mode="json"), "feats": archive.content, "details": details}
    run_jobs(
        args,
        args.out,
        "feats",
        lambda: Piece(args.out, "feats", data.utterances, info, lambda utt: utt, make, args.compression),
    )
