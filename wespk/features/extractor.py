"""The one path from samples to features, for recipes, training, extraction and services."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from wespk.core.config import build, find_component
from wespk.core.errors import WespkError
from wespk.core.files import digest, file_digest
from wespk.data.audio import AudioError
from wespk.features.cmvn import UTTERANCE_VARIANCE_FLOOR, sliding_cmn, utterance_cmvn
from wespk.features.energy import INT16_SCALE, at_level, frame_log_energy
from wespk.features.frames import first_sample
from wespk.features.neural_vad import NeuralVadOptions, neural_vad
from wespk.features.spec import KINDS, FeatureSpec
from wespk.features.vad import energy_vad


class FeatureExtractor:
    """Computes what a `FeatureSpec` describes, on `device` (default: the CPU).

    `archived` takes all steps of the specification but the last; `normalise` is that one.
    """

    def __init__(self, spec: FeatureSpec, device: str | torch.device = "cpu") -> None:
        self.spec = spec
        self.device = torch.device(device)
        self.front_end = spec.front_end().to(self.device).eval()
        self._denoise = build(spec.denoiser, {}, "denoiser") if spec.denoiser else None

    def __call__(self, samples: np.ndarray, utt: str = "") -> np.ndarray:
        """Return float32 network input (T, F) of float32 samples (N,) in [-1, 1].

        Dither, where the specification asks for it, is seeded by the utterance id: the same every time.

        Raises `AudioError` for a recording that is too short for a frame, whose features are not finite, or
        in which the specification's VAD finds no speech.
        """
        return normalise(self.archived(samples, utt), self.spec)

    def archived(self, samples: np.ndarray, utt: str = "") -> np.ndarray:
        """Return what an archive holds, (T, F): all steps of the specification but the last, `spec.cmn`."""
        spec = self.spec
        if len(samples) < spec.options.min_samples:
            raise AudioError(f"too short: {len(samples)} samples, a frame needs {spec.options.min_samples}")
        samples = self.prepared(samples)
        features = self._features(samples, utt)
        if not np.isfinite(features).all():
            raise AudioError("not finite: the features overflow; are the samples within [-1, 1]?")
        voiced = self.voiced(features, samples) if spec.vad is not None else None
        if spec.sliding_cmn is not None:
            features = sliding_cmn(features, spec.sliding_cmn)
        if voiced is None:
            return features
        if not voiced.any():
            raise AudioError(f"no speech: none of {len(voiced)} frames is voiced")
        return features[voiced]

    def prepared(self, samples: np.ndarray) -> np.ndarray:
        """Return the samples (N,) that the front end sees, not yet scaled: denoised and at their level."""
        if self._denoise is not None:
            samples = self._denoised(self._denoise, samples)
        return samples if self.spec.level_db is None else at_level(samples, self.spec.level_db)

    def voiced(self, features: np.ndarray, samples: np.ndarray | None = None) -> np.ndarray:
        """Return which frames hold speech (T,), by `spec.vad`.

        `features` (T, F) are the front end's. Where they do not hold what the detector needs (see
        `vad_needs_samples`), it is found in the prepared samples.
        """
        options, vad = self.spec.options, self.spec.vad
        column = options.energy_column
        if isinstance(vad, NeuralVadOptions):
            assert samples is not None
            return neural_vad(
                samples,
                self.spec.sample_rate,
                vad,
                len(features),
                options.window_samples,
                options.shift_samples,
                first_sample=first_sample(options),
            )
        assert vad is not None
        if column is not None:
            to_int16 = np.float32(2 * math.log(INT16_SCALE / self.spec.scale))  # thresholds are absolute
            return energy_vad(features[:, column] + to_int16, vad)
        assert samples is not None
        return energy_vad(frame_log_energy(samples, options), vad)

    @property
    def vad_needs_samples(self) -> bool:
        """True where the features alone do not tell `spec.vad` which frames hold speech."""
        return isinstance(self.spec.vad, NeuralVadOptions) or self.spec.options.energy_column is None

    def batch(
        self, samples: Tensor, lengths: Tensor | None = None, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return network input (B, T, F) of samples (B, N) in [-1, 1], and each row's number of frames (B,).

        For training on the fly, on the device of the extractor: rows of `lengths` (B,) samples may be padded,
        and come out as they would alone, zeros after their own frames. Steps that work on whole recordings
        one at a time (a denoiser, VAD, a sliding window) are refused by a ValueError. A row that is too short
        has 0 frames; a silent one stays silent at any level.
        """
        spec, options = self.spec, self.spec.options
        if self._denoise is not None or spec.vad is not None or spec.sliding_cmn is not None:
            raise ValueError("a denoiser, vad and sliding_cmn are not for batches; archive the features")
        samples = samples.to(self.device)
        total = samples.new_full((len(samples),), samples.shape[1]) if lengths is None else lengths
        total = total.to(self.device, torch.long)
        if spec.level_db is not None:
            inside = torch.arange(samples.shape[1], device=self.device) < total.unsqueeze(1)
            power = (samples * inside).double().square().sum(dim=1, keepdim=True) / total.clamp_min(
                1
            ).unsqueeze(1)
            gain = torch.where(power > 0, 10 ** (spec.level_db / 20) / power.sqrt(), 0.0)
            samples = samples * gain.float()
        features = self.front_end(samples * spec.scale, None if lengths is None else total, generator)
        frames = torch.tensor([options.num_frames(int(n)) for n in total], device=self.device)
        mask = (torch.arange(features.shape[1], device=self.device) < frames.unsqueeze(1)).unsqueeze(2)
        if spec.cmn == "utterance":
            count = frames.clamp_min(1).view(-1, 1, 1)
            features = features - (features * mask).sum(dim=1, keepdim=True) / count
            if spec.norm_vars:
                variance = (features * mask).square().sum(dim=1, keepdim=True) / count
                features = features / variance.clamp_min(UTTERANCE_VARIANCE_FLOOR).sqrt()
        return features.masked_fill(~mask, 0.0), frames

    def stream(self, blocks: Iterable[np.ndarray], utt: str = "") -> Iterator[np.ndarray]:
        """Yield features of a recording whose samples arrive in blocks (N,), in the memory of one block.

        They are those of the front end alone; a specification with steps that need the whole recording is
        refused by a ValueError.
        """
        spec = self.spec
        if spec != FeatureSpec(scale=spec.scale, kind=spec.kind, options=spec.options):
            raise ValueError("only features without denoiser, level, VAD and mean subtraction are streamed")
        scaled = (torch.from_numpy(block) * spec.scale for block in blocks)
        with torch.inference_mode():
            for features in self.front_end.stream(scaled, self._generator(utt)):
                yield features.numpy()

    def _features(self, samples: np.ndarray, utt: str) -> np.ndarray:
        with torch.inference_mode():
            scaled = torch.from_numpy(samples).to(self.device) * self.spec.scale
            features: np.ndarray = self.front_end(scaled, None, self._generator(utt)).cpu().numpy()
            return features

    def _generator(self, utt: str) -> torch.Generator | None:
        if self.spec.options.dither_scale == 0:
            return None
        return torch.Generator(self.device).manual_seed(int(digest(utt)[:15], 16))

    def _denoised(self, denoise: Callable[..., np.ndarray], samples: np.ndarray) -> np.ndarray:
        name = self.spec.denoiser.name if self.spec.denoiser else ""
        try:
            cleaned = np.asarray(denoise(samples, self.spec.sample_rate), dtype=np.float32)
        except Exception as error:  # of the user's own code
            raise WespkError(f"denoiser {name} failed: {type(error).__name__}: {error}") from error
        if cleaned.shape != samples.shape:
            raise AudioError(f"denoiser: it gave shape {cleaned.shape} for samples of shape {samples.shape}")
        if not np.isfinite(cleaned).all():
            raise AudioError("denoiser: it gave NaN or infinity")
        return cleaned


def normalise(features: np.ndarray, spec: FeatureSpec) -> np.ndarray:
    """Turn archived features (T, F) into network input: normalise over T where `spec.cmn` says so."""
    if spec.cmn == "utterance" and len(features):
        return utterance_cmvn(features, spec.norm_vars)
    return features


def check_archive(archive: FeatureSpec, network: FeatureSpec, here: str, there: str) -> bool:
    """Return whether archived features still have to be normalised to be the network's input.

    An archive is what `network` describes, normalised by `wespk apply-cmvn --utterance` or not yet. Raises
    `WespkError` that names the option that differs otherwise.
    """
    if archive.cmn != "none":
        archive.require_same(network, here, there)
        return False
    archive.require_same(network.archived(), here, there)
    return True


def foreign_code(spec: FeatureSpec) -> list[str]:
    """Return digests of the files of code outside wespk that `spec` names: features change with them."""
    classes = [] if spec.kind in KINDS else [find_component(spec.kind, KINDS, "features")]
    if spec.denoiser is not None:
        classes.append(find_component(spec.denoiser.name, {}, "denoiser"))
    return [file_digest(inspect.getfile(each)) for each in classes]
