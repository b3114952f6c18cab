"""Average the weights of the last epochs of a training run into a model directory.

Usage:   wespk average-models [options] EXP MODEL
Example: wespk average-models --last 5 exp/ecapa exp/ecapa/final
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.cli.options import positive


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("exp", type=Path, metavar="EXP", help="folder of a finished training run")
    parser.add_argument("model", type=Path, metavar="MODEL", help="model directory to write")
    parser.add_argument(
        "--last", type=positive, default=5, metavar="N", help="how many epochs to average (5)"
    )


def run(args: Namespace) -> None:
    """Average and write."""
    from wespk.train.run import average_models

    average_models(args.exp, args.model, args.last)
