"""Distributed set-up: who am I among the processes that torchrun started, and on which device."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed, nn


@dataclass(frozen=True)
class Ranks:
    """This process among `size` that train together; `leader` writes the files and talks to the user."""

    rank: int
    size: int
    device: torch.device

    @property
    def leader(self) -> bool:
        """True in exactly one process."""
        return self.rank == 0

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return the module with gradients averaged over the ranks, or itself when alone."""
        if self.size == 1:
            return module
        devices = [self.device] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(module, device_ids=devices)

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """Return the sum over the ranks, leaving `values` as it is."""
        total = values.clone()
        if self.size > 1:
            distributed.all_reduce(total)
        return total

    def barrier(self) -> None:
        """Wait until every rank is here."""
        if self.size > 1:
            distributed.barrier()


@contextmanager
def ranks() -> Iterator[Ranks]:
    """Join the process group that torchrun describes in the environment; alone without one.

    NCCL is used on GPUs, one for each local rank, gloo on CPUs.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    if size == 1:
        yield Ranks(0, 1, device)
        return
    if device.type == "cpu":  # ranks on one machine share its cores
        torch.set_num_threads(max(1, torch.get_num_threads() // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(distributed.get_rank(), size, device)
    finally:
        distributed.destroy_process_group()
