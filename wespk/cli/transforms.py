"""The options by which a verb takes transforms of embeddings, and their application. For verbs:

add_transforms(parser)                        the options of the steps, and --domain-means with --utt2domain
rows = transform(args, keys, rows, source)    all that they ask for, (N, D) -> (N, d)

or, where utterances are averaged between the two (only utterances have a domain, whose mean goes first):

rows = subtract_domain_means(args, keys, rows, source)
rows = apply_chain(args, keys, rows, source)  the steps in the order of the command line, row by row

`source` is what errors call the embeddings. `chain_of(args, dim, source)` is the chain itself.
"""

from __future__ import annotations

import sys
from argparse import SUPPRESS, Action, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wespk.backend.transforms import LENGTHS, Affine, Chain, LengthNorm
from wespk.core.errors import WespkError
from wespk.core.files import PathLike
from wespk.data.chain_files import read_chain, write_chain
from wespk.data.kaldi_objects import read_matrix, read_vector
from wespk.data.specifiers import STANDARD, Target
from wespk.data.tables import read_table
from wespk.data.vector_tables import read_vector_table


def add_transforms(parser: ArgumentParser, domains: bool = True) -> None:
    """Add the options of the steps, and with `domains` those of the means of domains."""
    group = parser.add_argument_group("transforms, applied in the order in which they stand")
    group.add_argument(
        "--mean",
        action=_Step,
        type=Path,
        metavar="VEC",
        help="subtract this vector of `wespk compute-mean`",
    )
    group.add_argument(
        "--lda",
        "--matrix",
        action=_Step,
        type=Path,
        metavar="MAT",
        help="map by this Kaldi matrix of D or D + 1 columns: LDA, whitening, WCCN, CORAL",
    )
    group.add_argument(
        "--length",
        action=_Step,
        choices=[name.replace("_", "-") for name in LENGTHS],
        help="scale to length 1, or to the root of the number of dimensions as Kaldi does",
    )
    group.add_argument(
        "--chain",
        action=_Step,
        type=Path,
        metavar="JSON",
        help="the steps saved by `wespk transform-vectors`",
    )
    parser.set_defaults(transforms=(), domain_means=None)
    if domains:
        group.add_argument(
            "--domain-means",
            metavar="TABLE",
            help="subtract from each utterance the mean of its domain first, before all steps",
        )
        group.add_argument(
            "--utt2domain", type=Path, metavar="MAP", help="lines `utt-id domain`, for --domain-means"
        )


def add_text(parser: ArgumentParser) -> None:
    """Add --text."""
    parser.add_argument("--text", action="store_true", help="write Kaldi's text form, not the binary one")


def tell(target: Target, text: str) -> None:
    """Print a line for the user; on the standard error where the standard output is the table."""
    print(text, file=sys.stderr if target.ark == STANDARD else sys.stdout, flush=True)


def transform(args: Namespace, keys: Sequence[str], rows: np.ndarray, source: PathLike) -> np.ndarray:
    """Return the embeddings (N, D) of the utterances `keys` after all that the options ask for, (N, d)."""
    return apply_chain(args, keys, subtract_domain_means(args, keys, rows, source), source)


def subtract_domain_means(
    args: Namespace, keys: Sequence[str], rows: np.ndarray, source: PathLike
) -> np.ndarray:
    """Subtract the mean of its domain from each row, if --domain-means asks for it.

    Raises `WespkError` for an utterance without domain and a domain without mean, naming them.
    """
    if args.domain_means is None:
        if getattr(args, "utt2domain", None) is not None:
            raise WespkError("--utt2domain is for --domain-means TABLE; give both or neither")
        return rows
    if args.utt2domain is None:
        raise WespkError("--domain-means needs --utt2domain MAP, which tells the domain of each utterance")
    names, means = read_vector_table(args.domain_means)
    domains = domains_of(keys, source, args.utt2domain)
    place = {name: index for index, name in enumerate(names)}
    unknown = [(key, domain) for key, domain in zip(keys, domains, strict=True) if domain not in place]
    if unknown:
        key, domain = unknown[0]
        raise WespkError(
            f"{args.domain_means}: no mean of domain '{domain}', of which '{key}' is ({len(unknown)} so); "
            "compute it by `wespk compute-mean --utt2domain`"
        )
    if means.shape[1] != rows.shape[1]:
        raise WespkError(
            f"{args.domain_means}: means of {means.shape[1]} dimensions, and the embeddings of {source} have "
            f"{rows.shape[1]}; compute them on embeddings of the same model"
        )
    return rows - means.astype(rows.dtype)[[place[domain] for domain in domains]]


