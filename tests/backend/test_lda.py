import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.backend import (
    Affine,
    mean_embedding,
    normalise_length,
    plda_scores,
    subtract_mean,
    train_lda,
    train_plda,
)
from wespk.core.errors import WespkError

RNG = np.random.default_rng(11)


def made(seed, dim=5, speakers=9):
    """Return 3 to 9 vectors of each speaker about a mean, as many directions between speakers as dim."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(speakers), random.integers(3, 10, speakers))
    centres = random.standard_normal((speakers, dim)) * np.geomspace(4.0, 0.5, dim)
    noise = random.standard_normal((len(labels), dim)) * random.uniform(0.5, 2.0, dim)
    rotation, _ = np.linalg.qr(random.standard_normal((dim, dim)))  # well conditioned: nothing to floor
    return 2.0 + (centres[labels] + noise) @ rotation, labels


def apply_lda(matrix, rows):
    return Affine(matrix).apply(rows)


def covariances(rows, labels):
    """Return total and within-speaker covariance, both over N, by their definition."""
    total = (rows - rows.mean(axis=0)).T @ (rows - rows.mean(axis=0)) / len(rows)
    rest = np.concatenate([rows[labels == spk] - rows[labels == spk].mean(axis=0) for spk in set(labels)])
    return total, rest.T @ rest / len(rows)


def up_to_sign(rows, like):
    """Turn each column of `rows` to agree with that of `like`."""
    return rows * np.sign(np.sum(rows * like, axis=0))


def test_the_matrix_is_kaldis_up_to_the_signs_of_its_rows(golden):
    matrix = train_lda(subtract_mean(golden.train, golden.mean), golden.labels, len(golden.lda))
    assert matrix.shape == golden.lda.shape == (16, 25)
    ours = up_to_sign(matrix.T, golden.lda.T).T
    np.testing.assert_allclose(ours[:, :-1], golden.lda[:, :-1], rtol=1e-5, atol=1e-6)
    # The offset is the mean of mean-subtracted float32 vectors: their rounding.
    np.testing.assert_allclose(ours[:, -1], golden.lda[:, -1], atol=1e-5)


def test_the_last_column_takes_the_place_of_mean_subtraction(golden):
    before = apply_lda(golden.lda, subtract_mean(golden.train, golden.mean))
    within = apply_lda(train_lda(golden.train, golden.labels, 16), golden.train)
    np.testing.assert_allclose(up_to_sign(within, before), before, atol=1e-4)


@pytest.mark.parametrize(("name", "counted"), [("scores_plda", False), ("scores_plda_numutts", True)])
def test_the_whole_chain_computed_here_gives_kaldis_scores(golden, name, counted):
    mean = mean_embedding(golden.train)
    matrix = train_lda(subtract_mean(golden.train, mean), golden.labels, 16)

    def chain(rows):
        return normalise_length(apply_lda(matrix, subtract_mean(rows, mean)), "sqrt_dim")

    plda = train_plda(chain(golden.train), golden.labels)
    enrol_index, test_index, expected = golden.scores[name]
    counts = golden.num_utts if counted else 1
    scores = plda_scores(plda, chain(golden.enrol), counts, chain(golden.test), enrol_index, test_index)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("factor", [0.0, 0.3, 1.0])
@given(seed=st.integers(0, 10_000), dim=st.integers(1, 5))
@settings(max_examples=20)
def test_the_mixed_covariance_becomes_the_identity_and_the_mean_zero(factor, seed, dim):
    rows, labels = made(seed)
    mapped = apply_lda(train_lda(rows, labels, dim, factor), rows)
    np.testing.assert_allclose(mapped.mean(axis=0), np.zeros(dim), atol=1e-9)
    total, within = covariances(mapped, labels)
    np.testing.assert_allclose(factor * total + (1 - factor) * within, np.eye(dim), atol=1e-8)
    between = np.diag(total - within)
    np.testing.assert_allclose(total - within, np.diag(between), atol=1e-8 * max(1.0, between.max()))
    assert (np.diff(between) <= 1e-9).all()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20)
def test_the_kept_directions_have_the_largest_generalised_eigenvalues(seed):
    rows, labels = made(seed)
    total, within = covariances(rows, labels)
    expected = scipy.linalg.eigh(total - within, within, eigvals_only=True)[::-1][:3]
    total, within = covariances(apply_lda(train_lda(rows, labels, 3), rows), labels)
    np.testing.assert_allclose(np.diag(total - within), expected, rtol=1e-8)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20)
def test_the_matrix_does_not_depend_on_the_order_or_the_names_of_speakers(seed):
    rows, labels = made(seed)
    order = np.random.default_rng(seed).permutation(len(rows))
    names = np.array([f"spk{9 - label}" for label in labels])
    np.testing.assert_allclose(
        train_lda(rows, labels, 4), train_lda(rows[order], names[order], 4), rtol=1e-6, atol=1e-8
    )


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20)
def test_an_invertible_affine_map_of_the_input_changes_signs_alone(seed):
    rows, labels = made(seed)
    random = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(random.standard_normal((5, 5)))
    other = rows @ (rotation * random.uniform(0.3, 3.0, 5)) + random.standard_normal(5)
    mapped = apply_lda(train_lda(rows, labels, 4), rows)
    again = apply_lda(train_lda(other, labels, 4), other)
    np.testing.assert_allclose(up_to_sign(again, mapped), mapped, atol=1e-7)


def test_fewer_dimensions_are_the_first_rows_and_the_largest_entries_positive():
    rows, labels = made(3)
    whole = train_lda(rows, labels, 5)
    np.testing.assert_allclose(train_lda(rows, labels, 2), whole[:2], atol=1e-12)
    linear = whole[:, :-1]
    assert (linear[np.arange(5), np.abs(linear).argmax(axis=1)] > 0).all()


def test_low_eigenvalues_are_floored_relative_to_the_largest_and_reported():
    rows, labels = made(5, dim=4)
    padded = np.column_stack([rows, np.zeros(len(rows))])  # a direction that never varies
    floored = []
    matrix = train_lda(padded, labels, 4, on_floored=floored.append)
    assert floored == [1]
    reference = train_lda(rows, labels, 4, on_floored=floored.append)
    assert floored == [1]
    np.testing.assert_allclose(np.delete(matrix, 4, axis=1), reference, rtol=1e-6, atol=1e-9)
    scaled = train_lda(1e3 * padded, labels, 4, on_floored=floored.append)
    assert floored == [1, 1]
    np.testing.assert_allclose(1e3 * scaled[:, :-1], matrix[:, :-1], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: train_lda(*made(0), 6), "dim: 6 is too many; the embeddings have 5 dimensions"),
        (lambda: train_lda(*made(0), 0), "dim: 0 is too few"),
        (lambda: train_lda(*made(0, 5, 4), 4), "means of 4 speakers differ in at most 3 dimensions"),
        (lambda: train_lda(*made(0), 2, 1.5), "total_covariance_factor is 1.5"),
        (lambda: train_lda(*made(0), 2, 0.0, 0.0), "covariance_floor is 0.0"),
        (lambda: train_lda(np.ones((3, 2)), ["a"] * 3, 1), "LDA training needs at least 2 speakers"),
        (lambda: train_lda(np.ones((3, 2)), ["a"] * 2, 1), r"labels: shape \(2,\) for 3 embeddings"),
        (lambda: train_lda([[1.0, np.nan]] * 4, [0, 0, 1, 1], 1), "row 0 holds NaN"),
        (lambda: train_lda(np.ones((4, 2)), [0, 0, 1, 1], 1), "do not vary within speakers"),
        (lambda: train_lda(RNG.standard_normal((4, 2)), range(4), 1), "do not vary within speakers"),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_wrong(work, message):
    with pytest.raises(WespkError, match=message) as caught:
        work()
    assert "\n" not in str(caught.value)
