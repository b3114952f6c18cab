import numpy as np
import pytest
from scipy.stats import multivariate_normal

from wespk.backend import Plda, plda_scores, train_plda
from wespk.core.errors import WespkError

RNG = np.random.default_rng(2)


def made_plda(dim=4):
    """Return a PLDA of random covariances, with its B and W."""
    transform = RNG.standard_normal((dim, dim)) + 2 * np.eye(dim)
    psi = np.sort(RNG.exponential(2.0, dim))[::-1]
    inverse = np.linalg.inv(transform)
    plda = Plda(RNG.standard_normal(dim), transform, psi)
    return plda, inverse @ np.diag(psi) @ inverse.T, inverse @ inverse.T


def joint_gaussian_llr(mean, between, within, enrol, count, test):
    """Return the LLR by its definition: two dependent Gaussian vectors against two independent ones."""
    of_enrol, of_test = between + within / count, between + within
    same = np.block([[of_enrol, between], [between, of_test]])
    return (
        multivariate_normal(np.tile(mean, 2), same).logpdf(np.concatenate([enrol, test]))
        - multivariate_normal(mean, of_enrol).logpdf(enrol)
        - multivariate_normal(mean, of_test).logpdf(test)
    )


def every_pair(num_enrol, num_test):
    return np.repeat(np.arange(num_enrol), num_test), np.tile(np.arange(num_test), num_enrol)


# Kaldi computes the chain in float32 and prints six digits. The absolute part is for scores near 0, where
# terms of 1e4 cancel: at 0.0095 they differ by 7e-6, and nowhere else by more than 8e-5 of the score.
KALDI = {"rtol": 1e-4, "atol": 1e-5}


@pytest.mark.parametrize(
    ("name", "model", "counted", "options"),
    [
        ("scores_plda", "plda", False, {}),
        ("scores_plda_numutts", "plda", True, {}),
        ("scores_plda_nonorm", "plda", False, {"normalise_length": False}),
        ("scores_plda_adapt", "adapted", True, {}),
    ],
)
def test_scores_equal_kaldis(golden, name, model, counted, options):
    enrol_index, test_index, expected = golden.scores[name]
    scores = plda_scores(
        getattr(golden, model),
        golden.chain(golden.enrol),
        golden.num_utts if counted else 1,
        golden.chain(golden.test),
        enrol_index,
        test_index,
        **options,
    )
    np.testing.assert_allclose(scores, expected, **KALDI)


def test_scores_of_a_model_trained_here_equal_those_of_one_trained_by_kaldi(golden):
    enrol_index, test_index, expected = golden.scores["scores_plda"]
    trained = train_plda(golden.chain(golden.train), golden.labels)
    sides = golden.chain(golden.enrol), 1, golden.chain(golden.test)
    np.testing.assert_allclose(
        plda_scores(trained, *sides, enrol_index, test_index), expected, rtol=1e-4, atol=2e-4
    )


def test_float32_vectors_are_rounded_as_kaldis_before_the_ratio():
    plda, _, _ = made_plda()
    enrol, test = (
        RNG.standard_normal((3, 4)).astype(np.float32),
        RNG.standard_normal((5, 4)).astype(np.float32),
    )
    pairs = every_pair(3, 5)
    scores = plda_scores(plda, enrol, 2, test, *pairs)
    left, right = plda.transform_vectors(enrol, 2), plda.transform_vectors(test)
    plain = Plda(np.zeros(4), np.eye(4), plda.psi)
    rounded = (side.astype(np.float32).astype(np.float64) for side in (left, right))
    of_rounded = plda_scores(plain, next(rounded), 2, next(rounded), *pairs, normalise_length=False)
    np.testing.assert_allclose(scores, of_rounded, rtol=1e-12)


@pytest.mark.parametrize("factor", [0.0, 0.3, 1.0])
def test_smoothing_adds_between_to_within_speaker_variance(factor):
    plda, between, within = made_plda()
    smoothed_between, smoothed_within = plda.smoothed(factor).covariances
    np.testing.assert_allclose(smoothed_between, between, atol=1e-12)
    np.testing.assert_allclose(smoothed_within, within + factor * between, atol=1e-12)


def test_a_model_is_known_from_its_covariances():
    plda, between, within = made_plda()
    again = Plda.of_covariances(plda.mean, between, within)
    np.testing.assert_allclose(again.psi, plda.psi, rtol=1e-9)
    sides = RNG.standard_normal((3, 4)), 2, RNG.standard_normal((5, 4))
    np.testing.assert_allclose(
        plda_scores(again, *sides, *every_pair(3, 5)), plda_scores(plda, *sides, *every_pair(3, 5)), rtol=1e-9
    )


