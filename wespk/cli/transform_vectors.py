"""Apply transforms to embeddings, write them as a table, and save the chain of transforms.

Usage:   wespk transform-vectors [options] XVECTOR.SCP OUT
Example: cd exp/ecapa
         wespk transform-vectors --mean final/mean.vec --lda final/lda.mat --length sqrt-dim \\
           --save-chain final/chain.json embeddings/test/xvector.scp transformed/test
         wespk transform-vectors --chain final/chain.json embeddings/dev/xvector.scp dev.scp

OUT is a folder (which gets xvector.scp and xvector.ark), FILE.scp (with FILE.ark beside it), FILE.ark, or a
wspecifier of Kaldi's. A chain holds what is done to every embedding: runs of affine steps made into one
matrix, and length normalisations. The means of domains are no part of it.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.cli.transforms import (
    add_text,
    add_transforms,
    chain_of,
    described_chain,
    described_steps,
    save_chain,
    tell,
    transform,
)
from wespk.core.errors import WespkError
from wespk.data.vector_tables import read_vector_table, target_name, vector_target, write_vectors

OUTPUTS = ("out", "save_chain")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("embeddings", metavar="XVECTOR.SCP", help="embeddings")
    parser.add_argument("out", metavar="OUT", help="output")
    parser.add_argument(
        "--save-chain", type=Path, metavar="JSON", help="write the steps here, with their matrices beside it"
    )
    add_text(parser)
    add_transforms(parser)


def run(args: Namespace) -> None:
    """Transform and write."""
    if args.save_chain is not None and args.domain_means is not None:
        raise WespkError(
            "--save-chain: means of domains depend on the utterance and cannot be saved in a chain; save it "
            "with the --mean of the one domain that it is for"
        )
    keys, rows = read_vector_table(args.embeddings)
    mapped = transform(args, keys, rows, args.embeddings)
    target = vector_target(args.out, args.text)
    if args.save_chain is not None:
        chain = chain_of(args, rows.shape[1], args.embeddings).composed()
        save_chain(args.save_chain, chain)
        tell(target, f"{args.save_chain}: {described_chain(chain)}")
    write_vectors(target, keys, mapped)
    size = f"{rows.shape[1]} to {mapped.shape[1]} dimensions"
    tell(target, f"{target_name(target)}: {len(keys)} embeddings, {size}; steps: {described_steps(args)}")
