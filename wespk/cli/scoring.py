"""What the scoring verbs share: embeddings, enrolled models, and the scorer that the options ask for."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wespk.backend.embeddings import average_per_model
from wespk.backend.scorer import PairScorer, cosine_scorer
from wespk.backend.transforms import LengthNorm
from wespk.cli.transforms import (
    add_transforms,
    apply_chain,
    chain_of,
    described_steps,
    subtract_domain_means,
    transform,
)
from wespk.core.errors import WespkError
from wespk.core.files import PathLike
from wespk.core.progress import say
from wespk.data.scoring import score_trials
from wespk.data.tables import read_table
from wespk.data.trials import flat_enrolment, read_enrolment
from wespk.data.vector_tables import read_vector_table

POLICIES = ("raw", "length-normalised")


@dataclass(frozen=True)
class Embeddings:
    """Embeddings (N, D) and their keys."""

    keys: list[str]
    matrix: np.ndarray


@dataclass(frozen=True)
class Sides:
    """Both sides of any trial, ready for a scorer: `enrol` (M, D) and `test` (N, D) after all steps.

    `enrol_place` and `test_place` give the row of each id; a model is the average of `num_utts` (M,)
    utterances, those that `enrolment` lists (None where they were averaged before). `about` says in words how
    the models came about.
    """

    enrol_place: dict[str, int]
    enrol: np.ndarray
    num_utts: np.ndarray
    test_place: dict[str, int]
    test: np.ndarray
    enrolment: dict[str, list[str]] | None
    about: str


def add_trial_inputs(parser: ArgumentParser, counts: bool = True) -> None:
    """Add what every scorer of a trial list takes; without `counts` no --num-utts, which some cannot use."""
    parser.add_argument("embeddings", metavar="XVECTOR.SCP", help="embeddings of both sides")
    parser.add_argument(
        "trials", type=Path, metavar="TRIALS", help="lines `enrol-id test-id target|nontarget`"
    )
    parser.add_argument("scores", type=Path, metavar="SCORES", help="output, lines `enrol-id test-id score`")
    add_enrolment(parser, counts)
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="leave trials without embedding out of SCORES, count them, and list them in SCORES.missing",
    )
    add_transforms(parser)


def add_enrolment(parser: ArgumentParser, counts: bool = True) -> None:
    """Add the options that say what the enrolled models are."""
    models = parser.add_mutually_exclusive_group()
    models.add_argument(
        "--enrol",
        type=Path,
        metavar="LIST",
        help="lines `model-id utt utt ...` (without it an enrol-id is itself an utterance)",
    )
    models.add_argument(
        "--enrol-vectors",
        metavar="SCP",
        help="embeddings of the models, averaged before (`wespk average-enrolment`, ivector-mean)",
    )
    parser.add_argument(
        "--average",
        choices=POLICIES,
        default=POLICIES[0],
        help="average the utterances of a model as they are, before the steps (raw, as Kaldi does), or after "
        "the steps, each at length 1 (length-normalised)",
    )
    if counts:
        parser.add_argument(
            "--num-utts",
            type=Path,
            metavar="TABLE",
            help="lines `model-id count` for --enrol-vectors (without it each model counts as one utterance)",
        )


def load_sides(args: Namespace) -> Sides:
    """Read the embeddings and make the models, as the options of `add_trial_inputs` say.

    Tests are the embeddings of `args.test` if there is such, else those of `args.embeddings` too.

    Raises `WespkError` naming the file and the id that are at fault. With --allow-missing a model of which an
    enrolment utterance has no embedding is left out, and said so.
    """
    if getattr(args, "num_utts", None) is not None and args.enrol_vectors is None:
        raise WespkError("--num-utts is for --enrol-vectors; an enrolment list tells the counts itself")
    if args.average != POLICIES[0] and args.enrol is None:
        raise WespkError(
            f"--average {args.average} is for --enrol LIST, which names what is averaged; give it"
        )
    keys, rows = read_vector_table(args.embeddings)
    rows = subtract_domain_means(args, keys, rows, args.embeddings)
    mapped = apply_chain(args, keys, rows, args.embeddings)
    place = {key: index for index, key in enumerate(keys)}
    enrolment: dict[str, list[str]] | None = None
    if args.enrol is not None:
        enrolment = _complete(args, place)
        models, num_utts = _average(args, enrolment, place, rows, mapped)
        model_place = {model: index for index, model in enumerate(enrolment)}
        about = f"{len(models)} models, utterances averaged {args.average}"
    elif args.enrol_vectors is not None:
        names, vectors = read_vector_table(args.enrol_vectors)
        models = transform(args, names, vectors, args.enrol_vectors)
        _require_dimension(args.enrol_vectors, models, args.embeddings, mapped)
        num_utts, model_place = _counts(args, names), {model: index for index, model in enumerate(names)}
        about = f"{len(models)} models averaged before"
    else:
        models, num_utts, model_place = mapped, np.ones(len(mapped), np.int64), place
        enrolment = {key: [key] for key in keys}
        about = "each utterance a model"
    about += f"; steps: {described_steps(args)}"
    if getattr(args, "test", None) is None:
        return Sides(model_place, models, num_utts, place, mapped, enrolment, about)
    tests = load_embeddings(args.test, args)
    _require_dimension(args.test, tests.matrix, args.embeddings, models)
    test_place = {key: index for index, key in enumerate(tests.keys)}
    return Sides(model_place, models, num_utts, test_place, tests.matrix, enrolment, about)


def cosine_scorer_of(args: Namespace, sides: Sides) -> PairScorer:
    """Return the scorer of cosines; a zero vector is an error that names it."""
    refuse_zero(list(sides.test_place), sides.test, getattr(args, "test", None) or args.embeddings)
    if sides.enrol is not sides.test:
        refuse_zero(
            list(sides.enrol_place),
            sides.enrol,
            f"models of {args.enrol or args.enrol_vectors or args.embeddings}",
        )
    return cosine_scorer(sides.enrol, sides.test)


def score_list(args: Namespace, sides: Sides, scorer: PairScorer, what: str) -> None:
    """Score the trials that `add_trial_inputs` names, and say what was done."""
    places = sides.enrol_place, sides.test_place
    done = score_trials(args.trials, args.scores, scorer.pairs, *places, allow_missing=args.allow_missing)
    listed = f", listed in {args.scores}.missing" if done.missing else ""
    say(f"{args.scores}: {what}; {sides.about}; {done}{listed}")


def error_of(source: PathLike, error: WespkError) -> WespkError:
    """Return an error of arrays as one of the file that they came from."""
    return WespkError(f"{source}: {error}")


def load_embeddings(source: PathLike, args: Namespace) -> Embeddings:
    """Read embeddings and take them through the steps of `add_transforms`."""
    keys, rows = read_vector_table(source)
    return Embeddings(keys, transform(args, keys, rows, source))


def speakers_of(embeddings: Embeddings, scp: PathLike, utt2spk: PathLike) -> np.ndarray:
    """Return the speaker of each embedding, (N,) strings. One without a speaker is an error."""
    table = read_table(utt2spk)
    unknown = [utt for utt in embeddings.keys if utt not in table]
    if unknown:
        raise WespkError(f"{utt2spk}: '{unknown[0]}' of {scp} has no speaker ({len(unknown)} so)")
    return np.array([table[utt] for utt in embeddings.keys])


def _complete(args: Namespace, place: Collection[str]) -> dict[str, list[str]]:
    """Return the enrolment list; models without some embedding are an error, or left out where allowed."""
    enrolment = read_enrolment(args.enrol)
    lacking = {model: utt for model, utts in enrolment.items() for utt in utts if utt not in place}
    if not lacking:
        return enrolment
    model, utt = next(iter(lacking.items()))
    count = f"{len(lacking)} of {len(enrolment)} models lack some"
    told = f"{args.enrol}: utterance '{utt}' of model '{model}' is not in {args.embeddings}"
    if not args.allow_missing or len(lacking) == len(enrolment):
        raise WespkError(f"{told} ({count}); extract it or mend the list")
    say(f"{told}; {count} and are left out")
    return {model: utts for model, utts in enrolment.items() if model not in lacking}


def _average(
    args: Namespace,
    enrolment: dict[str, list[str]],
    place: dict[str, int],
    raw: np.ndarray,
    mapped: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the models' embeddings after all steps, and the number of utterances of each."""
    used, owner = flat_enrolment(enrolment.values())
    picked = [place[utt] for utt in used]
    if args.average == "raw":
        means, num_utts = average_per_model(raw[picked], owner, len(enrolment))
        return apply_chain(args, list(enrolment), means, f"{args.embeddings} averaged"), num_utts
    refuse_zero(used, mapped[picked], args.embeddings)
    means, num_utts = average_per_model(mapped[picked], owner, len(enrolment), "length_normalised")
    steps = chain_of(args, raw.shape[1], args.embeddings).steps
    # An average of unit vectors is shorter than they are: it gets the length that the steps end with, if any.
    return steps[-1].apply(means) if steps and isinstance(steps[-1], LengthNorm) else means, num_utts


