"""Acoustic features. One `FeatureSpec` says everything that turns samples into network input."""

from wespk.features.extractor import FeatureExtractor
from wespk.features.fbank import Fbank
from wespk.features.spec import FbankOptions, FeatureSpec, read_kaldi_options

__all__ = ["Fbank", "FbankOptions", "FeatureExtractor", "FeatureSpec", "read_kaldi_options"]
