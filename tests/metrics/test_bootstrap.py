"""Intervals over speakers: weighted measures are those of repeated trials, and intervals cover the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import chi2

from wespk.core.errors import WespkError
from wespk.metrics import resampling, weighted_errors
from wespk.metrics.bootstrap import paired_bootstrap, speaker_bootstrap
from wespk.metrics.costs import actual_dcf, cllr, min_dcf
from wespk.metrics.error_rates import EER_RULES, eer
from wespk.metrics.points import OperatingPoint
from wespk.metrics.resampling import SpeakerPairs
from wespk.metrics.scores import ScoreSet
from wespk.metrics.weighted_errors import Measures, WeightedErrors

POINTS = (OperatingPoint(0.01), OperatingPoint(0.3, 2, 1))
THRESHOLDS = (1.5, -0.5)


def trial_list(random, speakers=12, trials=300, separation=1.5, step=0.0):
    """Scores, labels and the speakers of both sides; with a `step` scores are rounded, so that many tie."""
    enrol, test = random.integers(speakers, size=(2, trials))
    same = random.random(trials) < 0.3
    test[same] = enrol[same]
    labels = enrol == test
    scores = random.normal(size=trials) + separation * labels
    return (np.round(scores / step) * step if step else scores), labels, enrol, test


def repeated(scores, labels, weights):
    """The score set in which each trial stands as often as its weight says."""
    return ScoreSet.from_labels(np.repeat(scores, weights), np.repeat(labels, weights))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(EER_RULES), st.sampled_from([0.0, 0.5, 3.0]))
def test_weighted_measures_are_those_of_repeated_trials(seed, rule, step):
    random = np.random.default_rng(seed)
    scores, labels, enrol, test = trial_list(random, trials=80, step=step)
    pairs = SpeakerPairs.of(enrol, test)
    counts = random.integers(0, 4, size=(pairs.num_speakers, 3)).astype(np.int32)
    weights = pairs.weights(counts)
    usable = (np.array([weights[pairs.of_trial[of_class]].sum(0) for of_class in (labels, ~labels)]) > 0).all(
        0
    )
    weights = weights[:, usable]
    found = WeightedErrors.of(scores, labels, pairs, Measures(POINTS, THRESHOLDS, rule)).measure(weights)
    for column, of_pair in zip(found.T, weights.T, strict=True):
        alone = repeated(scores, labels, of_pair[pairs.of_trial])
        wanted = [eer(alone, rule).value, *(min_dcf(alone, point).value for point in POINTS)]
        wanted += [actual_dcf(alone, point, at) for point, at in zip(POINTS, THRESHOLDS, strict=True)]
        assert column == pytest.approx([*wanted, cllr(alone)], abs=1e-12)


def test_the_weight_is_the_product_of_two_speakers_counts_and_one_speakers_own_count():
    pairs = SpeakerPairs.of([0, 1, 2, 2, 7], [0, 0, 1, 2, 2])
    assert pairs.num_speakers == 4  # the speaker 7 is the fourth, in order
    weights = pairs.weights(np.array([[2], [3], [1], [5]], dtype=np.int32))
    assert weights[pairs.of_trial, 0].tolist() == [2, 2 * 3, 3 * 1, 1, 5 * 1]


def test_both_orders_of_two_speakers_are_one_pair():
    assert len(SpeakerPairs.of([0, 1, 0], [1, 0, 0])) == 2


def test_the_interval_covers_the_true_rate_in_about_95_of_100_test_sets():
    """Speakers and utterances are Gaussian in one dimension: the true error rate is known in closed form."""
    speakers, utts, spread = 40, 3, 10.0
    spk = np.repeat(np.arange(speakers), utts)
    left, right = np.triu_indices(len(spk), 1)
    pairs, labels = SpeakerPairs.of(spk[left], spk[right]), spk[left] == spk[right]
    # A squared distance is chi-squared: with 2 for one speaker, and 2 (1 + spread^2) for two.
    crossing = brentq(lambda d: chi2.sf(d, 1) - chi2.cdf(d / (1 + spread**2), 1), 0, 100)
    true = chi2.sf(crossing, 1)
    random, covered = np.random.default_rng(0), 0
    for each in range(200):
        voices = spread * random.normal(size=speakers)[spk] + random.normal(size=len(spk))
        scores = -np.abs(voices[left] - voices[right])
        found = speaker_bootstrap(scores, labels, pairs, Measures(), draws=200, seed=each)
        low, high = found.intervals["eer"]
        covered += low <= true <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_more_speakers_narrow_the_interval():
    widths = []
    for speakers in (10, 90):
        random = np.random.default_rng(1)
        scores, labels, enrol, test = trial_list(random, speakers, 20_000)
        loudness = random.normal(size=speakers)
        scores += loudness[enrol] + loudness[test]
        found = speaker_bootstrap(scores, labels, SpeakerPairs.of(enrol, test), Measures(), draws=200)
        low, high = found.intervals["eer"]
        assert low <= eer(ScoreSet.from_labels(scores, labels)).value <= high
        widths.append(high - low)
    assert widths[1] < widths[0]


def test_draws_depend_on_the_seed_and_nothing_else(monkeypatch):
    scores, labels, enrol, test = trial_list(np.random.default_rng(2))
    pairs, measures = SpeakerPairs.of(enrol, test), Measures(POINTS, THRESHOLDS)
    found = speaker_bootstrap(scores, labels, pairs, measures, draws=50, seed=3)
    assert list(found.intervals) == measures.names
    monkeypatch.setattr(resampling, "BLOCK", 1000)
    monkeypatch.setattr(weighted_errors, "BLOCK", 500)
    order = np.random.default_rng(0).permutation(len(scores))
    shuffled = SpeakerPairs.of(test[order], enrol[order])
    again = speaker_bootstrap(scores[order], labels[order], shuffled, measures, draws=50, seed=3)
    for name, bounds in found.intervals.items():
        assert again.intervals[name] == pytest.approx(bounds, rel=1e-12)
    assert speaker_bootstrap(scores, labels, pairs, measures, draws=50, seed=4) != found


def test_draws_without_a_class_are_replaced_and_counted():
    scores, labels = np.array([3.0, 2.0, 1.0, 2.5]), np.array([True, True, False, False])
    pairs = SpeakerPairs.of([0, 1, 0, 1], [0, 1, 1, 0])
    found = speaker_bootstrap(scores, labels, pairs, Measures(), draws=100)
    assert found.draws == 100 and 50 < found.redrawn < 200  # half of all draws hold but one of the two


def test_a_measure_that_no_draw_changes_has_no_interval():
    _, labels, enrol, test = trial_list(np.random.default_rng(4))
    found = speaker_bootstrap(labels * 2.0, labels, SpeakerPairs.of(enrol, test), Measures(), draws=20)
    assert "eer" not in found.intervals and found.draws == 20


def test_a_system_does_not_differ_from_itself():
    scores, labels, enrol, test = trial_list(np.random.default_rng(5))
    pairs = SpeakerPairs.of(enrol, test)
    for each in paired_bootstrap(scores, scores.copy(), labels, pairs, Measures(POINTS), draws=50):
        assert (each.difference, each.interval, each.p_value) == (0, (0, 0), 1)


def test_a_much_better_system_differs_significantly_and_the_other_way_round_mirrors_it():
    random = np.random.default_rng(6)
    scores, labels, enrol, test = trial_list(random, 40, 4000, separation=3)
    worse = scores + random.normal(0, 2, len(scores))
    pairs, measures = SpeakerPairs.of(enrol, test), Measures(POINTS)
    forth = paired_bootstrap(scores, worse, labels, pairs, measures, draws=99)
    back = paired_bootstrap(worse, scores, labels, pairs, measures, draws=99)
    assert forth[0].measure == "eer" and forth[0].difference < 0 and forth[0].interval[1] < 0
    assert forth[0].p_value == pytest.approx(2 / 100)  # the least that 99 draws can show
    assert forth[0].a == eer(ScoreSet.from_labels(scores, labels)).value
    for one, other in zip(forth, back, strict=True):
        assert (one.difference, one.p_value) == (-other.difference, other.p_value)
        assert one.interval == pytest.approx([-bound for bound in other.interval[::-1]])


def test_equally_good_systems_seldom_differ_significantly():
    random, found = np.random.default_rng(7), []
    for each in range(40):
        scores, labels, enrol, test = trial_list(random, 30, 600)
        noisy = [scores + random.normal(0, 0.5, len(scores)) for _ in range(2)]
        pairs = SpeakerPairs.of(enrol, test)
        found.append(paired_bootstrap(*noisy, labels, pairs, Measures(), draws=99, seed=each)[0].p_value)
    assert sum(p_value < 0.05 for p_value in found) <= 7 and max(found) > 0.5


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([1.0, 2.0], [True, True], "needs target and nontarget trials"),
        ([1.0, np.nan], [True, False], "not finite"),
        ([1.0], [True, False], "do not match"),
    ],
)
def test_unusable_input_is_refused(scores, labels, message):
    with pytest.raises(WespkError, match=message):
        speaker_bootstrap(scores, labels, SpeakerPairs.of([0, 1], [0, 2]), Measures(), draws=2)


def test_speakers_of_two_lengths_are_refused():
    with pytest.raises(WespkError, match=r"speakers of \(2,\) enrol sides and \(1,\) test sides"):
        SpeakerPairs.of([0, 1], [0])