def refuse_zero(keys: Sequence[str], rows: np.ndarray, source: PathLike) -> None:
    """Raise `WespkError` naming the first embedding that is zero and so has no direction."""
    zero = np.flatnonzero(~rows.any(axis=1))
    if len(zero):
        raise WespkError(
            f"{source}: '{keys[zero[0]]}' is a zero vector after all steps ({len(zero)} of {len(rows)} are); "
            "it has no direction, extract it again or leave it out"
        )


def _counts(args: Namespace, models: list[str]) -> np.ndarray:
    """Return the number of utterances of each model."""
    if getattr(args, "num_utts", None) is None:
        return np.ones(len(models), np.int64)
    table = read_table(args.num_utts)
    for model in models:
        if model not in table:
            raise WespkError(f"{args.num_utts}: no count of '{model}' of {args.enrol_vectors}; add it")
        if not table[model].isdecimal() or int(table[model]) == 0:
            raise WespkError(f"{args.num_utts}: '{table[model]}' of '{model}' is not a whole number above 0")
    return np.array([int(table[model]) for model in models])


def _require_dimension(one: PathLike, models: np.ndarray, other: PathLike, tests: np.ndarray) -> None:
    if models.shape[1] != tests.shape[1]:
        raise WespkError(
            f"{one}: embeddings of {models.shape[1]} dimensions, those of {other} have {tests.shape[1]}; "
            "both must come from one model"
        )
