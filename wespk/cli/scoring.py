"""What the scoring verbs share: trials joined with the embeddings that they name."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass

import numpy as np

from wespk.backend import apply_lda, average_per_model, subtract_mean
from wespk.core.errors import WespkError
from wespk.core.files import PathLike
from wespk.data.archives import read_vectors
from wespk.data.kaldi_objects import read_matrix, read_vector
from wespk.data.tables import read_table
from wespk.data.trials import Trials, read_enrolment, read_trials


@dataclass(frozen=True)
class Sides:
    """The two sides of a trial list.

    `enrol` (M, D) and `test` (N, D) are in the order of `trials.enrol_ids` and `trials.test_ids`; a model's
    embedding is the mean of its `num_utts` (M,) raw enrolment embeddings, as in Kaldi's recipes. (Kaldi
    averages before it subtracts the mean and applies LDA; both are affine, so that the order is all one.)
    """

    trials: Trials
    enrol: np.ndarray
    num_utts: np.ndarray
    test: np.ndarray


def load_sides(args: Namespace) -> Sides:
    """Read trials, enrolment list and embeddings, and prepare these as `load_embeddings` does.

    Any id without embedding is an error.
    """
    trials = read_trials(args.trials)
    vectors = load_embeddings(args.embeddings, args.mean, args.lda)
    if args.enrol is None:
        enrolment = {utt: [utt] for utt in trials.enrol_ids}
    else:
        enrolment = read_enrolment(args.enrol)
        _require(trials.enrol_ids, enrolment, f"{args.trials}: enrol-id", str(args.enrol))
    used = [utt for model in trials.enrol_ids for utt in enrolment[model]]
    place = {utt: index for index, utt in enumerate(vectors.keys)}
    _require(used, place, f"{args.enrol or args.trials}: enrolment utterance", str(args.embeddings))
    _require(trials.test_ids, place, f"{args.trials}: test-id", str(args.embeddings))
    counts = [len(enrolment[model]) for model in trials.enrol_ids]
    owner = np.repeat(np.arange(len(counts)), counts)
    enrol, num_utts = average_per_model(vectors.matrix[[place[utt] for utt in used]], owner, len(counts))
    return Sides(trials, enrol, num_utts, vectors.matrix[[place[utt] for utt in trials.test_ids]])


@dataclass(frozen=True)
class Embeddings:
    """Embeddings (N, D) and their keys."""

    keys: list[str]
    matrix: np.ndarray


def load_embeddings(scp: PathLike, mean: PathLike | None, lda: PathLike | None = None) -> Embeddings:
    """Read embeddings, subtract the mean vector and apply the LDA matrix, as far as they are given."""
    keys, matrix = read_vectors(scp)
    if mean is not None:
        matrix = subtract_mean(matrix, read_vector(mean))
    if lda is not None:
        affine, dim = read_matrix(lda), matrix.shape[1]
        if affine.shape[1] != dim + 1:
            raise WespkError(
                f"{lda}: is {affine.shape[0]} x {affine.shape[1]}, and the {dim} dimensions of {scp} need "
                f"{dim + 1} columns; train LDA on embeddings of the same model"
            )
        matrix = apply_lda(affine, matrix)
    return Embeddings(keys, matrix)


def speakers_of(embeddings: Embeddings, scp: PathLike, utt2spk: PathLike) -> np.ndarray:
    """Return the speaker of each embedding, (N,) strings. One without a speaker is an error."""
    table = read_table(utt2spk)
    unknown = [utt for utt in embeddings.keys if utt not in table]
    if unknown:
        raise WespkError(f"{utt2spk}: '{unknown[0]}' of {scp} has no speaker ({len(unknown)} so)")
    return np.array([table[utt] for utt in embeddings.keys])


def _require(wanted: list[str], known: object, what: str, where: str) -> None:
    missing = [item for item in wanted if item not in known]  # type: ignore[operator]
    if missing:
        count = f"{len(missing)} ids are" if len(missing) > 1 else "it is"
        raise WespkError(
            f"{what} '{missing[0]}' is not in {where} ({count} missing); extract it or mend the list"
        )
