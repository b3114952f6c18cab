"""Adapt a PLDA model to another domain, and write it in Kaldi's format.

Usage:   wespk adapt-plda [options] PLDA XVECTOR.SCP OUT
Example: wespk adapt-plda --mean exp/ecapa/final/mean.vec --lda exp/ecapa/final/lda.mat \\
           exp/ecapa/final/plda exp/ecapa/embeddings/dev/xvector.scp exp/ecapa/final/plda_adapted

XVECTOR.SCP holds embeddings of the new domain; they go through the steps that PLDA was trained on (give the
options of train-plda). The methods:

unsupervised  without labels: directions in which the embeddings vary more than PLDA expects get more
              variance, as in Kaldi's ivector-adapt-plda (its sre16 recipe: --within-covar-scale 0.75
              --between-covar-scale 0.25)
coral-plus    without labels: both covariances are aligned with the new domain where that enlarges them
interpolate   with --utt2spk: a PLDA is trained on the new domain, and both models' covariances are averaged

OUT.json records the method and its settings.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import numpy as np

from wespk.backend.plda import Plda
from wespk.backend.plda_adaptation import adapt_plda, adapt_plda_coral, interpolate_plda
from wespk.backend.plda_training import train_plda
from wespk.cli.options import limit, positive, share
from wespk.cli.plda_options import add_keep_length, end_with_length, load_plda
from wespk.cli.scoring import error_of, load_embeddings, speakers_of
from wespk.cli.transforms import add_text, add_transforms, described_steps
from wespk.core.errors import WespkError
from wespk.core.files import write_json
from wespk.core.progress import say
from wespk.data.kaldi_objects import write_plda

# The settings of each method, and what they are unless they are given.
METHODS: dict[str, dict[str, Any]] = {
    "unsupervised": {"within_covar_scale": 0.3, "between_covar_scale": 0.7, "mean_diff_scale": 1.0},
    "coral-plus": {"within_covar_scale": 0.8, "between_covar_scale": 0.8},
    "interpolate": {"utt2spk": None, "weight": 0.5, "iterations": 10},
}
OUTPUTS = ("out",)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("plda", type=Path, metavar="PLDA", help="model to adapt, in Kaldi's format")
    parser.add_argument("embeddings", metavar="XVECTOR.SCP", help="embeddings of the new domain")
    parser.add_argument("out", type=Path, metavar="OUT", help="output")
    parser.add_argument("--method", choices=tuple(METHODS), default="unsupervised", help="(unsupervised)")
    add_text(parser)
    add_transforms(parser)
    add_keep_length(parser)
    parser.add_argument(
        "--within-covar-scale",
        type=limit,
        metavar="W",
        help="share of the excess variance that goes within speakers (0.3; coral-plus 0.8)",
    )
    parser.add_argument(
        "--between-covar-scale", type=limit, metavar="B", help="and between speakers (0.7; coral-plus 0.8)"
    )
    parser.add_argument(
        "--mean-diff-scale",
        type=limit,
        metavar="M",
        help="weight of the shift of the mean in the new domain's variance (1; unsupervised)",
    )
    parser.add_argument("--utt2spk", metavar="FILE", help="speakers, for interpolate")
    parser.add_argument(
        "--weight", type=share, metavar="A", help="of the new domain's model (0.5; interpolate)"
    )
    parser.add_argument("--iterations", type=positive, metavar="N", help="EM iterations (10; interpolate)")


def run(args: Namespace) -> None:
    """Adapt and write."""
    settings = _settings(args)
    end_with_length(args)
    embeddings = load_embeddings(args.embeddings, args)
    plda = load_plda(args.plda, embeddings.matrix.shape[1], args.embeddings)
    labels = speakers_of(embeddings, args.embeddings, args.utt2spk) if args.utt2spk else None
    try:
        adapted = _adapt(plda, embeddings.matrix, labels, settings)
    except WespkError as error:
        raise error_of(args.embeddings, error) from None
    write_plda(args.out, adapted.mean, adapted.transform, adapted.psi, binary=not args.text)
    steps = described_steps(args)
    write_json(
        f"{args.out}.json",
        {
            "method": args.method,
            "settings": settings,
            "plda": str(args.plda),
            "embeddings": str(args.embeddings),
            "num_embeddings": len(embeddings.keys),
            "steps": steps,
        },
    )
    shown = ", ".join(f"{name.replace('_', '-')} {value}" for name, value in settings.items())
    say(
        f"{args.out}: {args.plda} adapted to {len(embeddings.keys)} embeddings, {args.method} ({shown}); "
        f"steps: {steps}; mean psi {plda.psi.mean():.4g} -> {adapted.psi.mean():.4g}"
    )


def _settings(args: Namespace) -> dict[str, Any]:
    """Return the settings of the method; one of another method is an error."""
    own = METHODS[args.method]
    for name in {name for each in METHODS.values() for name in each}:
        if getattr(args, name) is not None and name not in own:
            takers = " and ".join(method for method, each in METHODS.items() if name in each)
            raise WespkError(f"--{name.replace('_', '-')} is for {takers}, not for {args.method}")
    if args.method == "interpolate" and args.utt2spk is None:
        raise WespkError("interpolate needs --utt2spk FILE, which tells the speakers of the embeddings")
    given = {name: getattr(args, name) for name in own}
    return {name: own[name] if value is None else value for name, value in given.items()}


def _adapt(plda: Plda, rows: np.ndarray, labels: np.ndarray | None, settings: dict[str, Any]) -> Plda:
    """Adapt by the method whose settings these are."""
    if labels is not None:
        in_domain = train_plda(rows, labels, settings["iterations"])
        return interpolate_plda(in_domain, plda, settings["weight"])
    scales = settings["within_covar_scale"], settings["between_covar_scale"]
    if "mean_diff_scale" in settings:
        return adapt_plda(plda, rows, *scales, settings["mean_diff_scale"])
    return adapt_plda_coral(plda, rows, *scales)
