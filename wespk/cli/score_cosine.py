"""Score trials by the cosine of the two embeddings, after mean subtraction and LDA if they are given.

Usage:   wespk score-cosine [options] XVECTOR.SCP TRIALS SCORES
Example: wespk score-cosine --mean exp/ecapa/final/mean.vec exp/ecapa/embeddings/test/xvector.scp \\
           data/test/trials exp/ecapa/scores/trials.cosine_mean.score

Several enrolment utterances are averaged, raw.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from wespk.backend import cosine_scores
from wespk.cli.options import add_trial_inputs
from wespk.cli.scoring import load_sides
from wespk.core.progress import say
from wespk.data.trials import write_scores


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_trial_inputs(parser)


def run(args: Namespace) -> None:
    """Score and write."""
    sides = load_sides(args)
    scores = cosine_scores(sides.enrol, sides.test, sides.trials.enrol_index, sides.trials.test_index)
    write_scores(args.scores, sides.trials, scores)
    say(f"{args.scores}: {len(scores)} cosine scores")