@pytest.mark.parametrize("count", [1, 3])
def test_llr_equals_the_joint_gaussian_one(count):
    plda, between, within = made_plda()
    enrol, test = RNG.standard_normal((3, 4)), RNG.standard_normal((5, 4))
    pairs = every_pair(3, 5)
    scores = plda_scores(plda, enrol, count, test, *pairs, normalise_length=False)
    expected = [
        joint_gaussian_llr(plda.mean, between, within, enrol[i], count, test[j])
        for i, j in zip(*pairs, strict=True)
    ]
    np.testing.assert_allclose(scores, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("normalise_length", [False, True])
def test_llr_is_symmetric_between_single_utterances(normalise_length):
    plda, _, _ = made_plda()
    left, right = RNG.standard_normal((4, 4)), RNG.standard_normal((4, 4))
    there, back = every_pair(4, 4)
    np.testing.assert_allclose(
        plda_scores(plda, left, 1, right, there, back, normalise_length),
        plda_scores(plda, right, 1, left, back, there, normalise_length),
        rtol=1e-9,
        atol=1e-9,
    )


def test_each_models_count_acts_on_its_own_trials_only():
    plda, _, _ = made_plda()
    enrol, test, counts = RNG.standard_normal((6, 4)), RNG.standard_normal((5, 4)), [1, 3, 2, 3, 1, 9]
    pairs = RNG.permutation(np.stack(every_pair(6, 5)), axis=1)
    mixed = plda_scores(plda, enrol, counts, test, *pairs)
    for model, count in enumerate(counts):
        alone = plda_scores(plda, enrol, count, test, *pairs)
        np.testing.assert_allclose(mixed[pairs[0] == model], alone[pairs[0] == model], rtol=1e-12)


def test_llr_is_invariant_to_an_affine_map_of_the_space():
    plda, _, _ = made_plda()
    enrol, test, pairs = RNG.standard_normal((3, 4)), RNG.standard_normal((5, 4)), every_pair(3, 5)
    matrix, shift = RNG.standard_normal((4, 4)) + 3 * np.eye(4), RNG.standard_normal(4)
    mapped = Plda(matrix @ plda.mean + shift, plda.transform @ np.linalg.inv(matrix), plda.psi)
    np.testing.assert_allclose(
        plda_scores(mapped, enrol @ matrix.T + shift, 2, test @ matrix.T + shift, *pairs),
        plda_scores(plda, enrol, 2, test, *pairs),
        rtol=1e-9,
        atol=1e-9,
    )


def test_a_dimension_without_speaker_variance_does_not_count():
    plda = Plda(np.zeros(2), np.eye(2), np.array([3.0, 0.0]))
    enrol, test = np.array([[1.0, 5.0]]), np.array([[0.5, -40.0]])
    wide = plda_scores(plda, enrol, 1, test, [0], [0], normalise_length=False)
    narrow = plda_scores(
        Plda([0.0], [[1.0]], [3.0]), enrol[:, :1], 1, test[:, :1], [0], [0], normalise_length=False
    )
    np.testing.assert_allclose(wide, narrow, rtol=1e-12)


def test_length_normalisation_reaches_the_expected_length():
    plda, _, _ = made_plda()
    vectors, counts = RNG.standard_normal((7, 4)), np.array([1, 2, 3, 1, 2, 9, 1])
    u = plda.transform_vectors(vectors, counts)
    np.testing.assert_allclose((u**2 / (plda.psi + 1 / counts[:, None])).sum(axis=1), 4.0)
    simple = plda.transform_vectors(vectors, counts, simple=True)
    np.testing.assert_allclose((simple**2).sum(axis=1), 4.0)
    raw = plda.transform_vectors(vectors, normalise_length=False)
    np.testing.assert_allclose(raw, (vectors - plda.mean) @ plda.transform.T)


def test_an_empty_trial_list_gives_no_scores():
    plda, _, _ = made_plda()
    assert plda_scores(plda, np.ones((1, 4)), 1, np.ones((1, 4)), [], []).shape == (0,)


def test_a_plda_is_an_immutable_value():
    mean = np.zeros(2)
    plda = Plda(mean, np.eye(2), np.array([2.0, 1.0]))
    mean[0] = 5.0
    assert plda.mean[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        plda.psi[0] = 1.0
    assert repr(plda) == "Plda(dim=2, psi 1 to 2)"


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: Plda(np.zeros(2), np.eye(3), np.ones(2)), "3 dimensions where 2"),
        (lambda: Plda(np.zeros(2), np.eye(2)[:1], np.ones(2)), "must be square"),
        (lambda: Plda(np.zeros(2), np.eye(2), np.ones(3)), r"PLDA psi: .*\(2,\)"),
        (lambda: Plda(np.zeros(2), np.eye(2), np.array([1.0, -0.1])), "item 1 is -0.1"),
        (lambda: Plda(np.array([0.0, np.nan]), np.eye(2), np.ones(2)), "PLDA mean: item 1 is nan"),
        (lambda: unit().smoothed(1.5), "smoothing is 1.5; it lies between 0 and 1"),
        (lambda: Plda.of_covariances(np.zeros(2), np.eye(2), np.ones((2, 2))), "covariance is singular"),
        (lambda: unit().transform_vectors(np.ones((1, 3))), "3 dimensions where 2"),
        (lambda: unit().transform_vectors(np.zeros((1, 2))), "row 0 equals the PLDA mean"),
        (lambda: unit().transform_vectors(np.ones((2, 2)), [1, 0]), "item 1 is 0; a model has 1 or more"),
        (lambda: plda_scores(unit(), np.ones((2, 2)), [1, 1, 1], np.ones((1, 2)), [0], [0]), "num_utts"),
        (lambda: plda_scores(unit(), np.ones((2, 2)), 1, np.ones((1, 2)), [0], [1]), "outside the 1 rows"),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_wrong(work, message):
    with pytest.raises(WespkError, match=message):
        work()


def unit():
    return Plda(np.zeros(2), np.eye(2), np.ones(2))
