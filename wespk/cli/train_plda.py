"""Train a PLDA model on length-normalised embeddings, and write it in Kaldi's format.

Usage:   wespk train-plda [options] XVECTOR.SCP UTT2SPK PLDA
Example: wespk train-plda --mean exp/ecapa/final/mean.vec exp/ecapa/embeddings/train/xvector.scp \\
           data/train/utt2spk exp/ecapa/final/plda

The embeddings go through mean subtraction, LDA (--mean and --lda, as far as given) and length normalisation.
The model is the two-covariance one, fitted by EM as in Kaldi's ivector-compute-plda.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.backend import normalise_length, train_plda
from wespk.cli.options import add_lda, add_mean, positive
from wespk.cli.scoring import load_embeddings, speakers_of
from wespk.core.progress import say
from wespk.data.kaldi_objects import write_plda


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("embeddings", type=Path, metavar="XVECTOR.SCP", help="training embeddings")
    parser.add_argument("utt2spk", type=Path, metavar="UTT2SPK", help="their speakers")
    parser.add_argument("plda", type=Path, metavar="PLDA", help="output")
    add_mean(parser)
    add_lda(parser)
    parser.add_argument("--iterations", type=positive, default=10, metavar="N", help="EM iterations (10)")


def run(args: Namespace) -> None:
    """Train and write."""
    embeddings = load_embeddings(args.embeddings, args.mean, args.lda)
    labels = speakers_of(embeddings, args.embeddings, args.utt2spk)
    plda = train_plda(normalise_length(embeddings.matrix, "sqrt_dim"), labels, iterations=args.iterations)
    write_plda(args.plda, plda.mean, plda.transform, plda.psi)
    say(f"{args.plda}: {len(labels)} embeddings of {len(set(labels))} speakers, {args.iterations} iterations")
