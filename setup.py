"""Install wespk and its `wespk` command. Exact tested versions are in tools/constraints.txt."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "wespk/__init__.py").read_text("utf-8"))[1]

setup(
    name="wespk",
    version=VERSION,
    description="Speaker verification and identification recipes in Python and shell",
    long_description=(ROOT / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["wespk", "wespk.*"]),
    package_data={"wespk": ["py.typed"]},
    install_requires=[
        "torch>=2.6,<=2.13.0",  # newer builds bring a CUDA that torchaudio 2.11 was not built for
        "torchaudio>=2.6,<=2.11.0",
        "kaldiio>=2.18",
        "numpy>=1.26",
        "scipy>=1.11",
        "soundfile>=0.13",
        "soxr>=0.4",
        "pydantic>=2.7",
        "pyyaml>=6.0",
        "rich>=13",
        "safetensors>=0.4",
    ],
    extras_require={
        "recipes": [
            "matplotlib>=3.8",
            "scikit-learn>=1.4",  # the map of embeddings
            "tensorboard>=2.16",
            "espeakng-loader>=0.2.4",
        ],
        "vad": ["silero-vad>=6", "onnxruntime>=1.16"],  # a neural voice activity detector
        "dev": [
            "pytest>=8",
            "hypothesis>=6.100",
            "kaldi-native-fbank>=1.22",
            "ruff",
            "mypy",
            "types-PyYAML",
        ],
    },
    entry_points={"console_scripts": ["wespk=wespk.cli.main:main"]},
)
