"""How far the embedding of real speech depends on its batch mates, for every backbone with every pooling.

    WESPK_REAL_DATA=/corpora python bench/invariance.py [BACKBONE ...]

Full-size networks with random weights, one padded batch of AN4 utterances of mixed lengths against the same
utterances one by one: the worst cosine distance of each pair, and what is wanted of it (1e-5).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from wespk.core.config import Component
from wespk.core.errors import WespkError
from wespk.core.script import errors_for_people
from wespk.data.audio import read_audio
from wespk.features import FbankOptions, FeatureExtractor, FeatureSpec
from wespk.models import REGISTRY, build_model
from wespk.models.pooling import REGISTRY as POOLINGS

WANTED = 1e-5
SIZES = {"tdnn": {"stats_dim": 1536}}  # its 1500 channels cannot be shared among eight heads
RATE = 16000


def main() -> None:
    home = os.environ.get("WESPK_REAL_DATA")
    if not home:
        raise WespkError("set WESPK_REAL_DATA to the folder that holds an4")
    features = utterances(Path(home, "an4"), 4)
    print(f"utterances of {', '.join(str(len(each)) for each in features)} frames")
    print("backbone".ljust(18) + "".join(f"{name:>9.8}" for name in POOLINGS))
    worst = 0.0
    for name in sys.argv[1:] or REGISTRY:
        distances = []
        for pooling in POOLINGS:
            model = as_trained(
                build_model(Component(name=name, pooling=pooling, **SIZES.get(name, {})), 80), features
            )
            distances.append(worst_distance(model, features))
        worst = max(worst, *distances)
        print(name.ljust(18) + "".join(f"{distance:9.0e}" for distance in distances), flush=True)
    print(f"worst {worst:.1e}, wanted {WANTED:.0e}: {'met' if worst <= WANTED else 'MISSED'}")


def utterances(folder: Path, count: int) -> list[Tensor]:
    """Return Fbank features (T, 80) of `count` recordings of `folder`, from the shortest to the longest."""
    files = sorted(folder.glob("*/*.flac"), key=lambda path: (path.stat().st_size, path))
    extract = FeatureExtractor(FeatureSpec(options=FbankOptions(dither=0, num_mel_bins=80), cmn="utterance"))
    chosen = [files[(len(files) - 1) * n // (count - 1)] for n in range(count)]
    return [torch.from_numpy(extract(read_audio(str(path), RATE))) for path in chosen]


def as_trained(model: nn.Module, features: Sequence[Tensor]) -> nn.Module:
    """Give the normalisation layers gains, biases and statistics of their own, as training does.

    With the biases of a fresh network, padding stays zero by itself and nothing would be tested.
    """
    torch.manual_seed(0)
    for layer in model.modules():
        if isinstance(layer, _BatchNorm):
            layer.momentum = None  # the plain mean of what it sees
            if layer.affine:
                nn.init.uniform_(layer.weight, 0.5, 1.5)
                nn.init.normal_(layer.bias, 0, 0.3)
    shortest = min(len(each) for each in features)
    with torch.no_grad():
        model.train()(torch.stack([each[:shortest] for each in features]))
    return model.eval()


def worst_distance(model: nn.Module, features: Sequence[Tensor]) -> float:
    """Return the largest cosine distance between embeddings from one padded batch and one by one.

    The padding holds numbers that must not be looked at.
    """
    lengths = torch.tensor([len(each) for each in features])
    batch = nn.utils.rnn.pad_sequence(list(features), batch_first=True, padding_value=7.0)
    with torch.no_grad():
        together = model(batch, lengths).double()
        alone = torch.cat([model(each.unsqueeze(0)) for each in features]).double()
    return (1 - torch.cosine_similarity(together, alone)).max().item()


if __name__ == "__main__":
    with errors_for_people():
        main()
