"""Compute filterbank features of a data directory, as Kaldi's compute-fbank-feats does.

Usage:   wespk compute-fbank [options] DATA
Example: wespk compute-fbank --config conf/fbank.conf --nj 4 data/train
         tools/slurm.py JOB=1:40 data/train/log/fbank.JOB.log \\
           wespk compute-fbank --config conf/fbank.conf --job JOB/40 data/train
         wespk merge-jobs data/train feats

The options have Kaldi's names and defaults. A job that is complete and whose inputs have not changed is not
done again. Utterances that cannot be used are listed with the reason in DATA/rejected.txt.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from wespk.cli.computing import add_feature_arguments, compute

KIND = "fbank"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_feature_arguments(parser, KIND)


def run(args: Namespace) -> None:
    """Compute, and print the rate."""
    compute(args, KIND)
