"""Training the two-covariance PLDA by expectation maximisation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.backend.arrays import FloatArray, as_classes, as_embeddings
from wespk.backend.embeddings import scatter_about, sum_per_class
from wespk.backend.plda import Plda, diagonalise
from wespk.core.errors import WespkError

# A direction whose within-class variance is this small beside the largest is rounding, not variance.
SINGULAR = 1e-12


def train_plda(
    embeddings: ArrayLike,
    labels: ArrayLike,
    iterations: int = 10,
    on_iteration: Callable[[int, float], None] | None = None,
) -> Plda:
    """Estimate a PLDA from embeddings (N, D) and their speakers' labels (N,), as Kaldi does.

    EM in float64 from W = B = I, with the mean fixed at the unweighted mean of the speakers' means.
    on_iteration(i, objective), if given, is called for i = 0 (the start) to `iterations` with the average
    log-likelihood of a vector (nats), which never falls.

    Raises `WespkError` for fewer than 2 speakers, NaN, labels that do not pair up, and a singular
    within-class covariance (fewer than K + D vectors, or vectors that do not span the D dimensions).

    Source: Ioffe 2006; the EM of the two-covariance model as in Sizov, Lee and Kinnunen 2014 ("Unifying
    probabilistic linear discriminant analysis variants"), section 3.
    """
    if iterations < 1:
        raise WespkError(f"iterations: {iterations} is too few; PLDA training takes 1 or more (Kaldi: 10)")
    stats = _collect(as_embeddings("embeddings", embeddings), labels)
    report = on_iteration or (lambda iteration, objective: None)
    # The current W and B are held as the pair (transform, psi) that makes them I and diag(psi): a class's
    # posterior covariance is then psi / (1 + n psi) whatever its n, and no matrix is ever inverted.
    transform, psi = np.eye(stats.dim), np.ones(stats.dim)
    for iteration in range(iterations):
        means = stats.means @ transform.T  # (K, D), in the current basis
        scatter = transform @ stats.scatter @ transform.T
        report(iteration, _objective(stats, transform, psi, means, scatter))
        between, within = _maximise(stats.counts, psi, means, scatter)
        step, psi = diagonalise(between, within)
        transform = step @ transform
    means, scatter = stats.means @ transform.T, transform @ stats.scatter @ transform.T
    report(iterations, _objective(stats, transform, psi, means, scatter))
    return Plda(stats.mean, transform, psi)


@dataclass(frozen=True)
class _Stats:
    """Sufficient statistics: K speakers' counts (K,) and means (K, D) about `mean`, within-class scatter."""

    mean: NDArray[np.float64]
    counts: NDArray[np.float64]
    means: NDArray[np.float64]
    scatter: NDArray[np.float64]

    @property
    def dim(self) -> int:
        return len(self.mean)


def _collect(rows: FloatArray, labels: ArrayLike) -> _Stats:
    """Gather the statistics, and refuse data from which W cannot be estimated."""
    index, counts = as_classes("PLDA training", labels, len(rows))
    dim, spare = rows.shape[1], len(rows) - len(counts)
    advice = "give more utterances a speaker, or reduce the dimension first (LDA)"
    if spare < dim:
        raise WespkError(
            f"PLDA training: {len(rows)} vectors of {len(counts)} speakers leave {spare} degrees of "
            f"freedom for a within-class covariance of {dim} dimensions, which is singular; {advice}"
        )
    centres = sum_per_class(rows, index, len(counts)) / counts[:, None]
    scatter = scatter_about(rows, centres, index)
    variances = np.linalg.eigvalsh(scatter)
    if variances[0] <= SINGULAR * variances[-1]:
        flat = int((variances <= SINGULAR * variances[-1]).sum())
        raise WespkError(
            f"PLDA training: the within-class covariance is singular, {flat} of {dim} directions do not vary "
            f"within speakers (repeated or constant embeddings?); {advice}"
        )
    mean = centres.mean(axis=0)
    return _Stats(mean, counts.astype(np.float64), centres - mean, scatter)


def _maximise(
    counts: NDArray[np.float64],
    psi: NDArray[np.float64],
    means: NDArray[np.float64],
    scatter: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One E and M step in the basis where W = I and B = diag(psi): return the new B and W, (D, D) each.

    V_k = (B^-1 + n_k W^-1)^-1 and w_k = V_k n_k W^-1 m_k are the posterior of speaker k's centre;
    B = (1/K) sum(V_k + w_k w_k^T), W = (1/N) [S + sum n_k (V_k + (m_k - w_k)(m_k - w_k)^T)].
    """
    n = counts[:, None]
    posterior = psi / (1.0 + n * psi)  # the diagonals of V_k, (K, D)
    centres = n * posterior * means
    rest = np.sqrt(n) * (means - centres)
    between = centres.T @ centres + np.diag(posterior.sum(axis=0))
    within = scatter + rest.T @ rest + np.diag((n * posterior).sum(axis=0))
    return between / len(counts), within / counts.sum()


def _objective(
    stats: _Stats,
    transform: NDArray[np.float64],
    psi: NDArray[np.float64],
    means: NDArray[np.float64],
    scatter: NDArray[np.float64],
) -> float:
    """Return the average log-likelihood of a vector; means and scatter are in the transform's basis.

    A speaker's n vectors split into their mean, N(0, B + W/n), and n - 1 independent differences, N(0, W).
    """
    n, total = stats.counts[:, None], stats.counts.sum()
    spread = psi + 1.0 / n
    of_means = (np.log(n * spread) + means**2 / spread).sum()
    log_volume = np.linalg.slogdet(transform)[1]  # log |W| = -2 log |A|
    value = of_means + np.trace(scatter) - 2.0 * total * log_volume
    return float(-0.5 * (value / total + stats.dim * np.log(2.0 * np.pi)))
