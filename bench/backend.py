"""The functions of the back-end on arrays in memory, on one core.

    python bench/backend.py

Random embeddings: the time does not depend on their values. Where a peer's way of doing it can run here, it
runs on the same arrays, on a part where the whole takes minutes; the other figures are from the peers' own
logs, or from runs of them on a machine of this kind. Whole commands are in scoring.py.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from measuring import heading, of_call, on_one_core, row

from wespk.backend import Plda, adaptive_s_norm, cosine_scores, plda_scores, train_plda

DIM = 256
SPEAKERS = 2000
PEER_SPEAKERS = 50  # of PLDA training, whose peer takes a second for each hundred
Array = np.ndarray


class Lists(NamedTuple):
    """Both sides of trials, (M, D) and (N, D), and the rows of each trial, (K,)."""

    enrol: Array
    test: Array
    enrol_index: Array
    test_index: Array


def main() -> None:
    heading()
    against = "192 s (a peer's log)"
    for name, lists in (
        ("3.49 M trials, 196 x 17.8 k", all_pairs),
        ("the same in random order", partial(all_pairs, shuffled=True)),
        ("3.49 M of 3.6 G pairs", sparse),
    ):
        row(f"cosine, {name}", of_call(lists, lambda given: cosine_scores(*given).sum()), against=against)
    peer = of_call(partial(training_set, PEER_SPEAKERS), matrix_a_speaker)
    whole = peer.cpu_seconds * 10 * SPEAKERS / PEER_SPEAKERS
    slow = f"1.3-2.7 s (Kaldi); an inverse a speaker, here: {whole:.0f} s"
    trained = of_call(training_set, lambda given: train_plda(*given, iterations=10))
    row("PLDA training, 50 k x 256, 2000 speakers, 10 iterations", trained, 2, against=slow)
    for name, lists in (("3.49 M trials, 196 x 17.8 k", all_pairs), ("3.49 M of 3.6 G pairs", sparse)):
        work = partial(score_by_plda, trained.result)
        row(f"PLDA scoring, {name}", of_call(lists, work), against="39 s (Kaldi)")
    ours, theirs = of_call(cohort_lists, by_top_k), of_call(cohort_lists, by_full_sort)
    difference = np.abs(ours.result - theirs.result).max()
    row("AS-norm, 580 k trials, 5 k embeddings, cohort 6 k, top 300", ours, 3, 2)
    row("AS-norm by a full sort, the same", theirs, against=f"differs by {difference:.0e} at most")


def all_pairs(shuffled: bool = False) -> Lists:
    random = np.random.default_rng(0)
    models, tests = _normal(random, 196), _normal(random, 17_800)
    pairs = np.arange(len(models) * len(tests))
    return Lists(models, tests, *np.divmod(random.permutation(pairs) if shuffled else pairs, len(tests)))


def sparse() -> Lists:
    random = np.random.default_rng(1)
    many = _normal(random, 60_000)
    return Lists(many, many, *random.integers(0, len(many), (2, 3_488_800)))


def training_set(speakers: int = SPEAKERS) -> tuple[Array, Array]:
    random = np.random.default_rng(2)
    labels = np.repeat(np.arange(speakers), 25)
    return _normal(random, len(labels)) + _normal(random, speakers)[labels], labels


def score_by_plda(plda: Plda, lists: Lists) -> float:
    utts = np.random.default_rng(3).integers(1, 5, len(lists.enrol))
    return plda_scores(plda, lists.enrol, utts, *lists[1:]).sum()


def cohort_lists() -> tuple[Lists, Array, Array]:
    random = np.random.default_rng(4)
    sides, cohort = _normal(random, 5000), _normal(random, 6000)
    lists = Lists(sides, sides, *random.integers(0, len(sides), (2, 580_000)))
    return lists, cohort, cosine_scores(*lists)


def by_top_k(given: tuple[Lists, Array, Array]) -> Array:
    lists, cohort, scores = given
    return adaptive_s_norm(scores, *lists, cohort, 300)


def by_full_sort(given: tuple[Lists, Array, Array]) -> Array:
    """AS-norm as popular peers do it: all cosines of a side with the cohort at once, each row sorted."""
    lists, cohort, scores = given
    normalised = []
    for rows, index in ((lists.enrol, lists.enrol_index), (lists.test, lists.test_index)):
        cosines = _unit(rows) @ _unit(cohort).T
        best = np.flip(np.sort(cosines, axis=1), axis=1)[:, :300]
        normalised.append((scores - best.mean(axis=1)[index]) / best.std(axis=1)[index])
    return (normalised[0] + normalised[1]) / 2


def matrix_a_speaker(given: tuple[Array, Array]) -> Array:
    """One iteration of PLDA training with a matrix inverted for each speaker."""
    rows, labels = given
    within = between = np.eye(DIM)
    total = np.zeros((DIM, DIM))
    for speaker in range(labels[-1] + 1):
        own = rows[labels == speaker].astype(np.float64)
        precision = np.linalg.inv(between) + len(own) * np.linalg.inv(within)
        mean = np.linalg.inv(precision) @ (len(own) * np.linalg.inv(within) @ own.mean(axis=0))
        total += np.linalg.inv(precision) + np.outer(mean, mean)
    return total


def _normal(random: np.random.Generator, rows: int) -> Array:
    return random.standard_normal((rows, DIM), dtype=np.float32)


def _unit(rows: Array) -> Array:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


if __name__ == "__main__":
    on_one_core()
    main()
