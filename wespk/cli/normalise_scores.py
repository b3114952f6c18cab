"""Adaptive score normalisation (AS-norm) of cosine scores with a cohort of training speakers.

Usage:   wespk normalise-scores [options] --cohort XVECTOR.SCP XVECTOR.SCP TRIALS SCORES
Example: wespk normalise-scores --cohort exp/ecapa/embeddings/train/xvector.scp \\
           --cohort-utt2spk data/train/utt2spk --top-k 50 --mean exp/ecapa/final/mean.vec \\
           exp/ecapa/embeddings/test/xvector.scp data/test/trials exp/ecapa/scores/trials.asnorm.score

Each score is standardised by the mean and deviation of its own k nearest cohort scores, on both sides
(Matejka et al. 2017). With --cohort-utt2spk the cohort is one mean embedding a speaker.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from wespk.backend import adaptive_s_norm, average_per_model, cosine_scores
from wespk.cli.options import add_trial_inputs, positive
from wespk.cli.scoring import load_embeddings, load_sides, speakers_of
from wespk.core.files import write_json
from wespk.core.progress import say
from wespk.data.trials import write_scores


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_trial_inputs(parser)
    parser.add_argument("--cohort", type=Path, required=True, metavar="SCP", help="embeddings of the cohort")
    parser.add_argument(
        "--cohort-utt2spk", type=Path, metavar="UTT2SPK", help="average the cohort by speaker"
    )
    parser.add_argument(
        "--top-k", type=positive, default=300, metavar="K", help="nearest cohort members used (300)"
    )


def run(args: Namespace) -> None:
    """Score, normalise and write; the cohort and k are recorded beside the scores."""
    sides = load_sides(args)
    cohort = _cohort(args)
    index = sides.trials.enrol_index, sides.trials.test_index
    raw = cosine_scores(sides.enrol, sides.test, *index)
    scores = adaptive_s_norm(raw, sides.enrol, sides.test, *index, cohort, top_k=args.top_k)
    write_scores(args.scores, sides.trials, scores)
    kind = "speaker means" if args.cohort_utt2spk else "utterances"
    record = {"cohort": str(args.cohort), "members": len(cohort), "kind": kind, "top_k": args.top_k}
    write_json(args.scores.with_suffix(".json"), record)
    say(f"{args.scores}: {len(scores)} scores, the {args.top_k} nearest of a cohort of {len(cohort)} {kind}")


def _cohort(args: Namespace) -> np.ndarray:
    embeddings = load_embeddings(args.cohort, args.mean, args.lda)
    if args.cohort_utt2spk is None:
        return embeddings.matrix
    labels = speakers_of(embeddings, args.cohort, args.cohort_utt2spk)
    speakers, owner = np.unique(labels, return_inverse=True)
    return average_per_model(embeddings.matrix, owner, len(speakers))[0]
