"""Damaged option files: Kaldi's .conf, YAML configurations, stored specifications.

What is accepted must be of use: an extractor is made of it and gives features of the promised size.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from fuzz_bytes import Random
from fuzz_case import Case, attempt, is_untouched, law, pick
from fuzz_mutate import mutate_text

from wespk.core.config import load_config
from wespk.data.audio import AudioError
from wespk.features.cmvn import SlidingCmnOptions
from wespk.features.extractor import FeatureExtractor
from wespk.features.kaldi_conf import kaldi_options, read_kaldi_options
from wespk.features.neural_vad import NeuralVadOptions
from wespk.features.settings import FeatureSettings, read_settings
from wespk.features.spec import FeatureSpec, read_archive_record
from wespk.features.vad import EnergyVadOptions
from wespk.train.config import TrainConfig

KINDS = ("mel_spectrogram", "spectrogram", "mfcc", "fbank")
OVERRIDES = ("optim.lr=0.001", "model.channels=64", "data.chunk_frames=200", "seed=1", "epochs=2")
MOST_SAMPLES = 8000
EXTREMES = (
    *(0, -1, 1, 2, 3, 0.001, 0.1, 0.5, 0.999, 1e-9, 1e-300, 7, 100, 400, 4095, 4096, 5000, 8000, 10000),
    *(44100, 65536, 999999, 1000000, 2**31 - 1, 2**31, 2**63, 1e15, 1e30, 1e38, 1e300, "nan", "inf", "-inf"),
    *("true", "false", "none", "mix", "povey", "energy"),
)


def prepare(rng: Random, folder: Path) -> Case:
    """Damage an option file."""
    choices = [*sorted(Path("base/conf").iterdir()), Path("base/data/plain/feats.json")]
    base = pick(rng, choices)
    data, made = base.read_bytes(), ["nothing"]
    untouched = is_untouched(rng)
    if not untouched:
        if base.suffix == ".conf" and rng.random() < 0.5:
            data, made = _extreme_values(rng, data)
        else:
            data, made = mutate_text(rng, data, lambda: pick(rng, choices).read_bytes())
    path = folder / base.name
    path.write_bytes(data)
    override = pick(rng, OVERRIDES)
    if not untouched and rng.random() < 0.5:
        override = mutate_text(rng, override.encode(), lambda: b"a.b.c=1")[0].decode("utf-8", "replace")

    def check() -> str:
        refusal = _check(path, override)
        law(not (untouched and refusal), f"an undamaged {base.name} is read, not refused ({refusal})")
        return refusal

    return Case(str(base), made, check)


def _extreme_values(rng: Random, data: bytes) -> tuple[bytes, list[str]]:
    """Give one to three options values at which arithmetic or memory might end."""
    lines = data.decode().split("\n")
    places = [at for at, line in enumerate(lines) if line.startswith("--")]
    chosen = [pick(rng, places) for _ in range(int(rng.integers(1, 4)))]
    for at in chosen:
        lines[at] = f"{lines[at].partition('=')[0]}={pick(rng, EXTREMES)}"
    return "\n".join(lines).encode(), [f"extreme {lines[at][:40]}" for at in chosen]


def _check(path: Path, override: str) -> str:
    if path.suffix == ".yaml":
        plain = attempt(lambda: load_config(TrainConfig, path), [str(path)])
        attempt(lambda: load_config(TrainConfig, path, [override]), [str(path), "--set"])
        return plain.refusal
    if path.suffix == ".json":
        return attempt(lambda: read_archive_record(path.parent), [str(path)]).refusal
    if path.stem == "vad":
        vad = attempt(lambda: read_kaldi_options(path, EnergyVadOptions), [str(path)])
        attempt(lambda: read_kaldi_options(path, SlidingCmnOptions), [str(path)])
        return vad.refusal
    kind = next(kind for kind in KINDS if kind in path.stem)
    as_written = attempt(lambda: kaldi_options(path), [str(path)])
    settings = attempt(lambda: read_settings(kind, path), [str(path)])
    law(as_written.accepted or not settings.accepted, "options are taken from a file that is refused")
    if settings.value is not None:
        _check_use(settings.value)
    return settings.refusal


def _check_use(settings: FeatureSettings) -> None:
    """Options that are accepted give features, or refuse the recording."""
    spec = settings.spec
    if spec.denoiser is not None or isinstance(spec.vad, NeuralVadOptions):
        return  # code and programs of the user's own
    again = FeatureSpec.model_validate(spec.model_dump(mode="json"))
    law(again == spec and again.digest == spec.digest, "a specification that is stored is another one")
    extractor = attempt(lambda: FeatureExtractor(spec))
    if extractor.value is None:
        return
    samples = np.random.default_rng(0).normal(0, 0.1, min(MOST_SAMPLES, spec.sample_rate)).astype(np.float32)
    features = attempt(lambda: extractor.value(samples, "utt"), refusals=AudioError)
    if features.value is not None:
        frames, columns = features.value.shape
        law(columns == spec.dim, f"{columns} columns where {spec.dim} are promised")
        expected = spec.options.num_frames(len(samples))
        law(frames <= expected if spec.vad else frames == expected, f"{frames} frames, not {expected}")
        law(np.isfinite(features.value).all(), "features are finite")
