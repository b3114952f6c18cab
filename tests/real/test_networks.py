"""What networks make of real speech: one embedding in any batch, and speakers learnt in a few seconds."""

import pytest
import torch
from invariance import as_trained, utterances, worst_distance
from small_networks import DEEP, SMALL
from torch import nn

from wespk.core.config import Component
from wespk.data.audio import read_audio
from wespk.features import FbankOptions, FeatureExtractor, FeatureSpec
from wespk.losses import build_head
from wespk.models import REGISTRY, build_model
from wespk.models.pooling import REGISTRY as POOLINGS

FEAT_DIM = 40
STEPS = 100
# One of each architecture: the shallowest that has all of its parts.
FAMILIES = {
    "tdnn": SMALL["tdnn"],
    "ecapa_tdnn": SMALL["ecapa_tdnn"],
    "campplus": SMALL["campplus"] | {"depths": [2, 2, 2]},
    "wespk.models.resnet:ResNet": {"depths": [1, 1, 1, 1], "channels": 8},
    "wespk.models.resnetse:ResNetSe": {"depths": [1, 1, 1, 1], "channels": 8},
    "wespk.models.res2net:Res2Net": {"depths": [1, 1, 1, 1], "channels": 8},
    "wespk.models.eres2net:ERes2Net": {"depths": [1, 1, 1, 1], "channels": 8},
    "wespk.models.eres2netv2:ERes2NetV2": {"depths": [1, 1, 1, 1], "channels": 8},
}


@pytest.fixture(scope="module")
def mixed_lengths(real_data):
    """Three recordings of 65 to 200 frames."""
    return [
        each[:frames] for each, frames in zip(utterances(real_data / "an4", 3), (65, 130, 200), strict=True)
    ]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in DEEP else ()) for name in REGISTRY]
)
def test_embeddings_do_not_depend_on_batch_mates(name, mixed_lengths):
    for pooling in POOLINGS:
        model = build_model(Component(name=name, pooling=pooling, **SMALL[name]), 80)
        assert worst_distance(as_trained(model, mixed_lengths), mixed_lengths) < 1e-5, pooling


@pytest.fixture(scope="module")
def two_batches(real_data):
    """The first 100 frames of two recordings of each of eight AN4 speakers: (8, 100, F), (8,) twice."""
    extract = FeatureExtractor(
        FeatureSpec(options=FbankOptions(dither=0, num_mel_bins=FEAT_DIM), cmn="utterance")
    )
    folders = [folder for folder in sorted((real_data / "an4").iterdir()) if folder.is_dir()][:8]
    longest = [
        sorted(folder.glob("*.flac"), key=lambda path: (path.stat().st_size, path))[-2:] for folder in folders
    ]
    return [
        (
            torch.stack([torch.from_numpy(extract(read_audio(str(path), 16000)))[:100] for path in paths]),
            torch.arange(8),
        )
        for paths in zip(*longest, strict=True)
    ]


QUICK = ("tdnn", "ecapa_tdnn", "wespk.models.resnet:ResNet")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in FAMILIES]
)
def test_every_architecture_learns_eight_speakers(name, two_batches):
    torch.manual_seed(0)
    model = build_model(Component(name=name, embedding_dim=32, **FAMILIES[name]), FEAT_DIM)
    head = build_head(Component(name="aam", margin=0.1), 32, 8)
    network = nn.ModuleList([model, head])
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, STEPS)
    for step in range(STEPS):
        features, labels = two_batches[step % 2]
        optimizer.zero_grad()
        head(model(features), labels).loss.backward()
        optimizer.step()
        decay.step()
    network.eval()
    with torch.no_grad():
        assert all(head(model(features), labels).accuracy == 1 for features, labels in two_batches)
