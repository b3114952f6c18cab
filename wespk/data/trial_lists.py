"""Making trial and enrolment lists, reproducibly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from wespk.core.errors import WespkError
from wespk.data.trials import Trials


def seeded_order(utts: Iterable[str], seed: int) -> list[str]:
    """Return utterance ids in an order that depends on nothing but each id and the seed.

    They are sorted by the SHA-256 of ``SEED ID``: the same on every machine, in every version of Python and
    NumPy, and whatever other utterances there are.
    """
    return sorted(utts, key=lambda utt: hashlib.sha256(f"{seed} {utt}".encode()).digest())


def choose_enrolment(utt2spk: Mapping[str, str], num_enrol: int, seed: int) -> dict[str, list[str]]:
    """Enrol each speaker from its first `num_enrol` utterances in `seeded_order`: model -> utterances.

    A list for more utterances contains those for fewer. Raises `WespkError` for a speaker with too few.
    """
    by_speaker = _by_speaker(utt2spk)
    short = [spk for spk, utts in by_speaker.items() if len(utts) <= num_enrol]
    if short:
        have = len(by_speaker[short[0]])
        raise WespkError(
            f"speaker '{short[0]}' has {have} utterances, {num_enrol} to enrol and 1 to test are needed"
        )
    return {spk: sorted(seeded_order(utts, seed)[:num_enrol]) for spk, utts in by_speaker.items()}


def thin_out(utt2spk: Mapping[str, str], utts_per_speaker: int, seed: int) -> dict[str, str]:
    """Keep at most `utts_per_speaker` utterances of each speaker, the first in `seeded_order`."""
    kept = {
        utt for utts in _by_speaker(utt2spk).values() for utt in seeded_order(utts, seed)[:utts_per_speaker]
    }
    return {utt: spk for utt, spk in utt2spk.items() if utt in kept}


def all_pairs(utt2spk: Mapping[str, str], apart: Sequence[tuple[str, str]] = ()) -> Iterator[str]:
    """Yield the trial lines of every unordered pair of utterances, the earlier one as enrolment.

    All lines of an enrolment utterance come at once, as one text. No trial is made between two speakers named
    in `apart`.
    """
    return _trial_lines(utt2spk, utt2spk, apart, only_later=True)


def models_against_rest(
    utt2spk: Mapping[str, str],
    enrolment: Mapping[str, Sequence[str]],
    apart: Sequence[tuple[str, str]] = (),
) -> Iterator[str]:
    """Yield the trial lines of every enrolled model against every utterance that enrols nobody.

    All lines of a model come at once, as one text. No trial is made between two speakers named in `apart`.
    Raises `WespkError` for a model that is enrolled from no utterance, from an unknown one or from several
    speakers, and when no utterance is left to test.
    """
    models = {}
    for model, utts in enrolment.items():
        unknown = [utt for utt in utts if utt not in utt2spk]
        if unknown:
            raise WespkError(f"enrolment of '{model}': utterance '{unknown[0]}' is not in the data directory")
        found = {utt2spk[utt] for utt in utts}
        if len(found) != 1:
            raise WespkError(
                f"enrolment of '{model}': utterances of one speaker are needed, not {len(found)}"
            )
        models[model] = found.pop()
    used = {utt for utts in enrolment.values() for utt in utts}
    rest = {utt: spk for utt, spk in utt2spk.items() if utt not in used}
    if not rest:
        raise WespkError("every utterance enrols a model: none is left to test")
    return _trial_lines(models, rest, apart)


def same_text(
    trials: Trials, enrolment: Mapping[str, Sequence[str]], text: Mapping[str, str]
) -> Iterator[str]:
    """Yield `enrol-id test-id text` for every nontarget trial whose test text also enrolled the model.

    `text` maps utterances to what is said in them, as words or as a number of the sentence. In such a trial
    the words speak for the model although the voice does not. Raises `WespkError` for an utterance without
    text.
    """
    spoken = {utt for model in trials.enrol_ids for utt in enrolment[model]}.union(trials.test_ids)
    missing = sorted(utt for utt in spoken if utt not in text)
    if missing:
        raise WespkError(f"utterance '{missing[0]}' has no text ({len(missing)} so)")
    number = {words: n for n, words in enumerate(sorted({text[utt] for utt in spoken}))}
    heard = np.zeros((len(trials.enrol_ids), len(number)), dtype=bool)
    for row, model in enumerate(trials.enrol_ids):
        heard[row, [number[text[utt]] for utt in enrolment[model]]] = True
    said = np.array([number[text[utt]] for utt in trials.test_ids])
    found = np.flatnonzero(heard[trials.enrol_index, said[trials.test_index]] & ~trials.is_target)
    for enrol, test in zip(
        trials.enrol_index[found].tolist(), trials.test_index[found].tolist(), strict=True
    ):
        utt = trials.test_ids[test]
        yield f"{trials.enrol_ids[enrol]} {utt} {text[utt]}\n"


def _by_speaker(utt2spk: Mapping[str, str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for utt, spk in utt2spk.items():
        groups.setdefault(spk, []).append(utt)
    return groups


def _trial_lines(
    models: Mapping[str, str],
    tests: Mapping[str, str],
    apart: Sequence[tuple[str, str]],
    *,
    only_later: bool = False,
) -> Iterator[str]:
    """Yield the lines of each model against all tests, or those after it, less the speakers kept apart.

    `models` and `tests` map ids to speakers.
    """
    ends = [f"{test} nontarget\n" for test in tests]
    target_ends = [f"{test} target\n" for test in tests]
    places: dict[str, list[int]] = {}
    for place, spk in enumerate(tests.values()):
        places.setdefault(spk, []).append(place)
    not_to_meet: dict[str, list[str]] = {}
    for one, other in apart:
        not_to_meet.setdefault(one, []).append(other)
        not_to_meet.setdefault(other, []).append(one)
    for number, (model, spk) in enumerate(models.items()):
        lines = ends.copy()
        for place in places.get(spk, ()):
            lines[place] = target_ends[place]
        for place in (place for other in not_to_meet.get(spk, ()) for place in places.get(other, ())):
            lines[place] = ""
        if only_later:
            del lines[: number + 1]
        if spk in not_to_meet:
            lines = list(filter(None, lines))
        if lines:
            start = f"{model} "
            yield start + start.join(lines)
