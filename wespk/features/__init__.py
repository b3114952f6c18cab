"""Acoustic features. One `FeatureSpec` says everything that turns samples into network input."""

from wespk.features.extractor import FeatureExtractor
from wespk.features.kaldi import Fbank, Mfcc, Spectrogram
from wespk.features.kaldi_conf import read_kaldi_options
from wespk.features.mel_spectrogram import MelSpectrogram
from wespk.features.options import FbankOptions, MelSpectrogramOptions, MfccOptions, SpectrogramOptions
from wespk.features.spec import FeatureSpec

__all__ = [
    "Fbank",
    "FbankOptions",
    "FeatureExtractor",
    "FeatureSpec",
    "MelSpectrogram",
    "MelSpectrogramOptions",
    "Mfcc",
    "MfccOptions",
    "Spectrogram",
    "SpectrogramOptions",
    "read_kaldi_options",
]
