"""How long the back end takes on the loads of AISHELL and VoxCeleb, one line a claim.

    python bench/backend.py            # all cores
    OMP_NUM_THREADS=1 python bench/backend.py

Random embeddings: the time does not depend on their values. Beside each figure stands what it is measured
against: the peers' own logs, or runs of them on a 2-core machine.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from wespk.backend import Plda, adaptive_s_norm, cosine_scores, plda_scores, train_plda

DIM = 256
Result = TypeVar("Result")


def main() -> None:
    rng = np.random.default_rng(0)
    models, tests = _normal(rng, 196), _normal(rng, 17_800)
    every = np.repeat(np.arange(len(models)), len(tests)), np.tile(np.arange(len(tests)), len(models))
    shuffled = rng.permutation(len(every[0]))
    mixed = every[0][shuffled], every[1][shuffled]
    _report("cosine, 3.49 M trials, all pairs", "192 s", lambda: cosine_scores(models, tests, *every))
    _report("cosine, the same in random order", "192 s", lambda: cosine_scores(models, tests, *mixed))
    many = _normal(rng, 60_000)
    sparse = rng.integers(0, len(many), 3_488_800), rng.integers(0, len(many), 3_488_800)
    _report("cosine, 3.49 M of 3.6 G pairs", "192 s", lambda: cosine_scores(many, many, *sparse))

    labels = rng.integers(0, 2000, 50_000)
    vectors = _normal(rng, 50_000) + _normal(rng, 2000)[labels]
    plda: Plda = _report(
        "PLDA training, 50 k, 2000 speakers, 10 iterations",
        "1.3-2.7 s (Kaldi)",
        lambda: train_plda(vectors, labels, iterations=10),
    )
    utts = rng.integers(1, 5, len(models))
    _report(
        "PLDA scoring, 3.49 M trials, all pairs",
        "39 s (Kaldi)",
        lambda: plda_scores(plda, models, utts, tests, *every),
    )
    _report(
        "PLDA scoring, 3.49 M of 3.6 G pairs",
        "39 s (Kaldi)",
        lambda: plda_scores(plda, many, 1, many, *sparse),
    )

    sides, cohort = _normal(rng, 5000), _normal(rng, 6000)
    pairs = rng.integers(0, 5000, 580_000), rng.integers(0, 5000, 580_000)
    scores = cosine_scores(sides, sides, *pairs)
    _report(
        "AS-norm, 580 k trials, 5 k embeddings, cohort 6 k, top 300",
        ".98 s for 50 k, cohort 3 k",
        lambda: adaptive_s_norm(scores, sides, sides, *pairs, cohort, 300),
    )


def _normal(rng: np.random.Generator, rows: int) -> np.ndarray:
    return rng.standard_normal((rows, DIM), dtype=np.float32)


def _report(name: str, rival: str, work: Callable[[], Result]) -> Result:
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:60s} {seconds:7.3f} s   peak {peak:5.0f} MB so far   against {rival}", flush=True)
    return result


if __name__ == "__main__":
    main()
