"""The one path from samples to features, for recipes, training, extraction and services."""

from __future__ import annotations

import numpy as np
import torch

from wespk.core.files import digest
from wespk.features.fbank import Fbank
from wespk.features.spec import FeatureSpec


class FeatureExtractor:
    """Computes what a `FeatureSpec` describes."""

    def __init__(self, spec: FeatureSpec) -> None:
        self.spec = spec
        self._fbank = Fbank(spec.fbank)

    def __call__(self, samples: np.ndarray, utt: str = "") -> np.ndarray:
        """Return float32 features (T, F) of float32 samples (N,) in [-1, 1], after `spec.cmn`.

        Dither, where the specification asks for it, is seeded by the utterance id: the same every time.
        """
        generator = None
        if self.spec.fbank.dither > 0:
            generator = torch.Generator().manual_seed(int(digest(utt)[:15], 16))
        with torch.inference_mode():
            features = self._fbank(torch.from_numpy(samples) * self.spec.scale, generator).numpy()
        return normalise(features, self.spec)


def normalise(features: np.ndarray, spec: FeatureSpec) -> np.ndarray:
    """Turn archived features (T, F) into network input: subtract the mean over T where `spec.cmn` says so."""
    if spec.cmn == "utterance" and len(features):
        return features - features.mean(axis=0, dtype=np.float32)
    return features
