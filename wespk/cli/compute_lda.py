"""Compute LDA of embeddings, and write its affine matrix in Kaldi's format.

Usage:   wespk compute-lda [options] --dim N XVECTOR.SCP UTT2SPK LDA.MAT
Example: wespk compute-lda --dim 150 --mean exp/ecapa/final/mean.vec \\
           exp/ecapa/embeddings/train/xvector.scp data/train/utt2spk exp/ecapa/final/lda.mat

Other verbs take it by --lda, after the same transforms as are given here. The estimate is that of Kaldi's
ivector-compute-lda; --total-covariance-factor above 0 helps where speakers have few utterances.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.backend import train_lda
from wespk.cli.estimates import write_estimate
from wespk.cli.options import positive, share
from wespk.cli.scoring import load_embeddings, speakers_of
from wespk.cli.transforms import add_text, add_transforms
from wespk.core.progress import say

OUTPUTS = ("matrix",)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("embeddings", metavar="XVECTOR.SCP", help="training embeddings")
    parser.add_argument("utt2spk", type=Path, metavar="UTT2SPK", help="their speakers")
    parser.add_argument("matrix", type=Path, metavar="LDA.MAT", help="output")
    parser.add_argument("--dim", type=positive, required=True, metavar="N", help="dimensions to keep")
    parser.add_argument(
        "--total-covariance-factor",
        type=share,
        default=0.0,
        metavar="F",
        help="whiten (1 - F) within-speaker + F total covariance (0)",
    )
    add_text(parser)
    add_transforms(parser)


def run(args: Namespace) -> None:
    """Estimate and write; directions without enough variance to whiten are told of."""
    embeddings = load_embeddings(args.embeddings, args)
    labels = speakers_of(embeddings, args.embeddings, args.utt2spk)
    write_estimate(
        args,
        args.embeddings,
        lambda tell: train_lda(
            embeddings.matrix, labels, args.dim, args.total_covariance_factor, on_floored=tell
        ),
        "hardly vary within speakers and were floored; give more utterances a speaker, or "
        "--total-covariance-factor 0.1",
    )
    size = f"{embeddings.matrix.shape[1]} to {args.dim} dimensions"
    say(f"{args.matrix}: {size}, {len(labels)} embeddings of {len(set(labels))} speakers")
