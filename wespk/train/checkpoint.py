"""Checkpoints: tensors and plain values only, complete or absent."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wespk.core.errors import WespkError
from wespk.core.files import write_bytes

LAST = "last.pt"


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` atomically; equal states give equal bytes."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_bytes(path, buffer.getvalue())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint without running any code stored in it."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WespkError(f"{path}: no such checkpoint") from None
    except Exception as error:
        raise WespkError(f"{path}: not a checkpoint ({str(error).splitlines()[0]})") from None


def epoch_checkpoints(folder: Path) -> list[Path]:
    """Return the epochs' checkpoints, oldest first."""
    found = ((re.fullmatch(r"epoch-(\d+)\.pt", path.name), path) for path in folder.glob("epoch-*.pt"))
    return [path for _, path in sorted((int(match[1]), path) for match, path in found if match)]


def epoch_path(folder: Path, epoch: int) -> Path:
    """Return the path of an epoch's checkpoint."""
    return folder / f"epoch-{epoch:04d}.pt"


def average_weights(paths: Sequence[Path]) -> dict[str, Tensor]:
    """Return the mean of the checkpoints' network weights; counters are taken from the last one.

    Sums are in float64, so that the order of the checkpoints does not matter to float32.
    """
    states = [load_checkpoint(path)["model"] for path in paths]
    return {
        name: torch.stack([state[name].double() for state in states]).mean(dim=0).to(last.dtype)
        if last.is_floating_point()
        else last
        for name, last in states[-1].items()
    }
