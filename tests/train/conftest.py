import numpy as np
import pytest

from wespk.core.config import parse_config
from wespk.core.files import write_json
from wespk.data.archives import write_archive
from wespk.data.datadir import write_data_dir
from wespk.features import FbankOptions, FeatureSpec
from wespk.train.config import TrainConfig

SETTINGS = {
    "epochs": 3,
    "batch_size": 4,
    "precision": "fp32",
    "save_every_steps": 2,
    "data": {"chunk_frames": 20, "num_workers": 0, "spec_augment": {"probability": 0.5}},
    "optim": {"warmup_steps": 2},
}


@pytest.fixture
def settings(tiny_network):
    return {**SETTINGS, "model": {**tiny_network, "embedding_dim": 8}}


@pytest.fixture
def config(settings):
    def make(**changes) -> TrainConfig:
        return parse_config(TrainConfig, {**settings, **changes}, "test")

    return make


@pytest.fixture
def features(tmp_path):
    """A data directory with random features: 3 speakers x 6 utterances of 12 to 40 frames."""
    random = np.random.default_rng(0)
    utt2spk = {f"s{s}-u{u}": f"s{s}" for s in range(3) for u in range(6)}
    folder = tmp_path / "train"
    write_data_dir(folder, {utt: "none" for utt in utt2spk}, utt2spk)
    spec = FeatureSpec(options=FbankOptions(num_mel_bins=16, dither=0))
    items = (
        (utt, random.normal(int(spk[1:]), 1, (random.integers(12, 40), 16))) for utt, spk in utt2spk.items()
    )
    write_archive(folder / "feats.ark", folder / "feats.scp", items)
    write_json(folder / "feats.json", {"spec": spec.model_dump(mode="json"), "content": "x"})
    return folder
