"""What turns embeddings into scores: mean subtraction, length normalisation and averages (`embeddings`),
whitening, linear discriminant analysis, within-class covariance normalisation and correlation alignment
(`whitening`, `lda`, `wccn`, `coral`) and their chains (`transforms`), the two-covariance PLDA of Kaldi
(`plda`), its training and adaptation to another domain (`plda_training`, `plda_adaptation`), scorers of pairs
by the cosine or a PLDA (`scorer`), adaptive score normalisation (`score_norm`) and the linear calibration of
scores into log-likelihood ratios (`calibration`). Everything here is a pure function on numpy arrays: an
embedding is a row, a trial is a pair of row numbers, and no function knows a file, a corpus or an utterance
id. Bad input raises `wespk.core.errors.WespkError` with one line to read.
"""

from wespk.backend.calibration import LinearCalibration, train_linear_calibration
from wespk.backend.coral import train_coral
from wespk.backend.embeddings import average_per_model, mean_embedding, normalise_length, subtract_mean
from wespk.backend.lda import train_lda
from wespk.backend.plda import Plda
from wespk.backend.plda_adaptation import adapt_plda, adapt_plda_coral, interpolate_plda
from wespk.backend.plda_training import train_plda
from wespk.backend.score_norm import CohortStatistics, adaptive_s_norm, s_norm, top_k_statistics
from wespk.backend.scorer import PairScorer, cosine_scorer, cosine_scores, plda_scorer, plda_scores
from wespk.backend.transforms import Affine, Chain, LengthNorm
from wespk.backend.wccn import train_wccn
from wespk.backend.whitening import train_whitening

__all__ = [
    "Affine",
    "Chain",
    "CohortStatistics",
    "LengthNorm",
    "LinearCalibration",
    "PairScorer",
    "Plda",
    "adapt_plda",
    "adapt_plda_coral",
    "adaptive_s_norm",
    "average_per_model",
    "cosine_scorer",
    "cosine_scores",
    "interpolate_plda",
    "mean_embedding",
    "normalise_length",
    "plda_scorer",
    "plda_scores",
    "s_norm",
    "subtract_mean",
    "top_k_statistics",
    "train_coral",
    "train_lda",
    "train_linear_calibration",
    "train_plda",
    "train_wccn",
    "train_whitening",
]
