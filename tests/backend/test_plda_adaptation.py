import numpy as np
import pytest

from wespk.backend import Plda, adapt_plda, adapt_plda_coral, interpolate_plda, plda_scores, train_plda
from wespk.core.errors import WespkError

RNG = np.random.default_rng(5)
DIM = 4


def made_plda(psi=(6.0, 3.0, 1.0, 0.5)):
    return Plda(RNG.standard_normal(DIM), RNG.standard_normal((DIM, DIM)) + 2 * np.eye(DIM), np.array(psi))


def vectors_of(mean, covariance, size=50):
    """Return vectors (size, D) of exactly this mean and covariance."""
    noise = RNG.standard_normal((size, DIM))
    noise -= noise.mean(axis=0)
    noise = noise @ np.linalg.inv(np.linalg.cholesky(noise.T @ noise / size)).T
    return mean + noise @ np.linalg.cholesky(covariance).T


def scores(plda, seed=0):
    rng = np.random.default_rng(seed)
    sides = rng.standard_normal((6, DIM)), [1, 2, 3, 1, 1, 5], rng.standard_normal((7, DIM))
    return plda_scores(plda, *sides, np.repeat(np.arange(6), 7), np.tile(np.arange(7), 6))


def test_unsupervised_adaptation_equals_kaldis(golden):
    adapted = adapt_plda(golden.plda, golden.chain(golden.adapt), within_scale=0.75, between_scale=0.25)
    np.testing.assert_allclose(adapted.mean, golden.adapted.mean, atol=1e-7)
    np.testing.assert_allclose(adapted.psi, golden.adapted.psi, rtol=1e-6)
    np.testing.assert_allclose(adapted.covariances, golden.adapted.covariances, atol=1e-6)
    enrol_index, test_index, expected = golden.scores["scores_plda_adapt"]
    sides = golden.chain(golden.enrol), golden.num_utts, golden.chain(golden.test)
    result = plda_scores(adapted, *sides, enrol_index, test_index)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def literal_adaptation(plda, rows, within_scale, between_scale, mean_diff_scale):
    """Return B and W by the definition: raised along the axes where the data vary more than W + B."""
    between, within = plda.covariances
    mean = rows.mean(axis=0)
    shift = (mean - plda.mean)[:, None]
    seen = np.cov(rows.T, bias=True) + mean_diff_scale * shift @ shift.T
    values, axes = np.linalg.eig(np.linalg.solve(within + between, seen))
    for value, axis in zip(values.real, axes.real.T, strict=True):
        if value > 1:
            dual = (within + between) @ axis
            raised = (value - 1) * np.outer(dual, dual) / (axis @ dual)
            between, within = between + between_scale * raised, within + within_scale * raised
    return between, within


@pytest.mark.parametrize("scales", [(0.3, 0.7, 1.0), (0.75, 0.25, 0.0), (0.0, 1.5, 2.0)])
def test_unsupervised_adaptation_raises_variance_where_the_data_vary_more(scales):
    plda, rows = made_plda(), RNG.standard_normal((40, DIM)) * [4.0, 0.1, 1.0, 2.0] + 1.0
    adapted = adapt_plda(plda, rows, *scales)
    np.testing.assert_allclose(adapted.mean, rows.mean(axis=0))
    np.testing.assert_allclose(
        adapted.covariances, literal_adaptation(plda, rows, *scales), rtol=1e-8, atol=1e-10
    )


@pytest.mark.parametrize("within_scale", [0.0, 0.3, 1.0])
def test_adapted_to_a_wider_domain_the_model_expects_what_it_sees(within_scale):
    plda = made_plda()
    between, within = plda.covariances
    wider = between + within + np.diag([0.0, 0.1, 1.0, 5.0])  # no s_i is below 1
    rows = vectors_of(plda.mean + np.array([1.0, 0.0, -2.0, 0.5]), wider)
    shift = rows.mean(axis=0) - plda.mean
    adapted = adapt_plda(plda, rows, within_scale, 1.0 - within_scale)
    np.testing.assert_allclose(sum(adapted.covariances), wider + np.outer(shift, shift), rtol=1e-9)


