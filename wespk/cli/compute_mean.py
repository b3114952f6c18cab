"""Compute the mean of embeddings, as a Kaldi vector, or the mean of each domain, as a table of vectors.

Usage:   wespk compute-mean [options] XVECTOR.SCP VEC
         wespk compute-mean --utt2domain MAP [options] XVECTOR.SCP TABLE
Example: wespk compute-mean exp/ecapa/embeddings/train/xvector.scp exp/ecapa/final/mean.vec
         wespk compute-mean --utt2domain data/train/utt2device exp/ecapa/embeddings/train/xvector.scp \\
           exp/ecapa/final/device_means.ark

TABLE is FILE.ark, FILE.scp (with FILE.ark beside it) or a folder. Other verbs take the vector by --mean, and
the table by --domain-means together with their --utt2domain. Transforms, as far as given, come before.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from wespk.backend import average_per_model, mean_embedding
from wespk.cli.transforms import add_text, add_transforms, apply_chain, domains_of, tell
from wespk.core.progress import say
from wespk.data.kaldi_objects import write_vector
from wespk.data.vector_tables import read_vector_table, target_name, vector_target, write_vectors

OUTPUTS = ("mean",)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("embeddings", metavar="XVECTOR.SCP", help="embeddings")
    parser.add_argument("mean", metavar="VEC|TABLE", help="output")
    parser.add_argument(
        "--utt2domain", type=Path, metavar="MAP", help="lines `utt-id domain`: one mean of each domain"
    )
    add_text(parser)
    add_transforms(parser, domains=False)


def run(args: Namespace) -> None:
    """Compute and write the mean, or the means."""
    keys, vectors = read_vector_table(args.embeddings)
    rows = apply_chain(args, keys, vectors, args.embeddings)
    size = f"{len(keys)} embeddings of {rows.shape[1]} dimensions"
    if args.utt2domain is None:
        write_vector(args.mean, mean_embedding(rows).astype("float32"), binary=not args.text)
        say(f"{args.mean}: mean of {size}")
        return
    domains, index = np.unique(domains_of(keys, args.embeddings, args.utt2domain), return_inverse=True)
    means, counts = average_per_model(rows, index, len(domains))
    target = vector_target(args.mean, args.text)
    write_vectors(target, domains.tolist(), means)
    shares = ", ".join(f"{name} {count}" for name, count in zip(domains, counts, strict=True))
    tell(target, f"{target_name(target)}: means of {len(domains)} domains, {size} ({shares})")
