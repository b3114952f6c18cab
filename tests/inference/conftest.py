"""Shared by the tests of inference: models whose weights and batch statistics are random, not trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from wespk.core.config import Component, StrictModel
from wespk.features import FbankOptions, FeatureSpec
from wespk.inference import SpeakerModel, load_model, save_model
from wespk.inference.model_dir import describe_model
from wespk.models import build_model

BINS = 16


class _Config(StrictModel):
    model: Component


@pytest.fixture
def make_model(tmp_path) -> Callable[..., SpeakerModel]:
    """Write and load a model directory of `network`, for Fbank of 16 bins unless another spec is given."""

    def make(
        network: dict[str, object], spec: FeatureSpec | None = None, name: str = "model"
    ) -> SpeakerModel:
        spec = spec or FeatureSpec(options=FbankOptions(num_mel_bins=BINS, dither=0), cmn="utterance")
        component = Component(**network)
        torch.manual_seed(0)
        built = build_model(component, spec.dim)
        for key, value in built.state_dict().items():
            if "running" in key:  # so that padding which is not masked would show
                value.copy_(torch.rand_like(value) + 0.5)
        describe_model(tmp_path / "run", _Config(model=component), spec, ["s1", "s2"], {"seed": 1})
        save_model(tmp_path / name, tmp_path / "run", built.state_dict(), {"seed": 1})
        return load_model(Path(tmp_path / name), "cpu")

    return make