@pytest.mark.parametrize("adapt", [adapt_plda, adapt_plda_coral])
def test_data_as_the_model_expects_them_change_nothing(adapt):
    plda = made_plda()
    adapted = adapt(plda, vectors_of(plda.mean, sum(plda.covariances)))
    np.testing.assert_allclose(adapted.covariances, plda.covariances, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(scores(adapted), scores(plda), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("adapt", [adapt_plda, adapt_plda_coral])
def test_data_drawn_from_the_models_own_domain_hardly_change_the_scores(drawn, adapt):
    plda = train_plda(drawn.embeddings, drawn.labels)
    adapted = adapt(plda, drawn.embeddings)
    pairs = RNG.integers(0, 500, (2, 2000))
    before, after = (
        plda_scores(model, drawn.embeddings[:500], 1, drawn.embeddings[500:1000], *pairs)
        for model in (plda, adapted)
    )
    assert np.std(after - before) < 0.05 * np.std(before)


@pytest.mark.parametrize("adapt", [adapt_plda, adapt_plda_coral])
def test_variance_never_shrinks(adapt):
    plda = made_plda()
    adapted = adapt(plda, 0.01 * RNG.standard_normal((30, DIM)) * [900.0, 1.0, 1.0, 300.0])
    for before, after in zip(plda.covariances, adapted.covariances, strict=True):
        assert np.linalg.eigvalsh(after - before).min() > -1e-9


def test_coral_plus_aligns_the_model_where_the_domain_is_wider_in_all_directions():
    # A domain that is the old one, blown up: with scale 1 both covariances become those of the domain.
    plda = made_plda()
    between, within = plda.covariances
    adapted = adapt_plda_coral(plda, vectors_of(np.zeros(DIM), 9.0 * (between + within)), 1.0, 1.0)
    np.testing.assert_allclose(adapted.covariances, (9.0 * between, 9.0 * within), rtol=1e-7)
    half = adapt_plda_coral(plda, vectors_of(np.zeros(DIM), 9.0 * (between + within)), 0.5, 0.25)
    np.testing.assert_allclose(half.covariances, (3.0 * between, 5.0 * within), rtol=1e-7)


def test_coral_plus_takes_a_model_with_directions_without_speaker_variance():
    adapted = adapt_plda_coral(made_plda((5.0, 1.0, 0.0, 0.0)), 3.0 * RNG.standard_normal((60, DIM)))
    assert np.isfinite(adapted.transform).all() and adapted.psi[0] > 0


def test_adaptation_takes_fewer_embeddings_than_dimensions():
    for adapt in (adapt_plda, adapt_plda_coral):
        assert np.isfinite(scores(adapt(made_plda(), RNG.standard_normal((2, DIM))))).all()


def test_interpolation_at_its_ends_gives_either_model():
    inside, outside = made_plda(), made_plda((2.0, 1.5, 1.0, 0.1))
    np.testing.assert_allclose(scores(interpolate_plda(inside, outside, 1.0)), scores(inside), rtol=1e-8)
    moved = Plda(inside.mean, outside.transform, outside.psi)
    np.testing.assert_allclose(scores(interpolate_plda(inside, outside, 0.0)), scores(moved), rtol=1e-8)


def test_interpolation_averages_the_covariances():
    inside, outside = made_plda(), made_plda((2.0, 1.5, 1.0, 0.1))
    mixed = interpolate_plda(inside, outside, 0.25)
    for result, one, other in zip(mixed.covariances, inside.covariances, outside.covariances, strict=True):
        np.testing.assert_allclose(result, 0.25 * one + 0.75 * other, atol=1e-10)
    np.testing.assert_array_equal(mixed.mean, inside.mean)


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: adapt_plda(made_plda(), np.ones((1, DIM))), "2 embeddings or more, there is 1"),
        (lambda: adapt_plda(made_plda(), np.ones((5, 3))), "3 dimensions where 4"),
        (lambda: adapt_plda(made_plda(), np.full((5, DIM), np.nan)), "row 0 holds NaN"),
        (
            lambda: adapt_plda_coral(made_plda(), np.ones((5, DIM))),
            "PLDA adaptation: the embeddings do not vary .5 are given.",
        ),
        (
            lambda: adapt_plda(made_plda(), np.ones((5, DIM)), -0.1),
            "within_scale is -0.1; it is a number of at least 0",
        ),
        (lambda: adapt_plda_coral(made_plda(), np.ones((5, DIM)), 0.5, np.nan), "between_scale is nan"),
        (lambda: interpolate_plda(made_plda(), made_plda(), 1.1), "weight is 1.1; it lies between 0 and 1"),
        (
            lambda: interpolate_plda(Plda([0.0], [[1.0]], [1.0]), made_plda()),
            "1 dimensions in the domain, 4 outside",
        ),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_wrong(work, message):
    with pytest.raises(WespkError, match=message):
        work()
