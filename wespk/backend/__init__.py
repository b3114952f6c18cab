"""What turns embeddings into scores: mean subtraction and length normalisation (`embeddings`), linear
discriminant analysis (`lda`), cosine similarity (`cosine`), the two-covariance PLDA of Kaldi (`plda`),
adaptive score normalisation (`score_norm`) and the linear calibration of scores into log-likelihood ratios
(`calibration`). Everything here is a pure function on numpy arrays: an embedding is a row, a trial is a pair
of row numbers, and no function knows a file, a corpus or an utterance id. Bad input raises
`wespk.core.errors.WespkError` with one line to read.
"""

from wespk.backend.calibration import LinearCalibration, train_linear_calibration
from wespk.backend.cosine import cosine_scores
from wespk.backend.embeddings import average_per_model, mean_embedding, normalise_length, subtract_mean
from wespk.backend.lda import apply_lda, train_lda
from wespk.backend.plda import Plda, plda_scores
from wespk.backend.plda_training import train_plda
from wespk.backend.score_norm import CohortStatistics, adaptive_s_norm, s_norm, top_k_statistics

__all__ = [
    "CohortStatistics",
    "LinearCalibration",
    "Plda",
    "adaptive_s_norm",
    "apply_lda",
    "average_per_model",
    "cosine_scores",
    "mean_embedding",
    "normalise_length",
    "plda_scores",
    "s_norm",
    "subtract_mean",
    "top_k_statistics",
    "train_lda",
    "train_linear_calibration",
    "train_plda",
]
