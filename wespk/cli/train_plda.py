"""Train a PLDA model, and write it in Kaldi's format.

Usage:   wespk train-plda [options] XVECTOR.SCP UTT2SPK PLDA
Example: wespk train-plda --mean exp/ecapa/final/mean.vec --lda exp/ecapa/final/lda.mat \\
           exp/ecapa/embeddings/train/xvector.scp data/train/utt2spk exp/ecapa/final/plda

The embeddings go through the steps, which end with length normalisation to the root of the number of
dimensions. The model is the two-covariance one, fitted by EM as in Kaldi's ivector-compute-plda.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.backend.plda_training import train_plda
from wespk.cli.options import positive
from wespk.cli.plda_options import add_keep_length, end_with_length
from wespk.cli.scoring import error_of, load_embeddings, speakers_of
from wespk.cli.transforms import add_text, add_transforms, described_steps
from wespk.core.errors import WespkError
from wespk.core.progress import say
from wespk.data.kaldi_objects import write_plda

OUTPUTS = ("plda",)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("embeddings", metavar="XVECTOR.SCP", help="training embeddings")
    parser.add_argument("utt2spk", type=Path, metavar="UTT2SPK", help="their speakers")
    parser.add_argument("plda", type=Path, metavar="PLDA", help="output")
    add_text(parser)
    add_transforms(parser)
    add_keep_length(parser)
    parser.add_argument("--iterations", type=positive, default=10, metavar="N", help="EM iterations (10)")


def run(args: Namespace) -> None:
    """Train and write."""
    end_with_length(args)
    embeddings = load_embeddings(args.embeddings, args)
    labels = speakers_of(embeddings, args.embeddings, args.utt2spk)
    objectives: list[float] = []
    try:
        plda = train_plda(
            embeddings.matrix, labels, args.iterations, lambda iteration, value: objectives.append(value)
        )
    except WespkError as error:
        raise error_of(args.embeddings, error) from None
    write_plda(args.plda, plda.mean, plda.transform, plda.psi, binary=not args.text)
    say(
        f"{args.plda}: PLDA of {plda.dim} dimensions from {len(labels)} embeddings of {len(set(labels))} "
        f"speakers; steps: {described_steps(args)}; {args.iterations} iterations took the log-likelihood of "
        f"an embedding from {objectives[0]:.4f} to {objectives[-1]:.4f} nats"
    )