def domains_of(keys: Sequence[str], source: PathLike, utt2domain: PathLike) -> list[str]:
    """Return the domain of each key. One without domain is an error that names it."""
    table = read_table(utt2domain)
    unknown = [key for key in keys if key not in table]
    if unknown:
        raise WespkError(f"{utt2domain}: '{unknown[0]}' of {source} has no domain ({len(unknown)} so)")
    return [table[key] for key in keys]


def apply_chain(args: Namespace, keys: Sequence[str], rows: np.ndarray, source: PathLike) -> np.ndarray:
    """Return the rows (N, D) after the steps of the command line, (N, d), in the rows' own precision."""
    for step in chain_of(args, rows.shape[1], source).composed().steps:
        if isinstance(step, LengthNorm):
            zero = np.flatnonzero(~rows.any(axis=1))
            if len(zero):
                raise WespkError(
                    f"{source}: '{keys[zero[0]]}' is a zero vector where its length is normalised "
                    f"({len(zero)} of {len(rows)} are); extract it again or leave it out"
                )
        try:
            rows = step.apply(rows)
        except WespkError as error:
            raise WespkError(f"{source}: {error}") from None
    return rows


def chain_of(args: Namespace, dim: int, source: PathLike) -> Chain:
    """Return the steps of the command line for embeddings of `dim` dimensions, those of `source`.

    Raises `WespkError` naming the file that does not fit what comes before it.
    """
    chain, before = Chain(), f"of {source}"  # and what came before a step, for its errors
    for option, value in args.transforms:
        found = _READERS[option](value, dim, before)
        chain = chain.then(found)
        dim = next((s.output_dim for s in reversed(found.steps) if isinstance(s, Affine)), dim)
        before = f"of {source} after {value}"
    return chain


def described_steps(args: Namespace) -> str:
    """Return the steps in words, such as `domain means, mean.vec, lda.mat, length unit`; `none`."""
    words = ["domain means"] if args.domain_means is not None else []
    words += [
        f"length {value}" if option == "length" else Path(value).name for option, value in args.transforms
    ]
    return ", ".join(words) or "none"


def described_chain(chain: Chain) -> str:
    """Return a chain in words, such as `matrix 150 x 193, length sqrt-dim`; `nothing`."""
    words = [
        f"matrix {step.output_dim} x {step.input_dim + 1}"
        if isinstance(step, Affine)
        else f"length {step.length.replace('_', '-')}"
        for step in chain.steps
    ]
    return ", ".join(words) or "nothing"


def save_chain(path: PathLike, chain: Chain) -> None:
    """Write a chain as JSON, with the matrices of its affine steps beside it as Kaldi's."""
    write_chain(path, chain.parts)


def load_chain(path: PathLike) -> Chain:
    """Read what `save_chain` wrote. Raises `WespkError` naming the file that is missing or does not fit."""
    parts = read_chain(path)
    try:
        return Chain.of(parts)
    except WespkError as error:
        raise WespkError(f"{path}: {error}") from None


class _Step(Action):
    """Appends (option, value) to `transforms`, so that the order of the command line is kept."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "default": SUPPRESS})  # no attribute but `transforms`

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Any, option_string: str | None = None
    ) -> None:
        namespace.transforms = (*namespace.transforms, (self.dest, values))


def _mean(path: Path, dim: int, before: str) -> Chain:
    vector = read_vector(path)
    if len(vector) != dim:
        raise WespkError(
            f"{path}: is a vector of {len(vector)}, and the embeddings {before} have {dim} dimensions; "
            "compute the mean on embeddings of the same model, at the same place of the chain"
        )
    return _named(path, lambda: Affine.subtracting(vector))


def _matrix(path: Path, dim: int, before: str) -> Chain:
    matrix = read_matrix(path)
    if matrix.shape[1] not in (dim, dim + 1):
        raise WespkError(
            f"{path}: is {matrix.shape[0]} x {matrix.shape[1]}, and the {dim} dimensions {before} need "
            f"{dim + 1} columns ({dim} without offset); train it on embeddings of the same model"
        )
    return _named(path, lambda: Affine.taking(dim, matrix))


def _length(name: str, dim: int, before: str) -> Chain:
    return Chain((LengthNorm("unit" if name == "unit" else "sqrt_dim"),))


def _chain(path: Path, dim: int, before: str) -> Chain:
    chain = load_chain(path)
    if chain.input_dim not in (None, dim):
        raise WespkError(
            f"{path}: takes {chain.input_dim} dimensions, and the embeddings {before} have {dim}; "
            "it belongs to another model"
        )
    return chain


def _named(path: Path, make: Callable[[], Affine]) -> Chain:
    try:
        return Chain((make(),))
    except WespkError as error:  # NaN in the file
        raise WespkError(f"{path}: {error}") from None


_READERS: dict[str, Callable[[Any, int, str], Chain]] = {
    "mean": _mean,
    "lda": _matrix,
    "length": _length,
    "chain": _chain,
}
