"""What the verbs that take a PLDA share: its options, the length that its chain ends with, its scorer."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, _ArgumentGroup
from pathlib import Path

from wespk.backend.plda import Plda
from wespk.backend.scorer import PairScorer, plda_scorer
from wespk.backend.transforms import LengthNorm
from wespk.cli.options import share
from wespk.cli.scoring import Sides, cosine_scorer_of, error_of
from wespk.cli.transforms import load_chain
from wespk.core.errors import WespkError
from wespk.core.files import PathLike
from wespk.data.kaldi_objects import read_plda

LENGTHS = ("expected", "simple", "none")


def add_plda(parser: ArgumentParser, required: bool) -> None:
    """Add --plda and the options of scoring with it."""
    group = parser.add_argument_group("PLDA")
    group.add_argument(
        "--plda", type=Path, required=required, metavar="PLDA", help="score by this model, in Kaldi's format"
    )
    group.add_argument(
        "--plda-length",
        choices=LENGTHS,
        default=LENGTHS[0],
        help="within the model's space, scale to the length that it expects of an average of n utterances "
        "(expected), to the root of the number of dimensions (simple; Kaldi's --simple-length-normalization) "
        "or not at all (none; Kaldi's --normalize-length=false)",
    )
    group.add_argument(
        "--smoothing",
        type=share,
        default=0.0,
        metavar="S",
        help="add S times the between-speaker covariance to the within-speaker one (0; Kaldi's --smoothing)",
    )
    add_keep_length(group)


def add_keep_length(parser: ArgumentParser | _ArgumentGroup) -> None:
    """Add --keep-length."""
    parser.add_argument(
        "--keep-length",
        action="store_true",
        help="leave out the length normalisation that ends the steps otherwise",
    )


def end_with_length(args: Namespace) -> None:
    """Add `--length sqrt-dim` to the steps unless they end in a length already, or --keep-length is there."""
    if args.keep_length:
        if getattr(args, "average", "raw") != "raw":
            raise WespkError("--average length-normalised gives models of length 1; leave --keep-length away")
        return
    if not _ends_with_length(args):
        args.transforms = (*args.transforms, ("length", "sqrt-dim"))


def _ends_with_length(args: Namespace) -> bool:
    if not args.transforms:
        return False
    option, value = args.transforms[-1]
    if option != "chain":
        return option == "length"
    steps = load_chain(value).steps
    return bool(steps) and isinstance(steps[-1], LengthNorm)


def load_plda(path: PathLike, dim: int, source: PathLike, smoothing: float = 0.0) -> Plda:
    """Read a PLDA for embeddings of `dim` dimensions, those of `source` after all steps."""
    parts = read_plda(path)
    try:
        plda = Plda(*parts)
    except WespkError as error:  # NaN, or a negative variance
        raise error_of(path, error) from None
    if plda.dim != dim:
        raise WespkError(
            f"{path}: a PLDA of {plda.dim} dimensions, and the embeddings of {source} have {dim} after all "
            "steps; give the --mean, --lda or --chain that it was trained with"
        )
    return plda.smoothed(smoothing) if smoothing else plda


def scorer_of(args: Namespace, sides: Sides) -> PairScorer:
    """Return the scorer of both sides: PLDA where --plda is given, else the cosine."""
    if args.plda is not None:
        return plda_scorer_of(args, sides)
    if args.smoothing or args.plda_length != LENGTHS[0] or args.keep_length:
        raise WespkError("--smoothing, --plda-length and --keep-length are for --plda PLDA; give it")
    return cosine_scorer_of(args, sides)


def plda_scorer_of(args: Namespace, sides: Sides) -> PairScorer:
    """Return the scorer of log-likelihood ratios by the model --plda."""
    plda = load_plda(args.plda, sides.test.shape[1], args.embeddings, args.smoothing)
    scaled, simple = args.plda_length != "none", args.plda_length == "simple"
    try:
        return plda_scorer(plda, sides.enrol, sides.num_utts, sides.test, scaled, simple)
    except WespkError as error:
        raise error_of(args.embeddings, error) from None


def described_scorer(args: Namespace) -> str:
    """Return in words what `scorer_of` scores by."""
    if args.plda is None:
        return "cosine"
    smoothing = f", smoothing {args.smoothing:g}" if args.smoothing else ""
    return f"PLDA {args.plda}, length {args.plda_length}{smoothing}"
