import numpy as np
import pytest

from wespk.backend import Plda, score_norm
from wespk.backend.score_norm import (
    CohortStatistics,
    adaptive_s_norm,
    cohort_statistics,
    s_norm,
    standardise,
    top_k_statistics,
)
from wespk.backend.scorer import cosine_scorer, cosine_scores, plda_scorer, plda_scores
from wespk.core.errors import WespkError

RNG = np.random.default_rng(4)


def problem(dtype=np.float64):
    enrol, test, cohort = (RNG.standard_normal((rows, 8)).astype(dtype) for rows in (7, 11, 40))
    pairs = RNG.integers(0, 7, 60), RNG.integers(0, 11, 60)
    return enrol, test, cohort, pairs, cosine_scores(enrol, test, *pairs)


def literal(scores, enrol, test, enrol_index, test_index, cohort, top_k):
    """Return AS-norm trial by trial, with a full sort for each side."""

    def side(embedding):
        cosines = [embedding @ c / np.linalg.norm(embedding) / np.linalg.norm(c) for c in cohort]
        best = sorted(cosines, reverse=True)[:top_k]
        return np.mean(best), np.std(best)

    normalised = []
    for score, row, column in zip(scores, enrol_index, test_index, strict=True):
        (mean_e, std_e), (mean_t, std_t) = side(enrol[row]), side(test[column])
        normalised.append(((score - mean_e) / std_e + (score - mean_t) / std_t) / 2)
    return np.array(normalised)


@pytest.mark.parametrize("top_k", [2, 10, 40])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_as_norm_equals_the_literal_one(top_k, dtype):
    enrol, test, cohort, pairs, scores = problem(dtype)
    normalised = adaptive_s_norm(scores, enrol, test, *pairs, cohort, top_k)
    expected = literal(scores, enrol, test, *pairs, cohort, top_k)
    tolerance = 1e-9 if dtype == np.float64 else 1e-4 * np.abs(expected).max()
    np.testing.assert_allclose(normalised, expected, atol=tolerance)


def plda_problem():
    """Return a PLDA and embeddings of models, tests and a cohort; models and cohort with their utterances."""
    plda = Plda(RNG.standard_normal(8), RNG.standard_normal((8, 8)), RNG.uniform(0.1, 4, 8))
    enrol, test, cohort, _, _ = problem()
    return plda, (enrol, RNG.integers(1, 5, len(enrol))), test, (cohort, RNG.integers(1, 30, len(cohort)))


@pytest.mark.parametrize("top_k", [None, 2, 10, 40])
def test_plda_statistics_are_those_of_its_scores_with_the_cohort_on_the_other_side(top_k):
    plda, (enrol, num_utts), test, (cohort, cohort_utts) = plda_problem()
    of_enrol = cohort_statistics(plda_scorer(plda, enrol, num_utts, cohort), "enrol", top_k)
    of_test = cohort_statistics(plda_scorer(plda, cohort, cohort_utts, test), "test", top_k)
    every = np.arange(len(cohort))
    for row in range(len(enrol)):
        scores = np.sort(plda_scores(plda, enrol, num_utts, cohort, np.full(len(cohort), row), every))
        best = scores[-(top_k or len(cohort)) :]
        assert (of_enrol.mean[row], of_enrol.std[row]) == pytest.approx((best.mean(), best.std()))
    for row in range(len(test)):
        scores = np.sort(plda_scores(plda, cohort, cohort_utts, test, every, np.full(len(cohort), row)))
        best = scores[-(top_k or len(cohort)) :]
        assert (of_test.mean[row], of_test.std[row]) == pytest.approx((best.mean(), best.std()))


