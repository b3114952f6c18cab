"""Which speakers are taken for each other, and which are not recognised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wespk.metrics.records import Record
from wespk.metrics.scores import Scores

TOP = 10

# Of the trial with a number: its enrol-id and test-id, and the names of their recordings.
TrialNames = Callable[[int], tuple[str, str, str, str]]


@dataclass(frozen=True)
class PairExample(Record):
    """The errors between an enrolled and a tested speaker, `errors` of `trials`, and the worst of them.

    `score` is the highest of the false alarms, or the lowest of the misses, and `enrol_id` and `test_id` are
    its trial. The audio names are those of its utterances (of a model: the first that enrols it), "" where
    they are not known.
    """

    enrol_speaker: str
    test_speaker: str
    errors: int
    trials: int
    score: float
    enrol_id: str
    test_id: str
    enrol_audio: str
    test_audio: str


@dataclass(frozen=True)
class WorstPairs(Record):
    """The pairs of speakers with the most false alarms, and the speakers with the most misses.

    Counted at `threshold`: the development trials' at their EER (`is_dev`), else these trials' own.
    """

    threshold: float
    is_dev: bool
    false_alarms: tuple[PairExample, ...]
    misses: tuple[PairExample, ...]


def worst_pairs(
    scores: Scores,
    is_target: NDArray[np.bool_],
    enrol_speaker: NDArray[np.intp],
    test_speaker: NDArray[np.intp],
    speakers: Sequence[str],
    threshold: float,
    is_dev: bool,
    trial_names: TrialNames,
) -> WorstPairs:
    """Count the errors at a threshold by pair of speakers; keep the worst ten of each kind.

    scores and is_target (K,); the speakers (K,) of both sides point into `speakers`. Of pairs with equally
    many errors the one with the more extreme score is worse.
    """
    scores = scores.astype(np.float64)  # in float32 a threshold just above all scores would equal the highest
    code = enrol_speaker.astype(np.int64) * len(speakers) + test_speaker

    def worst(of_class: NDArray[np.bool_], badness: Scores) -> tuple[PairExample, ...]:
        wrong = np.flatnonzero(of_class & ((scores >= threshold) != is_target))
        order = wrong[np.lexsort((-badness[wrong], code[wrong]))]  # by pair, its worst trial first
        pairs, first, errors = np.unique(code[order], return_index=True, return_counts=True)
        example = order[first]
        ranked = np.lexsort((-badness[example], -errors))[:TOP]
        return tuple(example_of(pairs[each], errors[each], of_class, example[each]) for each in ranked)

    def example_of(pair: int, errors: int, of_class: NDArray[np.bool_], trial: int) -> PairExample:
        enrol, test = divmod(int(pair), len(speakers))
        trials = int((of_class & (code == pair)).sum())
        names = trial_names(int(trial))
        return PairExample(speakers[enrol], speakers[test], int(errors), trials, float(scores[trial]), *names)

    return WorstPairs(threshold, is_dev, worst(~is_target, scores), worst(is_target, -scores))
