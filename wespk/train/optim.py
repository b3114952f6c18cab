"""The optimiser and the schedules, as functions of the step alone."""

from __future__ import annotations

import math

import torch
from torch import nn

from wespk.train.config import MarginConfig, OptimConfig


def build_optimizer(module: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """Make the optimiser; biases and normalisation weights (below two dimensions) are not decayed."""
    decayed = [p for p in module.parameters() if p.requires_grad and p.ndim >= 2]
    others = [p for p in module.parameters() if p.requires_grad and p.ndim < 2]
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if config.name == "sgd":
        return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=config.momentum > 0)
    return torch.optim.AdamW(groups, lr=config.lr)


def learning_rate(step: int, total: int, config: OptimConfig) -> float:
    """Return the rate of step 0 to `total` - 1: linear warm-up to `lr`, then cosine decay to `final_lr`."""
    if step < config.warmup_steps:
        return config.lr * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(1, total - config.warmup_steps)
    return config.final_lr + 0.5 * (config.lr - config.final_lr) * (
        1 + math.cos(math.pi * min(1.0, progress))
    )


def margin_share(step: int, total: int, config: MarginConfig) -> float:
    """Return the share, 0 to 1, of the head's margin that applies at a step."""
    progress = step / max(1, total)
    if progress >= config.end:
        return 1.0
    if progress < config.start:
        return 0.0
    return (progress - config.start) / (config.end - config.start)
