"""Compute the map that gives embeddings of one domain the mean and covariance of another (CORAL).

Usage:   wespk compute-coral [options] SOURCE.SCP TARGET.SCP MAT
Example: cd exp/ecapa
         wespk compute-coral embeddings/train/xvector.scp embeddings/telephone/xvector.scp final/coral.mat
         wespk train-plda --matrix final/coral.mat embeddings/train/xvector.scp train/utt2spk final/plda

The target needs no labels. The matrix, affine and in Kaldi's format, is for embeddings of the source: a PLDA
(LDA, WCCN) trained after it fits the target, whose own embeddings stay as they are.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.backend import train_coral
from wespk.cli.estimates import write_estimate
from wespk.cli.options import limit
from wespk.cli.scoring import load_embeddings
from wespk.cli.transforms import add_text, add_transforms
from wespk.core.errors import WespkError
from wespk.core.progress import say

OUTPUTS = ("matrix",)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("source", metavar="SOURCE.SCP", help="embeddings of the domain with labels")
    parser.add_argument("target", metavar="TARGET.SCP", help="embeddings of the domain to come to")
    parser.add_argument("matrix", type=Path, metavar="MAT", help="output")
    parser.add_argument(
        "--regularisation",
        type=limit,
        default=0.0,
        metavar="L",
        help="add L times the identity to both covariances, where embeddings are few (0; the paper: 1)",
    )
    add_text(parser)
    add_transforms(parser)


def run(args: Namespace) -> None:
    """Estimate and write; directions in which the source hardly varies are told of."""
    source = load_embeddings(args.source, args).matrix
    target = load_embeddings(args.target, args).matrix
    if source.shape[1] != target.shape[1]:
        raise WespkError(
            f"{args.target}: embeddings of {target.shape[1]} dimensions, those of {args.source} have "
            f"{source.shape[1]}; both must come from one model"
        )
    write_estimate(
        args,
        f"{args.source} to {args.target}",
        lambda tell: train_coral(source, target, args.regularisation, on_floored=tell),
        f"hardly vary in {args.source} and were floored; give more embeddings, or --regularisation above 0",
    )
    if len(target) <= target.shape[1] and not args.regularisation:
        say(
            f"{args.target}: {len(target)} embeddings span at most {len(target) - 1} of {target.shape[1]} "
            "dimensions, and so will the source's after the map; give more, or --regularisation above 0"
        )
    counts = f"{len(source)} embeddings to the domain of {len(target)}"
    say(f"{args.matrix}: CORAL of {source.shape[1]} dimensions, {counts}")
