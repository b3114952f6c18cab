"""The cohort of score normalisation: its options, and its embeddings after all steps."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wespk.backend.embeddings import average_per_model
from wespk.backend.score_norm import CohortStatistics, Side, cohort_statistics
from wespk.backend.scorer import PairScorer
from wespk.cli.scoring import Embeddings, error_of, refuse_zero, speakers_of
from wespk.cli.transforms import apply_chain, subtract_domain_means
from wespk.core.errors import WespkError
from wespk.data.vector_tables import read_vector_table


@dataclass(frozen=True, eq=False)
class Cohort:
    """Embeddings (C, D) of other speakers, the row of each by `place`, and how many utterances each is of.

    `record` says in a result how the cohort came about.
    """

    place: dict[str, int]
    matrix: np.ndarray
    num_utts: np.ndarray
    record: dict[str, Any]

    def __str__(self) -> str:
        left_out = self.record["excluded"]
        excluded = f" ({left_out} utterances of the trials' speakers excluded)" if left_out else ""
        return f"a cohort of {len(self.matrix)} {self.record['kind']}{excluded}"


def add_cohort(parser: ArgumentParser, required: bool) -> None:
    """Add the options that say what the cohort is."""
    group = parser.add_argument_group("cohort")
    group.add_argument(
        "--cohort", required=required, metavar="SCP", help="embeddings of speakers that are in no trial"
    )
    group.add_argument(
        "--cohort-utt2spk", metavar="UTT2SPK", help="average them by speaker (raw, before all steps)"
    )
    group.add_argument(
        "--exclude-overlap",
        action="store_true",
        help="leave out of the cohort what occurs in the trials: utterances, with --cohort-utt2spk their "
        "speakers; without this option it is an error",
    )


def cohort_statistics_of(
    args: Namespace, scorer: PairScorer, side: Side, top_k: int | None, names: Sequence[str]
) -> CohortStatistics:
    """Return `cohort_statistics`; its errors name the cohort's file."""
    try:
        return cohort_statistics(scorer, side, top_k, names)
    except WespkError as error:
        raise error_of(args.cohort, error) from None


def load_cohort(args: Namespace, heard: Collection[str], dim: int) -> Cohort:
    """Read the cohort, without the utterances that are `heard` in trials, and take it through the steps.

    Raises `WespkError` for a cohort that holds some of them, unless --exclude-overlap allows to leave them
    out: an utterance scores highest with itself, which says nothing about others. So it does unless the
    embeddings have `dim` dimensions in the end, as those of the trials.
    """
    keys, rows = read_vector_table(args.cohort)
    rows = subtract_domain_means(args, keys, rows, args.cohort)
    if args.cohort_utt2spk is None:
        names, owner = np.array(keys), np.arange(len(keys))
    else:
        labels = speakers_of(Embeddings(keys, rows), args.cohort, args.cohort_utt2spk)
        names, owner = np.unique(labels, return_inverse=True)
    clashes = np.array([key in heard for key in keys])
    excluded = np.isin(owner, owner[clashes])
    if clashes.any() and not args.exclude_overlap:
        raise WespkError(
            f"{args.cohort}: '{keys[int(clashes.argmax())]}' is in the trials too ({clashes.sum()} of the "
            "cohort are), and scores highest with itself; give other speakers, or --exclude-overlap"
        )
    if excluded.all():
        raise WespkError(f"{args.cohort}: all of the cohort is in the trials; nothing is left of it")
    left, owner = np.unique(owner[~excluded], return_inverse=True)
    means, num_utts = average_per_model(rows[~excluded], owner, len(left))
    members = names[left].tolist()
    matrix = apply_chain(args, members, means, args.cohort)
    refuse_zero(members, matrix, args.cohort)
    if matrix.shape[1] != dim:
        raise WespkError(
            f"{args.cohort}: embeddings of {matrix.shape[1]} dimensions after all steps, those of "
            f"{args.embeddings} have {dim}; both must come from one model"
        )
    record = {
        "cohort": str(args.cohort),
        "cohort_utt2spk": None if args.cohort_utt2spk is None else str(args.cohort_utt2spk),
        "kind": "utterances" if args.cohort_utt2spk is None else "speaker means",
        "members": len(members),
        "excluded": int(excluded.sum()),
    }
    return Cohort({member: row for row, member in enumerate(members)}, matrix, num_utts, record)
