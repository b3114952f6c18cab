"""Compute within-class covariance normalisation of embeddings, and write its matrix in Kaldi's format.

Usage:   wespk compute-wccn [options] XVECTOR.SCP UTT2SPK MAT
Example: wespk compute-wccn --mean exp/ecapa/final/mean.vec --lda exp/ecapa/final/lda.mat --length unit \\
           exp/ecapa/embeddings/train/xvector.scp data/train/utt2spk exp/ecapa/final/wccn.mat

Afterwards the covariance within speakers, pooled over all of them, is the identity; nothing is centred. Other
verbs take the matrix by --matrix, after the same transforms as are given here.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.backend import train_wccn
from wespk.cli.estimates import write_estimate
from wespk.cli.options import share
from wespk.cli.scoring import load_embeddings, speakers_of
from wespk.cli.transforms import add_text, add_transforms
from wespk.core.progress import say

OUTPUTS = ("matrix",)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("embeddings", metavar="XVECTOR.SCP", help="training embeddings")
    parser.add_argument("utt2spk", type=Path, metavar="UTT2SPK", help="their speakers")
    parser.add_argument("matrix", type=Path, metavar="MAT", help="output")
    parser.add_argument(
        "--smoothing",
        type=share,
        default=0.0,
        metavar="S",
        help="take (1 - S) of the covariance and S of the identity times its mean variance (0)",
    )
    add_text(parser)
    add_transforms(parser)


def run(args: Namespace) -> None:
    """Estimate and write; directions without enough variance are told of."""
    embeddings = load_embeddings(args.embeddings, args)
    labels = speakers_of(embeddings, args.embeddings, args.utt2spk)
    write_estimate(
        args,
        args.embeddings,
        lambda tell: train_wccn(embeddings.matrix, labels, args.smoothing, on_floored=tell),
        "hardly vary within speakers and were floored; give more utterances a speaker, or --smoothing 0.1",
    )
    size = f"{embeddings.matrix.shape[1]} dimensions"
    say(f"{args.matrix}: WCCN of {size}, {len(labels)} embeddings of {len(set(labels))} speakers")
