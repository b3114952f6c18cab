"""Score trials by the cosine of the two embeddings, after the steps that the options ask for.

Usage:   wespk score-cosine [options] XVECTOR.SCP TRIALS SCORES
Example: wespk score-cosine --enrol data/test/enrol --mean exp/ecapa/final/mean.vec \\
           exp/ecapa/embeddings/test/xvector.scp data/test/trials exp/ecapa/scores/test.cosine_mean.score

SCORES has a line `enrol-id test-id score` for each trial, in their order. Trials are read and written in
blocks: memory holds the embeddings and not the trials.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from wespk.cli.scoring import add_trial_inputs, cosine_scorer_of, load_sides, score_list

OUTPUTS = ("scores",)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_trial_inputs(parser, counts=False)


def run(args: Namespace) -> None:
    """Score and write."""
    sides = load_sides(args)
    score_list(args, sides, cosine_scorer_of(args, sides), "cosine")
