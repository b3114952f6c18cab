"""Energies of samples: of frames, for voice activity detection, and of the whole, for level normalisation."""

from __future__ import annotations

import numpy as np
import torch

from wespk.data.audio import AudioError
from wespk.features.frames import cut_frames
from wespk.features.options import FeatureOptions

INT16_SCALE = 32768.0
BLOCK_FRAMES = 4096


def frame_log_energy(samples: np.ndarray, options: FeatureOptions) -> np.ndarray:
    """Return the natural-log energy (T,) of the frames that `options` cut of samples (N,) in [-1, 1].

    It is Kaldi's raw log energy: of samples on the int16 scale, less each frame's mean, floored at the
    float32 epsilon.
    """
    with torch.inference_mode():
        frames = cut_frames(torch.from_numpy(samples).unsqueeze(0) * INT16_SCALE, options)[0]
        energy = torch.cat([_centred(block).square().sum(dim=1) for block in frames.split(BLOCK_FRAMES)])
        return energy.clamp_min(torch.finfo(torch.float32).eps).log().numpy()


def at_level(samples: np.ndarray, level_db: float) -> np.ndarray:
    """Return samples (N,) at a root mean square of `level_db` dB of full scale. Peaks may exceed 1."""
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    if power == 0:
        raise AudioError("silent: digital silence cannot be brought to a level")
    return (samples * (10 ** (level_db / 20) / np.sqrt(power))).astype(np.float32)


def _centred(frames: torch.Tensor) -> torch.Tensor:
    return frames - frames.mean(dim=1, keepdim=True)
