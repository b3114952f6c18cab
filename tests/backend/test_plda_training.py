import numpy as np
import pytest
from scipy.stats import multivariate_normal

from wespk.backend import train_plda
from wespk.core.errors import WespkError

RNG = np.random.default_rng(3)


def covariances(plda):
    """Return B and W of a PLDA."""
    inverse = np.linalg.inv(plda.transform)
    return inverse @ np.diag(plda.psi) @ inverse.T, inverse @ inverse.T


def literal_em(embeddings, labels, iterations):
    """Return mean, B, W of the EM as its equations stand: one matrix inverse a speaker and iteration."""
    classes = [embeddings[labels == label] for label in np.unique(labels)]
    means = np.array([rows.mean(axis=0) for rows in classes])
    mean, dim = means.mean(axis=0), embeddings.shape[1]
    scatter = sum((rows - rows.mean(axis=0)).T @ (rows - rows.mean(axis=0)) for rows in classes)
    between, within = np.eye(dim), np.eye(dim)
    for _ in range(iterations):
        new_between, new_within = np.zeros((dim, dim)), scatter.copy()
        for rows, own in zip(classes, means - mean, strict=True):
            n = len(rows)
            posterior = np.linalg.inv(np.linalg.inv(between) + n * np.linalg.inv(within))
            centre = posterior @ (n * np.linalg.inv(within)) @ own
            new_between += posterior + np.outer(centre, centre)
            new_within += n * (posterior + np.outer(own - centre, own - centre))
        between, within = new_between / len(classes), new_within / len(embeddings)
    return mean, between, within


def small():
    """Return 60 vectors of 12 speakers in 3 dimensions, unequal counts, one speaker with one vector."""
    labels = np.repeat(np.arange(12), [1, 2, 3, 4, 5, 6, 7, 8, 9, 6, 5, 4])
    return RNG.standard_normal((12, 3))[labels] * [3, 1, 0.3] + RNG.standard_normal((60, 3)), labels


@pytest.mark.parametrize("iterations", [1, 2, 10])
def test_training_equals_the_literal_em(iterations):
    embeddings, labels = small()
    plda = train_plda(embeddings, labels, iterations)
    mean, between, within = literal_em(embeddings, labels, iterations)
    np.testing.assert_allclose(plda.mean, mean, atol=1e-12)
    trained_between, trained_within = covariances(plda)
    np.testing.assert_allclose(trained_between, between, atol=1e-9)
    np.testing.assert_allclose(trained_within, within, atol=1e-9)


def test_the_model_is_diagonal_with_psi_descending(drawn):
    plda = train_plda(drawn.embeddings, drawn.labels)
    assert (np.diff(plda.psi) <= 0).all() and plda.psi[-1] >= 0


def test_training_on_kaldis_vectors_gives_kaldis_mean_and_psi(golden):
    plda = train_plda(golden.chain(golden.train), golden.labels)
    np.testing.assert_allclose(plda.mean, golden.plda.mean, atol=1e-6)
    np.testing.assert_allclose(plda.psi, golden.plda.psi, rtol=1e-5)


def test_objective_never_falls_and_is_reported_for_every_iteration(golden, drawn):
    for embeddings, labels in ((golden.chain(golden.train), golden.labels), (drawn.embeddings, drawn.labels)):
        trace = []
        train_plda(embeddings, labels, 25, on_iteration=lambda i, value, to=trace: to.append((i, value)))
        assert [iteration for iteration, _ in trace] == list(range(26))
        values = np.array([value for _, value in trace])
        assert (np.diff(values) >= -1e-9).all()
        assert values[-1] > values[0]


def test_objective_is_the_log_likelihood_of_the_data():
    embeddings, labels = small()
    values = []
    plda = train_plda(embeddings, labels, 4, on_iteration=lambda _, value: values.append(value))
    between, within = covariances(plda)
    total = 0.0
    for label in np.unique(labels):
        rows = embeddings[labels == label]
        n = len(rows)
        joint = np.kron(np.ones((n, n)), between) + np.kron(np.eye(n), within)
        total += multivariate_normal(np.tile(plda.mean, n), joint).logpdf(rows.ravel())
    assert values[-1] == pytest.approx(total / len(embeddings), rel=1e-9)


def test_training_recovers_the_covariances_that_made_the_data(drawn):
    plda = train_plda(drawn.embeddings, drawn.labels, iterations=20)
    between, within = covariances(plda)
    scale = np.abs(drawn.between).max()
    np.testing.assert_allclose(plda.mean, drawn.mean, atol=4 * np.sqrt(scale / 1500))
    np.testing.assert_allclose(between, drawn.between, atol=0.1 * scale)
    np.testing.assert_allclose(within, drawn.within, atol=0.05 * np.abs(drawn.within).max())


def test_training_does_not_depend_on_the_order_or_the_names_of_speakers(drawn):
    order = RNG.permutation(len(drawn.labels))
    one = train_plda(drawn.embeddings, drawn.labels)
    names = np.array([f"spk{label:04d}" for label in drawn.labels])
    other = train_plda(drawn.embeddings[order], names[order])
    np.testing.assert_allclose(one.psi, other.psi, rtol=1e-9)
    for left, right in zip(covariances(one), covariances(other), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-9)


@pytest.mark.parametrize(
    ("embeddings", "labels", "message"),
    [
        (np.ones((5, 2)), ["a"] * 5, "at least 2 speakers, the labels name 1"),
        (RNG.standard_normal((5, 3)), [0, 0, 0, 1, 1], None),
        (
            RNG.standard_normal((4, 3)),
            [0, 0, 1, 1],
            "4 vectors of 2 speakers leave 2 degrees .* reduce the dim",
        ),
        (RNG.standard_normal((8, 1)) * [1.0, 2.0], [0, 0, 0, 0, 1, 1, 1, 1], "singular, 1 of 2 directions"),
        (np.ones((8, 2)), [0, 0, 0, 0, 1, 1, 1, 1], "singular, 2 of 2 directions"),
        (np.array([[1.0, np.nan]] * 4), [0, 0, 1, 1], "row 0 holds NaN"),
        (np.ones((4, 2)), [0, 0, 1], r"labels: shape \(3,\) for 4 embeddings"),
    ],
)
def test_data_that_cannot_train_is_refused_with_the_reason(embeddings, labels, message):
    if message is None:
        train_plda(embeddings, labels)  # exactly enough
        return
    with pytest.raises(WespkError, match=message):
        train_plda(embeddings, labels)


def test_no_iterations_is_refused():
    with pytest.raises(WespkError, match="iterations: 0"):
        train_plda(*small(), iterations=0)
