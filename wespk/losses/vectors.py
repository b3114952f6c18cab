"""Vectors, their lengths and cosines, in float32 or better."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def full_precision(vectors: Tensor) -> Tensor:
    """Return the vectors in float32; float64 stays."""
    return vectors.to(torch.promote_types(vectors.dtype, torch.float32))


def unit_vectors(vectors: Tensor) -> Tensor:
    """Scale vectors (N, D) to length 1, in float32; float64 stays. A zero vector stays zero."""
    return nn.functional.normalize(full_precision(vectors))


def cosines(embeddings: Tensor, vectors: Tensor) -> Tensor:
    """Return the cosines (B, N) of embeddings (B, D) with vectors (N, D)."""
    vectors = full_precision(vectors)
    # The vectors are not scaled to length 1 first: on a CPU that costs as much as the product itself.
    return nn.functional.linear(unit_vectors(embeddings), vectors) / vectors.norm(dim=1).clamp_min(1e-12)
