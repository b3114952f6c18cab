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
from wespk.data.jobs import Piece, one_by_one
from wespk.data.layout import table_names
from wespk.data.matrices import MappedMatrices
from wespk.features.spec import FeatureSpec, read_archive_record

# Tables about frames that change; compute-vad and the like make them anew.
OF_FRAMES = ("feats.scp", "utt2num_frames", "vad.scp", "cmvn.scp")


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
    _copy_tables(args.data, args.out)
    ledger = args.data / "rejected.txt"
    without = Rejections.read(ledger).reasons if ledger.exists() else {}
    position = {utt: index for index, utt in enumerate(locations)}
    matrices = MappedMatrices(locations, archive.spec.dim)

    def make(utt: str) -> np.ndarray:
        if utt not in position:
            raise AudioError(without[utt])  # it had no features before either
        return change(utt, matrices[position[utt]])

    info = {"spec": spec.model_dump(mode="json"), "feats": archive.content, "details": details}
    run_jobs(
        args,
        args.out,
        "feats",
        lambda: Piece(args.out, "feats", data.utterances, info, str, one_by_one(make), args.compression),
    )


def _copy_tables(source: Path, out: Path) -> None:
    """Write the tables about utterances, speakers and recordings of `source` to `out`, where they differ.

    Raises `WespkError` when `out` is a data directory of other recordings: it would be lost.
    """
    names = ["spk2utt", *(name for name in table_names(source) if name not in OF_FRAMES)]
    content = {name: (source / name).read_bytes() for name in names}
    for name in ("wav.scp", "utt2spk"):
        if (out / name).exists() and (out / name).read_bytes() != content[name]:
            raise WespkError(f"{out}: is a data directory of other recordings than {source}; name a new one")
    out.mkdir(parents=True, exist_ok=True)
    for name in set(table_names(out)) - set(names) - set(OF_FRAMES):
        (out / name).unlink(missing_ok=True)
    for name in names:
        if not (out / name).exists() or (out / name).read_bytes() != content[name]:
            write_bytes(out / name, content[name])
