"""Write quality measures of utterances, for quality-aware calibration (`wespk calibrate --quality`).

Usage:   wespk compute-quality [options] DATA-DIR XVECTOR.SCP TABLE
Example: wespk compute-quality --mean exp/ecapa/final/mean.vec --cohort-utt2spk data/train/utt2spk \\
           --cohort exp/ecapa/embeddings/train/xvector.scp --top-k 50 \\
           data/test exp/ecapa/embeddings/test/xvector.scp exp/ecapa/quality/test

TABLE has a header `utt-id MEASURE ...` and a line for each embedding. Its measures are those that can be
computed, or those that --measures asks for:
  duration     seconds, by utt2dur, segments, utt2num_frames or the headers of the audio
  voiced       frames with speech, by vad.scp
  magnitude    Euclidean length of the embedding as the network gave it
  cohort_mean  mean of the k highest cosines with the cohort, after the transforms
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np

from wespk.backend.quality import magnitudes
from wespk.backend.scorer import cosine_scorer
from wespk.cli.cohort import add_cohort, cohort_statistics_of, load_cohort
from wespk.cli.options import positive
from wespk.cli.scoring import refuse_zero
from wespk.cli.transforms import add_transforms, transform
from wespk.core.errors import WespkError, nearest
from wespk.core.files import write_text
from wespk.core.progress import say
from wespk.data.archives import read_archive
from wespk.data.datadir import DataDir, load_data_dir
from wespk.data.durations import read_durations
from wespk.data.vector_tables import read_vector_table

MEASURES = ("duration", "voiced", "magnitude", "cohort_mean")
TOP_K = 300
OUTPUTS = ("table",)


class _NotKnown(Exception):
    """A measure cannot be computed; the message says for want of what."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("data", type=Path, metavar="DATA-DIR", help="data directory of the utterances")
    parser.add_argument("embeddings", metavar="XVECTOR.SCP", help="their embeddings")
    parser.add_argument("table", type=Path, metavar="TABLE", help="output, a header and a line an embedding")
    parser.add_argument(
        "--measures", metavar="NAME,NAME", help=f"of {', '.join(MEASURES)} (all that can be computed)"
    )
    add_cohort(parser, required=False)
    parser.add_argument("--top-k", type=positive, metavar="K", help=f"cohort scores that count ({TOP_K})")
    add_transforms(parser)


def run(args: Namespace) -> None:
    """Measure and write; what has been left out is said."""
    asked = args.measures.split(",") if args.measures else []
    for name in asked:
        if name not in MEASURES or asked.count(name) > 1:
            raise WespkError(f"--measures: '{name}' is unknown or comes twice; {nearest(name, MEASURES)}")
    of_cohort = (args.cohort_utt2spk, args.exclude_overlap, args.top_k, args.transforms, args.domain_means)
    if args.cohort is None and any(of_cohort):
        raise WespkError(
            "--cohort-utt2spk, --exclude-overlap, --top-k and transforms are for --cohort SCP; give it"
        )
    if args.cohort is not None and asked and "cohort_mean" not in asked:
        raise WespkError("--cohort is for cohort_mean; add it to --measures")
    data = load_data_dir(args.data)
    utts, rows = read_vector_table(args.embeddings)
    unknown = [utt for utt in utts if utt not in data.utt2spk]
    if unknown:
        raise WespkError(f"{args.embeddings}: '{unknown[0]}' is not in {args.data} ({len(unknown)} are not)")
    ways: dict[str, Callable[[], np.ndarray]] = {
        "duration": lambda: _durations(data, utts),
        "voiced": lambda: _voiced(data, utts),
        "magnitude": lambda: magnitudes(rows),
        "cohort_mean": lambda: _cohort_means(args, utts, rows),
    }
    columns: dict[str, np.ndarray] = {}
    for name in asked or MEASURES:
        try:
            columns[name] = ways[name]()
        except _NotKnown as error:
            if asked:
                raise WespkError(f"no {name}: {error}") from None
            say(f"{args.table}: without {name}: {error}")
    texts = [[f"{value:.7g}" for value in column.tolist()] for column in columns.values()]
    lines = map(" ".join, zip(utts, *texts, strict=True))
    write_text(args.table, "\n".join([" ".join(["utt-id", *columns]), *lines]) + "\n")
    silent = len(data.utt2spk) - len(utts)
    without = f"; {silent} utterances of {args.data} have no embedding and no line" if silent else ""
    say(f"{args.table}: {', '.join(columns)} of {len(utts)} utterances{without}")


def _durations(data: DataDir, utts: list[str]) -> np.ndarray:
    """Return the seconds of each utterance (N,)."""
    durations = read_durations(data)
    missing = [utt for utt in utts if utt not in durations.seconds]
    if missing:
        reason = durations.unknown.reasons.get(missing[0], f"not in {durations.source}")
        raise _NotKnown(f"{len(missing)} utterances have none, first '{missing[0]}' ({reason})")
    return np.array([durations.seconds[utt] for utt in utts])


def _voiced(data: DataDir, utts: list[str]) -> np.ndarray:
    """Return the frames that hold speech, of each utterance (N,)."""
    scp = data.path / "vad.scp"
    if not scp.exists():
        raise _NotKnown(f"there is no {scp}; `wespk compute-vad` makes it")
    counts = {utt: float(np.sum(decisions, dtype=np.float64)) for utt, decisions in read_archive(scp)}
    missing = [utt for utt in utts if utt not in counts]
    if missing:
        raise _NotKnown(f"{scp} lacks {len(missing)} utterances, first '{missing[0]}'")
    return np.array([counts[utt] for utt in utts])


def _cohort_means(args: Namespace, utts: list[str], rows: np.ndarray) -> np.ndarray:
    """Return the mean of the highest cosines of each embedding with the cohort, (N,)."""
    if args.cohort is None:
        raise _NotKnown("there is no --cohort")
    mapped = transform(args, utts, rows, args.embeddings)
    cohort = load_cohort(args, set(utts), mapped.shape[1])
    refuse_zero(utts, mapped, args.embeddings)
    scorer = cosine_scorer(mapped, cohort.matrix)
    return cohort_statistics_of(args, scorer, "enrol", args.top_k or TOP_K, utts).mean
