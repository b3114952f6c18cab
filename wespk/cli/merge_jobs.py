"""Join the archives that N jobs wrote, and account for every item.

Usage:   wespk merge-jobs [options] DIR NAME
Example: wespk merge-jobs data/train feats
         wespk merge-jobs exp/ecapa/embeddings/test xvector

Writes DIR/NAME.scp, DIR/NAME.json (how it was made) and DIR/rejected.txt.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.cli.options import add_max_rejected
from wespk.core.progress import say
from wespk.data.jobs import merge_jobs


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("dir", type=Path, metavar="DIR", help="the folder that has the jobs' pieces in jobs/")
    parser.add_argument("name", metavar="NAME", help="feats or xvector")
    add_max_rejected(parser, 0.01)


def run(args: Namespace) -> None:
    """Merge and print the count."""
    say(merge_jobs(args.dir, args.name, args.max_rejected))
