"""One batch through a network, and its arithmetic."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from wespk.core.errors import WespkError
from wespk.inference.batching import padded


def computes_bf16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 natively: a CPU that does not takes many times as long."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.cpu._is_avx512_bf16_supported())


def forward_batch(network: nn.Module, features: Sequence[np.ndarray], bf16: bool = False) -> Tensor:
    """Return float32 embeddings (B, D), on the network's device, of features (T_i, F) of any lengths.

    Each row is the embedding of its utterance alone, up to rounding, within `exact_arithmetic`. `bf16`
    computes convolutions and products in bfloat16 (autocast). On a GPU this returns before the embeddings are
    there. Raises `WespkError` where memory does not suffice.
    """
    batch, lengths = padded(features)
    if lengths is not None and "lengths" not in inspect.signature(network.forward).parameters:
        raise WespkError(
            f"{type(network).__name__}.forward takes no `lengths`, so that its batches cannot be padded; "
            "add them, or extract with --batch-frames 1"
        )
    device = next(network.parameters()).device
    try:
        with (
            torch.inference_mode(),
            torch.autocast(device.type, torch.bfloat16) if bf16 else nullcontext(),
        ):
            x = torch.from_numpy(batch).to(device)
            if lengths is None:
                return network(x).float()
            return network(x, torch.from_numpy(lengths).to(device)).float()
    except RuntimeError as error:
        if "allocate" not in str(error):
            raise
        shape = f"{batch.shape[0]} x {batch.shape[1]} frames"
        raise WespkError(
            f"{device}: not enough memory for {shape}; lower --batch-frames, or cut long utterances by "
            "--chunk-duration"
        ) from None


def exact_arithmetic() -> AbstractContextManager[None]:
    """On GPUs, float32 is not TF32 within this, and cuDNN takes algorithms that repeat; in all threads."""
    flags: AbstractContextManager[None] = torch.backends.cudnn.flags(
        enabled=True, deterministic=True, allow_tf32=False
    )
    return flags
