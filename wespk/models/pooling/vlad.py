"""VLAD: what the frames differ from the cluster centres that they are assigned to, a vector a cluster."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import normalize

from wespk.models.masking import widened

# Below the rounding of a sum of frames: frames that are their centre have finite gradients.
LEAST_LENGTH = 1e-6


class GhostVlad(nn.Module):
    """GhostVLAD (Zhong, Arandjelovic and Zisserman 2018; for speakers Xie et al. 2019).

    V_k = sum_t a_k(x_t) (x_t - c_k), where a = softmax over clusters of w_k' x_t + b_k (Arandjelovic et al.
    2016). Each V_k is scaled to length 1, and then all of them together. Ghost clusters
    share in the assignment and are left out of the result: frames of noise or silence go there.

    Args:
        in_dim: channels C.
        clusters: clusters K of the result.
        ghosts: clusters G beside them that are left out.
    """

    def __init__(self, in_dim: int, clusters: PositiveInt = 8, ghosts: NonNegativeInt = 2) -> None:
        super().__init__()
        self.clusters = clusters
        self.out_dim = clusters * in_dim
        self.assign = nn.Conv1d(in_dim, clusters + ghosts, kernel_size=1)
        self.centres = nn.Parameter(nn.init.orthogonal_(torch.empty(clusters, in_dim)))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map (B, C, T) to (B, K C), cluster by cluster, of length 1."""
        shares = widened(self.assign(x)).softmax(dim=1)[:, : self.clusters]  # (B, K, T)
        if mask is not None:
            shares = shares * mask
        # The residuals are differences of sums, which bfloat16 would lose. The meta device has no autocast.
        with nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False):
            sums = torch.matmul(shares, widened(x).transpose(1, 2))  # (B, K, C)
            residuals = sums - shares.sum(dim=-1, keepdim=True) * self.centres
        scaled = normalize(residuals, dim=2, eps=LEAST_LENGTH)
        return normalize(scaled.flatten(1), dim=1, eps=LEAST_LENGTH)


class NetVlad(GhostVlad):
    """NetVLAD: GhostVLAD without ghosts (Arandjelovic et al. 2016, "NetVLAD")."""

    def __init__(self, in_dim: int, clusters: PositiveInt = 8) -> None:
        super().__init__(in_dim, clusters, ghosts=0)
