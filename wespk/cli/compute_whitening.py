"""Compute a whitening of embeddings, and write its affine matrix in Kaldi's format.

Usage:   wespk compute-whitening [options] XVECTOR.SCP MAT
Example: wespk compute-whitening exp/ecapa/embeddings/train/xvector.scp exp/ecapa/final/whitening.mat
         wespk compute-whitening --kind pca --dim 100 exp/ecapa/embeddings/train/xvector.scp \\
           exp/ecapa/final/whitening.mat

Afterwards the embeddings have mean 0 and the identity as covariance: the mean need not be subtracted before.
Other verbs take the matrix by --matrix. Transforms, as far as given, come before the estimate.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.backend import train_whitening
from wespk.cli.estimates import write_estimate
from wespk.cli.options import positive
from wespk.cli.scoring import load_embeddings
from wespk.cli.transforms import add_text, add_transforms
from wespk.core.progress import say

OUTPUTS = ("matrix",)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("embeddings", metavar="XVECTOR.SCP", help="embeddings")
    parser.add_argument("matrix", type=Path, metavar="MAT", help="output")
    parser.add_argument(
        "--kind",
        choices=["zca", "pca"],
        default="zca",
        help="zca moves embeddings least; pca turns them to the axes of most variance (zca)",
    )
    parser.add_argument("--dim", type=positive, metavar="N", help="dimensions to keep, with pca (all)")
    add_text(parser)
    add_transforms(parser)


def run(args: Namespace) -> None:
    """Estimate and write; directions without enough variance to whiten are told of."""
    rows = load_embeddings(args.embeddings, args).matrix
    matrix = write_estimate(
        args,
        args.embeddings,
        lambda tell: train_whitening(rows, args.kind, args.dim, on_floored=tell),
        "hardly vary and were floored; give more embeddings, or keep fewer dimensions by --kind pca --dim N",
    )
    size = f"{rows.shape[1]} to {len(matrix)} dimensions"
    say(f"{args.matrix}: {args.kind} whitening, {size}, {len(rows)} embeddings")
