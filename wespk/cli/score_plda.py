"""Score trials by the PLDA log-likelihood ratio.

Usage:   wespk score-plda [options] --plda PLDA XVECTOR.SCP TRIALS SCORES
Example: wespk score-plda --mean exp/ecapa/final/mean.vec --plda exp/ecapa/final/plda \\
           exp/ecapa/embeddings/test/xvector.scp data/test/trials exp/ecapa/scores/trials.plda.score

Both sides go through the chain that the PLDA was trained on: mean subtraction, LDA (--mean and --lda, as
given to train-plda), length normalisation. Several enrolment utterances are averaged, raw, and their number
counts in the ratio.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.backend import Plda, normalise_length, plda_scores
from wespk.cli.options import add_trial_inputs
from wespk.cli.scoring import load_sides
from wespk.core.errors import WespkError
from wespk.core.progress import say
from wespk.data.kaldi_objects import read_plda
from wespk.data.trials import write_scores


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_trial_inputs(parser)
    parser.add_argument("--plda", type=Path, required=True, metavar="PLDA", help="model in Kaldi's format")


def run(args: Namespace) -> None:
    """Score and write."""
    plda = Plda(*read_plda(args.plda))
    sides = load_sides(args)
    if sides.test.shape[1] != plda.dim:
        raise WespkError(
            f"{args.plda}: a PLDA of {plda.dim} dimensions, the embeddings have {sides.test.shape[1]}; "
            "give the --mean and --lda that it was trained with"
        )
    enrol, test = (normalise_length(side, "sqrt_dim") for side in (sides.enrol, sides.test))
    trials = sides.trials
    scores = plda_scores(plda, enrol, sides.num_utts, test, trials.enrol_index, trials.test_index)
    write_scores(args.scores, trials, scores)
    say(f"{args.scores}: {len(scores)} PLDA scores")