def test_of_a_symmetric_scorer_both_sides_have_the_same_statistics():
    plda, _, test, (cohort, _) = plda_problem()
    for scorer, mirrored in (
        (cosine_scorer(test, cohort), cosine_scorer(cohort, test)),
        (plda_scorer(plda, test, 1, cohort), plda_scorer(plda, cohort, 1, test)),
    ):
        one, other = cohort_statistics(scorer, "enrol", 7), cohort_statistics(mirrored, "test", 7)
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_z_norm_gives_the_cohort_itself_mean_zero_and_deviation_one():
    enrol, _, cohort, _, _ = problem()
    scorer = cosine_scorer(enrol, cohort)
    rows, columns = np.divmod(np.arange(len(enrol) * len(cohort)), len(cohort))
    normalised = standardise(scorer.pairs(rows, columns), rows, cohort_statistics(scorer, "enrol"))
    normalised = normalised.reshape(len(enrol), len(cohort))
    np.testing.assert_allclose(normalised.mean(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(normalised.std(axis=1), 1, atol=1e-9)


def test_s_norm_is_the_mean_of_z_norm_and_t_norm():
    enrol, test, cohort, (rows, columns), scores = problem()
    of_enrol, of_test = (cohort_statistics(cosine_scorer(side, cohort), "enrol") for side in (enrol, test))
    z_norm, t_norm = standardise(scores, rows, of_enrol), standardise(scores, columns, of_test)
    np.testing.assert_allclose(s_norm(scores, rows, columns, of_enrol, of_test), (z_norm + t_norm) / 2)


def test_as_norm_with_the_whole_cohort_is_s_norm():
    enrol, test, cohort, (rows, columns), scores = problem()
    of_enrol, of_test = (cohort_statistics(cosine_scorer(side, cohort), "enrol") for side in (enrol, test))
    adaptive = adaptive_s_norm(scores, enrol, test, rows, columns, cohort, len(cohort))
    np.testing.assert_allclose(adaptive, s_norm(scores, rows, columns, of_enrol, of_test), atol=1e-12)


@pytest.mark.parametrize("block_bytes", [1, 1000, 1 << 20])
def test_statistics_do_not_depend_on_the_blocks(monkeypatch, block_bytes):
    enrol, _, cohort, _, _ = problem()
    whole = top_k_statistics(enrol, cohort, 5)
    monkeypatch.setattr(score_norm, "BLOCK_BYTES", block_bytes)
    blocks = top_k_statistics(enrol, cohort, 5)
    np.testing.assert_allclose(blocks.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(blocks.std, whole.std, rtol=1e-12)


def test_as_norm_is_invariant_to_an_affine_map_of_all_scores():
    enrol, test, cohort, pairs, scores = problem()
    of_enrol, of_test = top_k_statistics(enrol, cohort, 10), top_k_statistics(test, cohort, 10)
    mapped = [CohortStatistics(3 * s.mean - 2, 3 * s.std) for s in (of_enrol, of_test)]
    np.testing.assert_allclose(
        s_norm(3 * scores - 2, *pairs, *mapped), s_norm(scores, *pairs, of_enrol, of_test), atol=1e-12
    )


def test_as_norm_is_invariant_to_lengths_and_to_the_order_of_the_cohort():
    enrol, test, cohort, pairs, scores = problem()
    normalised = adaptive_s_norm(scores, enrol, test, *pairs, cohort, 10)
    shuffled = RNG.permutation(cohort) * RNG.uniform(0.1, 10, (40, 1))
    np.testing.assert_allclose(
        adaptive_s_norm(scores, 5 * enrol, 0.2 * test, *pairs, shuffled, 10), normalised, atol=1e-9
    )


def test_as_norm_is_symmetric_in_the_two_sides():
    enrol, test, cohort, (rows, columns), scores = problem()
    np.testing.assert_allclose(
        adaptive_s_norm(scores, enrol, test, rows, columns, cohort, 10),
        adaptive_s_norm(scores, test, enrol, columns, rows, cohort, 10),
        atol=1e-12,
    )


def test_only_the_nearest_of_the_cohort_matter():
    enrol, _, cohort, _, _ = problem()
    far = -enrol.mean(axis=0) + 0.01 * RNG.standard_normal((20, 8))
    near = cohort[cosine_scores(enrol[:1], cohort, np.zeros(40, int), np.arange(40)) > 0]
    grown = np.concatenate([near, -enrol[:1] + 0.1 * far])
    one, other = top_k_statistics(enrol[:1], near, 5), top_k_statistics(enrol[:1], grown, 5)
    np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: top_k_statistics(np.ones((1, 3)), np.ones((0, 3)), 2), "cohort: it is empty"),
        (lambda: top_k_statistics(np.ones((1, 3)), [], 2), "cohort: it is empty"),
        (lambda: top_k_statistics(np.ones((1, 3)), np.ones((4, 3)), 5), "top_k is 5, but the cohort has 4"),
        (lambda: top_k_statistics(np.ones((1, 3)), np.ones((4, 3)), 1), "top_k is 1; .* 2 or more of the 4"),
        (lambda: top_k_statistics(np.ones((1, 3)), np.ones((4, 2)), 2), "3 dimensions where 2"),
        (
            lambda: top_k_statistics(np.ones((1, 3)), np.ones((4, 3)), 2),
            "enrol: row 0: the 2 cohort scores that count are all equal",
        ),
        (lambda: top_k_statistics(np.ones((1, 3)), np.zeros((4, 3)), 2), "cohort: row 0 is a zero vector"),
        (lambda: named(["spk1-utt1"]), "spk1-utt1: the 4 cohort scores that count are all equal .* is 0;"),
        (lambda: cohort_statistics(cosine_scorer([[1.0]], [[1.0]]), "test"), "the cohort has 1 embedding"),
        (lambda: standardise([1.0], [0], one(0.0)), "the cohort std: item 0 is 0"),
        (lambda: standardise([np.nan], [0], one(1.0)), "scores: item 0 is nan"),
        (lambda: s_norm([1.0], [0], [0], one(0.0), one(1.0)), "enrol cohort std: item 0 is 0"),
        (lambda: s_norm([1.0], [0], [0], one(1.0), one(np.nan)), "test cohort std: item 0 is nan"),
        (lambda: s_norm([1.0, 2.0], [0], [0], one(1.0), one(1.0)), r"scores: .*\(1,\).*\(2,\)"),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_wrong(work, message):
    with pytest.raises(WespkError, match=message):
        work()


def named(names):
    return cohort_statistics(cosine_scorer(np.ones((1, 3)), np.ones((4, 3))), "enrol", names=names)


def one(std):
    return CohortStatistics(np.zeros(1), np.array([std]))
