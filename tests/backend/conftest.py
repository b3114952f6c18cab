"""Kaldi's golden back-end figures, and made embeddings of a known two-covariance model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import kaldiio
import numpy as np
import pytest

from wespk.backend import Affine, Chain, LengthNorm, Plda, average_per_model
from wespk.data.kaldi_objects import read_matrix, read_plda, read_vector

GOLDEN = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Golden:
    """The inputs as arrays, the trained objects, and each score file as (enrol_index, test_index, scores).

    `adapt` are unlabelled embeddings of another domain, `adapted` what Kaldi made of `plda` with them
    (--within-covar-scale=0.75 --between-covar-scale=0.25).
    """

    train: np.ndarray
    labels: np.ndarray
    enrol: np.ndarray
    num_utts: np.ndarray
    test: np.ndarray
    mean: np.ndarray
    lda: np.ndarray
    plda: Plda
    adapt: np.ndarray
    adapted: Plda
    scores: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]

    def chain(self, embeddings: np.ndarray) -> np.ndarray:
        """Subtract the mean, apply LDA (its last column is an offset), normalise to sqrt(D)."""
        steps = Affine.subtracting(self.mean), Affine(self.lda), LengthNorm("sqrt_dim")
        return Chain(steps).apply(embeddings)


@pytest.fixture(scope="session")
def golden() -> Golden:
    train = dict(kaldiio.load_ark(str(GOLDEN / "train.ark")))
    utt2spk = dict(line.split() for line in (GOLDEN / "train_utt2spk").read_text().splitlines())
    utts = dict(kaldiio.load_ark(str(GOLDEN / "enrol_utts.ark")))
    models = [line.split() for line in (GOLDEN / "enrol_spk2utt").read_text().splitlines()]
    model_index = [row for row, (_, *of_model) in enumerate(models) for _ in of_model]
    enrol, num_utts = average_per_model(
        np.stack([utts[utt] for _, *of_model in models for utt in of_model]), model_index, len(models)
    )
    test = dict(kaldiio.load_ark(str(GOLDEN / "test.ark")))
    enrol_row = {model: row for row, (model, *_) in enumerate(models)}
    test_row = {utt: row for row, utt in enumerate(test)}
    scores = {}
    for name in ("scores_plda", "scores_plda_numutts", "scores_plda_nonorm", "scores_plda_adapt"):
        lines = [line.split() for line in (GOLDEN / f"{name}.txt").read_text().splitlines()]
        scores[name] = (
            np.array([enrol_row[enrol_id] for enrol_id, _, _ in lines]),
            np.array([test_row[test_id] for _, test_id, _ in lines]),
            np.array([float(score) for _, _, score in lines]),
        )
    return Golden(
        train=np.stack(list(train.values())),
        labels=np.array([utt2spk[utt] for utt in train]),
        enrol=enrol,
        num_utts=num_utts,
        test=np.stack(list(test.values())),
        mean=read_vector(GOLDEN / "mean.vec"),
        lda=read_matrix(GOLDEN / "lda.mat"),
        plda=Plda(*read_plda(GOLDEN / "plda")),
        adapt=np.stack(list(dict(kaldiio.load_ark(str(GOLDEN / "adapt.ark"))).values())),
        adapted=Plda(*read_plda(GOLDEN / "plda_adapt")),
        scores=scores,
    )


@dataclass(frozen=True)
class TwoCovariance:
    """A two-covariance model and embeddings drawn from it."""

    mean: np.ndarray
    between: np.ndarray
    within: np.ndarray
    embeddings: np.ndarray
    labels: np.ndarray


@pytest.fixture(scope="session")
def drawn() -> TwoCovariance:
    """1500 speakers of 2 to 14 utterances in 6 dimensions."""
    rng = np.random.default_rng(7)
    dim, mean = 6, np.array([1.0, -2.0, 0.5, 0.0, 3.0, -1.0])
    mix = rng.standard_normal((dim, dim))
    between = mix @ np.diag([8.0, 4.0, 2.0, 1.0, 0.5, 0.25]) @ mix.T
    mix = rng.standard_normal((dim, dim))
    within = mix @ mix.T + 0.5 * np.eye(dim)
    labels = np.repeat(np.arange(1500), rng.integers(2, 15, 1500))
    centres = rng.multivariate_normal(mean, between, 1500)
    embeddings = centres[labels] + rng.multivariate_normal(np.zeros(dim), within, len(labels))
    order = rng.permutation(len(labels))
    return TwoCovariance(mean, between, within, embeddings[order], labels[order])
