"""Compute the mean of embeddings, as a Kaldi vector.

Usage:   wespk compute-mean XVECTOR.SCP VEC
Example: wespk compute-mean exp/ecapa/embeddings/train/xvector.scp exp/ecapa/final/mean.vec
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.backend import mean_embedding
from wespk.core.progress import say
from wespk.data.archives import read_vectors
from wespk.data.kaldi_objects import write_vector


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("embeddings", type=Path, metavar="XVECTOR.SCP", help="embeddings")
    parser.add_argument("mean", type=Path, metavar="VEC", help="output")


def run(args: Namespace) -> None:
    """Compute and write the mean."""
    keys, vectors = read_vectors(args.embeddings)
    write_vector(args.mean, mean_embedding(vectors).astype("float32"))
    say(f"{args.mean}: mean of {len(keys)} embeddings of {vectors.shape[1]} dimensions")
