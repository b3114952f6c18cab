"""Finding what is wrong with a trial list and its enrolment list: every problem, counted, the first named."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wespk.data.trials import Trials


@dataclass(frozen=True)
class Problem:
    """A kind of problem: how often it is there, and the first case where there is one to name."""

    kind: str
    count: int
    first: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.count}" + (f", first {self.first}" if self.first else "")


def trial_problems(
    trials: Trials,
    enrolment: Mapping[str, Sequence[str]] | None = None,
    sources: Mapping[str, Collection[str] | None] | None = None,
    utt2spk: Mapping[str, str] | None = None,
) -> list[Problem]:
    """Return all kinds of problems there are.

    Without `enrolment` an enrol-id is itself an utterance. `sources` map a word, such as embeddings, to the
    utterances there are any of (None: unknown); `utt2spk` is what the labels have to agree with.
    """
    models = {model: (model,) for model in trials.enrol_ids} if enrolment is None else enrolment
    problems = [*_absent_kinds(trials), *_duplicates(trials)]
    problems += _count(
        "models of trials that the enrolment list does not have", _not_in(trials.enrol_ids, models)
    )
    problems += _count("models that enrol an utterance twice", _repeating(models))
    used = dict.fromkeys(utt for utts in models.values() for utt in utts)
    for source, known in (sources or {}).items():
        if known is not None:
            problems += _count(f"utterances to enrol without {source}", _not_in(used, known))
            problems += _count(f"utterances to test without {source}", _not_in(trials.test_ids, known))
    problems += _trial_cases(
        "trials of a model with an utterance that enrols it", trials, _self_trials(trials, models)
    )
    if utt2spk is not None:
        speakers = {model: {utt2spk[utt] for utt in utts if utt in utt2spk} for model, utts in models.items()}
        mixed = [model for model, spks in speakers.items() if len(spks) > 1]
        problems += _count("models enrolled from several speakers", mixed)
        wrong = _wrong_labels(trials, {m: next(iter(s)) for m, s in speakers.items() if len(s) == 1}, utt2spk)
        problems += _trial_cases("labels that contradict utt2spk", trials, wrong)
    return problems


def _absent_kinds(trials: Trials) -> Iterator[Problem]:
    targets = int(trials.is_target.sum())
    for kind, count in (("target", targets), ("nontarget", len(trials) - targets)):
        if not count:
            yield Problem(f"a list without {kind} trials", 1)


def _duplicates(trials: Trials) -> list[Problem]:
    order = np.argsort(trials.pair_codes, kind="stable")
    codes, kinds = trials.pair_codes[order], trials.kind[order]
    again = np.flatnonzero(codes[1:] == codes[:-1]) + 1
    contradicting = again[kinds[again] != kinds[again - 1]]
    repeated, twofold = np.zeros((2, len(trials)), dtype=bool)
    repeated[order[again]] = True
    twofold[order[contradicting]] = True
    return [
        *_trial_cases("duplicate trials", trials, repeated),
        *_trial_cases("duplicate trials with different labels", trials, twofold),
    ]


def _self_trials(trials: Trials, models: Mapping[str, Sequence[str]]) -> np.ndarray:
    """Return which trials test an utterance against a model that it enrols, shape (K,)."""
    place = {utt: index for index, utt in enumerate(trials.test_ids)}
    width = len(trials.test_ids)
    enrolled = [
        row * width + place[utt]
        for row, model in enumerate(trials.enrol_ids)
        for utt in models.get(model, ())
        if utt in place
    ]
    return np.isin(trials.pair_codes, np.array(enrolled, dtype=np.int64))


def _wrong_labels(trials: Trials, model_speaker: Mapping[str, str], utt2spk: Mapping[str, str]) -> np.ndarray:
    """Return which trials are labelled otherwise than the speakers say, shape (K,); unknown ones are not."""
    number = {spk: n for n, spk in enumerate(dict.fromkeys(utt2spk.values()))}
    enrol = np.array([number[model_speaker[m]] if m in model_speaker else -1 for m in trials.enrol_ids])
    test = np.array([number[utt2spk[utt]] if utt in utt2spk else -1 for utt in trials.test_ids])
    left, right = enrol[trials.enrol_index], test[trials.test_index]
    return (left >= 0) & (right >= 0) & ((left == right) != trials.is_same_speaker)


def _repeating(models: Mapping[str, Sequence[str]]) -> list[str]:
    return [model for model, utts in models.items() if len(set(utts)) < len(utts)]


def _not_in(ids: Collection[str], known: Collection[str]) -> list[str]:
    return [each for each in ids if each not in known]


def _count(kind: str, ids: Sequence[str]) -> list[Problem]:
    return [Problem(kind, len(ids), f"'{ids[0]}'")] if ids else []


def _trial_cases(kind: str, trials: Trials, cases: np.ndarray) -> list[Problem]:
    found = np.flatnonzero(cases)
    if not len(found):
        return []
    first = found[0]
    pair = f"{trials.enrol_ids[trials.enrol_index[first]]} {trials.test_ids[trials.test_index[first]]}"
    return [Problem(kind, len(found), f"'{pair}' in line {first + 1}")]
