"""The model directory: everything a trained network needs, and the one loader. Loading runs no stored code.

model.safetensors    the network's weights
config.yaml          the full resolved training configuration
feature_spec.json    what turns audio into its input
speakers.txt         the training speakers, one a line, in the order of the classes
manifest.json        code version, data digest, seed, library versions
mean.vec, lda.mat, plda ...  the back-end (Kaldi's formats), added by scoring; chain.json names a whole chain
calibration.json     calibration, fusion and thresholds of each system, found on the development trials
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors.torch
import torch
import yaml
from pydantic import BaseModel
from torch import Tensor, nn

from wespk.core.config import Component, parse_config, save_config
from wespk.core.errors import WespkError
from wespk.core.files import PathLike, file_digest, read_text, write_bytes, write_json, write_text
from wespk.data.audio import AudioError
from wespk.features import FeatureSpec
from wespk.features.spec import read_spec
from wespk.inference.forward import exact_arithmetic, forward_batch
from wespk.models import build_model

WEIGHTS, CONFIG, SPEC, SPEAKERS, MANIFEST = (
    "model.safetensors",
    "config.yaml",
    "feature_spec.json",
    "speakers.txt",
    "manifest.json",
)

# What scoring adds: it belongs to the weights that the embeddings came from.
BACKEND = ("*.vec", "*.mat", "plda*", "chain.json", "calibration.json")


@dataclass(frozen=True)
class SpeakerModel:
    """A network in evaluation mode with its feature contract and its training speakers."""

    path: Path
    network: nn.Module
    spec: FeatureSpec
    speakers: list[str]
    digest: str

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        return next(self.network.parameters()).device

    @property
    def embedding_dim(self) -> int:
        """The size of an embedding, D."""
        return cast("int", self.network.embedding_dim)

    @property
    def min_frames(self) -> int:
        """The fewest frames that the network takes."""
        return int(getattr(self.network, "min_frames", 1))

    def embed(self, features: np.ndarray) -> np.ndarray:
        """Return the embedding (D,) of one utterance's features (T, F) as `spec` describes them.

        Raises `AudioError` when T is below the network's minimum or the result is not finite.
        """
        embedding: np.ndarray = self.embed_batch([features])[0]
        return embedding

    def embed_batch(self, features: Sequence[np.ndarray], bf16: bool = False) -> np.ndarray:
        """Return the embeddings (B, D) of features (T_i, F), float32; each is that of its utterance alone.

        The batch is padded to its longest: `wespk.inference.plan_batches` makes batches of like lengths.
        Raises `AudioError` as `embed` does, with the place in the batch, and `WespkError` for another F.
        """
        for place, each in enumerate(features):
            if each.ndim != 2 or each.shape[1] != self.spec.dim:
                shapes = f"features of shape {each.shape}: {self.path} takes (T, {self.spec.dim})"
                raise WespkError(f"{_place(place, features)}{shapes}")
            if len(each) < self.min_frames:
                raise self.too_short(len(each), _place(place, features))
        if not len(features):
            return np.zeros((0, self.embedding_dim), dtype=np.float32)
        with exact_arithmetic():
            embeddings: np.ndarray = forward_batch(self.network, features, bf16).cpu().numpy()
        finite = np.isfinite(embeddings).all(axis=1)
        if not finite.all():
            raise self.not_finite(_place(int(finite.argmin()), features))
        return embeddings

    def too_short(self, num_frames: int, where: str = "") -> AudioError:
        """Return the error about an utterance of too few frames."""
        return AudioError(f"too short: {where}{num_frames} frames, the network needs {self.min_frames}")

    def not_finite(self, where: str = "") -> AudioError:
        """Return the error about an embedding that is not finite."""
        return AudioError(f"not finite: {where}the network gives NaN or infinity for these features")


def _place(index: int, batch: Sequence[np.ndarray]) -> str:
    return f"number {index + 1} of {len(batch)}: " if len(batch) > 1 else ""


def describe_model(
    path: PathLike, config: BaseModel, spec: FeatureSpec, speakers: Sequence[str], manifest: dict[str, Any]
) -> None:
    """Write all of a model directory but the weights: the folder of a training run is begun with this."""
    path = Path(path)
    save_config(config, path / CONFIG)
    write_json(path / SPEC, spec.model_dump(mode="json"))
    write_text(path / SPEAKERS, "".join(f"{spk}\n" for spk in speakers))
    write_json(path / MANIFEST, manifest)


def save_model(
    path: PathLike, described: PathLike, weights: dict[str, Tensor], manifest: dict[str, Any]
) -> None:
    """Make a model directory of `weights` and the description in the folder `described`.

    The weights come last, so that a directory with weights is complete.
    """
    path = Path(path)
    for pattern in (WEIGHTS, *BACKEND):
        for old in path.glob(pattern):
            old.unlink()
    for name in (CONFIG, SPEC, SPEAKERS):
        write_text(path / name, read_text(Path(described) / name))
    write_json(path / MANIFEST, manifest)
    write_bytes(path / WEIGHTS, safetensors.torch.save({k: v.contiguous() for k, v in weights.items()}))


def load_model(
    path: PathLike, device: str | torch.device | None = None, *, trust_code: bool = False
) -> SpeakerModel:
    """Load a model directory onto `device` (default: a GPU when there is one).

    A network that is not part of wespk, named by dotted path, is imported only with `trust_code`.
    Raises `WespkError` naming the file that is missing or does not fit.
    """
    path = Path(path)
    if not (path / WEIGHTS).exists():
        raise WespkError(
            f"{path / WEIGHTS}: no such file; is {path} a model directory, and was it completed?"
        )
    spec = read_spec(path / SPEC, trust_code=trust_code)
    network = build_model(_component(path / CONFIG), spec.dim, registered_only=not trust_code)
    try:
        weights = safetensors.torch.load_file(path / WEIGHTS)
        network.load_state_dict(weights)
    except Exception as error:  # safetensors and torch raise various types for a damaged or unfitting file
        reason = str(error).splitlines()[-1].strip()
        raise WespkError(f"{path / WEIGHTS}: does not fit {path / CONFIG} ({reason})") from None
    network.to(device or ("cuda" if torch.cuda.is_available() else "cpu")).eval()
    if next(network.parameters()).device.type == "cpu":  # 2-D convolutions gain a tenth and more
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return SpeakerModel(path, network, spec, read_text(path / SPEAKERS).split(), file_digest(path / WEIGHTS))


def _component(path: Path) -> Component:
    try:
        values = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise WespkError(f"{path}: not valid YAML ({error})") from None
    if not isinstance(values, dict) or not isinstance(values.get("model"), dict):
        raise WespkError(f"{path}: the section 'model' is missing")
    return parse_config(Component, values["model"], str(path))
