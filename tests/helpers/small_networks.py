"""Networks that a test can afford, and what tests do to them."""

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

# Every registered network at a small width: the options beside its name.
SMALL = {
    "tdnn": {"hidden_dim": 32, "stats_dim": 48},
    "ecapa_tdnn": {"channels": 32, "mfa_dim": 48, "se_dim": 8},
    "ecapa_tdnn_1024": {"mfa_dim": 48, "se_dim": 8},
    "campplus": {"growth": 8, "bottleneck": 16, "init_channels": 32},
    **{f"resnet{depth}": {"channels": 8} for depth in (18, 34, 50, 101, 152, 221, 293)},
    "resnetse34": {"channels": 8},
    "res2net34": {"channels": 8},
    "eres2net_base": {"channels": 8},
    "eres2net_large": {"channels": 8},
    "eres2netv2": {"channels": 8},
}


# Networks of so many layers that a test of many cases, or of the full size, takes long.
DEEP = ("resnet101", "resnet152", "resnet221", "resnet293")


def trained(module: nn.Module) -> nn.Module:
    """Give normalisation layers statistics, gains and biases of their own: zeros do not stay zeros."""
    generator = torch.Generator().manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, _BatchNorm):
            layer.running_mean.normal_(0, 0.3, generator=generator)
            layer.running_var.uniform_(0.5, 2, generator=generator)
            if layer.affine:
                nn.init.uniform_(layer.weight, 0.5, 1.5, generator=generator)
                nn.init.normal_(layer.bias, 0, 0.3, generator=generator)
    return module.eval()


def frames_of(model: nn.Module, features: Tensor) -> Tensor:
    """Return what the network gives its pooling, (B, C, T')."""
    seen = []
    hook = model.pooling.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(features)
    hook.remove()
    return seen[0]
