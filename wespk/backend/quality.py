"""Quality measures of utterances, and what a trial takes from those of its two sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.backend.arrays import as_embeddings, as_index, as_trials, as_vector
from wespk.core.errors import WespkError

# Measures of how much speech there is: their logarithm is taken, as twice 2 s helps as much as twice 20 s.
LOG_MEASURES = ("duration", "voiced", "utt2dur", "utt2num_frames")


def magnitudes(embeddings: ArrayLike) -> NDArray[np.float64]:
    """Return the Euclidean norms (N,) of embeddings (N, D) as the network gave them.

    Networks that were trained on angles give clear speech longer vectors. Raises `WespkError` for NaN.
    """
    rows = as_embeddings("embeddings", embeddings)
    return np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))


def model_quality(values: ArrayLike, model_index: ArrayLike, num_models: int) -> NDArray[np.float64]:
    """Return the quality (num_models,) of models: the mean over their enrolment utterances.

    values (N,) are the measure of each enrolment utterance, model_index (N,) its model. Raises `WespkError`
    for NaN or a model without utterances.
    """
    index = as_index("model_index", model_index, num_models)
    measured = as_vector("values", values, len(index))
    counts = np.bincount(index, minlength=num_models)
    if not counts.all():
        raise WespkError(f"model_index: model {int(np.argmin(counts))} has no enrolment utterance")
    return np.bincount(index, weights=measured, minlength=num_models) / counts


def trial_quality(
    enrol: ArrayLike, test: ArrayLike, enrol_index: ArrayLike, test_index: ArrayLike
) -> NDArray[np.float64]:
    """Return the lower and the higher quality of each trial's two sides, (K, 2).

    enrol (M,) and test (N,) are one measure of models and test utterances, enrol_index and test_index (K,)
    the rows of each trial. Minimum and maximum keep a calibrated score the same when the sides change places
    (after Thienpondt et al. 2021, "The IDLab VoxSRC-20 submission: large margin fine-tuning and quality-aware
    score calibration in DNN based speaker verification"). Raises `WespkError` for NaN or a row outside.
    """
    models, tests = as_vector("enrol", enrol), as_vector("test", test)
    rows, columns = as_trials(enrol_index, test_index, len(models), len(tests))
    of_model, of_test = models[rows], tests[columns]
    return np.column_stack([np.minimum(of_model, of_test), np.maximum(of_model, of_test)])
