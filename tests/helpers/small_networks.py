"""Every registered network at a width that a test can afford: the options beside its name."""

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
