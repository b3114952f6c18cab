"""The metrics on arrays in memory, on one core.

    python bench/metrics.py             # 10 million scores, about a minute
    python bench/metrics.py --large     # and 100 million

Normal scores, one trial in ten a target. What many peers do runs beside ours on the same scores: the EER from
scikit-learn's ROC curve, and a bootstrap that walks over all trials in each draw (a part of it). The memory
holds the scores too.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import NamedTuple

import numpy as np
from measuring import heading, of_call, on_one_core, row

from wespk.metrics import OperatingPoint, ScoreSet, actual_dcf, cllr, eer, min_cllr, min_dcf, step_curve
from wespk.metrics.bootstrap import speaker_bootstrap
from wespk.metrics.resampling import SpeakerPairs
from wespk.metrics.weighted_errors import Measures

POINT = OperatingPoint(0.01)
DRAWS, PEER_DRAWS = 1000, 10
SPEAKERS, TRIALS = 1000, 1_000_000
Array = np.ndarray


class Trials(NamedTuple):
    """Scores, labels and the speakers of both sides, each (K,)."""

    scores: Array
    is_target: Array
    enrol_speaker: Array
    test_speaker: Array


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--large", action="store_true", help="100 million scores too")
    args = parser.parse_args()
    heading()
    figures = "EER, minDCF, actDCF, Cllr, min Cllr, {} scores"
    ours = of_call(partial(score_set, 10_000_000), all_figures)
    row(figures.format("10 M"), ours, 4, 6, "2.6 s, 0.75 GB for EER and minDCF alone (a peer)")
    peer = of_call(scores_of_roc, eer_of_roc)
    row(
        "EER alone by scikit-learn, the same",
        peer,
        against=f"differs by {abs(peer.result - ours.result[0]):.0e}",
    )
    if args.large:
        row(figures.format("100 M"), of_call(partial(score_set, 100_000_000), all_figures), 60, 6)
    walk = of_call(trials, walk_over_trials)
    against = f"a walk over all trials a draw, here: {walk.cpu_seconds * DRAWS / PEER_DRAWS:.0f} s"
    row(
        "speaker bootstrap, 1000 draws, 1 M trials, 1000 speakers",
        of_call(trials, bootstrap),
        30,
        None,
        against,
    )


def score_set(count: int) -> ScoreSet:
    random = np.random.default_rng(0)
    targets = count // 10
    return ScoreSet(random.normal(3, 1.5, targets), random.normal(-3, 1.5, count - targets))


def all_figures(scores: ScoreSet) -> tuple[float, ...]:
    curve = step_curve(scores)
    rates = eer(curve).value, min_dcf(curve, POINT).value, actual_dcf(curve, POINT)
    return (*rates, cllr(scores), min_cllr(curve))


def scores_of_roc() -> ScoreSet:
    import sklearn.metrics  # noqa: F401  # loaded here, untimed

    return score_set(10_000_000)


def eer_of_roc(scores: ScoreSet) -> float:
    from sklearn.metrics import roc_curve

    values = np.concatenate([scores.target, scores.nontarget])
    labels = np.arange(len(values)) < len(scores.target)
    p_fa, p_hit, _ = roc_curve(labels, values)
    nearest = np.abs(p_fa - (1 - p_hit)).argmin()
    return float((p_fa + 1 - p_hit)[nearest] / 2)


def trials() -> Trials:
    random = np.random.default_rng(1)
    enrol, other = random.integers(0, SPEAKERS, (2, TRIALS))
    is_target = random.random(TRIALS) < 0.1
    test = np.where(is_target, enrol, np.where(other == enrol, (enrol + 1) % SPEAKERS, other))
    offset = random.normal(0, 0.5, SPEAKERS)  # some speakers are harder than others
    scores = np.where(is_target, 3.0, -3.0) + offset[enrol] + offset[test] + random.normal(0, 1.5, TRIALS)
    return Trials(scores, is_target, enrol, test)


def bootstrap(given: Trials) -> float:
    pairs = SpeakerPairs.of(given.enrol_speaker, given.test_speaker)
    found = speaker_bootstrap(given.scores, given.is_target, pairs, Measures((POINT,)), draws=DRAWS)
    return found.intervals["eer"][0]


def walk_over_trials(given: Trials) -> float:
    """Sort once, then weigh and sum all trials in each draw; EER and minDCF."""
    random = np.random.default_rng(0)
    order = np.argsort(given.scores)
    is_target, enrol, test = (each[order] for each in given[1:])
    found = []
    for _ in range(PEER_DRAWS):
        counts = np.bincount(random.integers(SPEAKERS, size=SPEAKERS), minlength=SPEAKERS)
        weights = np.where(is_target, counts[enrol], counts[enrol] * counts[test])
        p_miss = np.cumsum(weights * is_target) / weights[is_target].sum()
        p_fa = 1 - np.cumsum(weights * ~is_target) / weights[~is_target].sum()
        found.append((p_miss + p_fa)[np.abs(p_miss - p_fa).argmin()] / 2)
        found.append((p_miss + 99 * p_fa).min())
    return float(np.mean(found))


if __name__ == "__main__":
    on_one_core()
    main()
