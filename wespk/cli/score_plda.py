"""Score trials by the PLDA log-likelihood ratio (natural logarithm).

Usage:   wespk score-plda [options] --plda PLDA XVECTOR.SCP TRIALS SCORES
Example: wespk score-plda --mean exp/ecapa/final/mean.vec --lda exp/ecapa/final/lda.mat \\
           --plda exp/ecapa/final/plda --enrol data/test/enrol \\
           exp/ecapa/embeddings/test/xvector.scp data/test/trials exp/ecapa/scores/test.plda.score

Both sides go through the steps that the PLDA was trained on: give the options of train-plda. They end with
length normalisation to the root of the number of dimensions. The number of enrolment utterances of a model
counts in the ratio. Scores are those of Kaldi's ivector-plda-scoring with --num-utts.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from wespk.cli.plda_options import add_plda, described_scorer, end_with_length, plda_scorer_of
from wespk.cli.scoring import add_trial_inputs, load_sides, score_list

OUTPUTS = ("scores",)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    add_trial_inputs(parser)
    add_plda(parser, required=True)


def run(args: Namespace) -> None:
    """Score and write."""
    end_with_length(args)
    sides = load_sides(args)
    score_list(args, sides, plda_scorer_of(args, sides), described_scorer(args))
