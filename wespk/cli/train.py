"""Train an embedding network on the features of a data directory.

Usage:   wespk train [options] --config CONF DATA EXP
Example: wespk train --config conf/ecapa.yaml data/train exp/ecapa
         torchrun --standalone --nproc_per_node 2 -m wespk train --config conf/ecapa.yaml data/train exp/ecapa
         wespk train --config conf/ecapa.yaml --set optim.lr=0.002 --set epochs=10 data/train exp/ecapa_lr2

Run again with the same settings, it continues from the last checkpoint in EXP/checkpoints.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from wespk.core.config import load_config
from wespk.train.config import TrainConfig


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("data", type=Path, metavar="DATA", help="data directory with feats.scp")
    parser.add_argument("exp", type=Path, metavar="EXP", help="folder of the run")
    parser.add_argument(
        "--config", type=Path, required=True, metavar="CONF", help="training configuration (YAML)"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override one setting; may be repeated",
    )


def run(args: Namespace) -> None:
    """Check everything that can be checked, then train."""
    config = load_config(TrainConfig, args.config, args.set)
    # torch is imported late, so that a mistyped setting is reported at once.
    from wespk.train.dataset import load_training_set
    from wespk.train.distributed import ranks
    from wespk.train.loop import resolve_precision, train
    from wespk.train.run import begin_run, begun_precision

    with ranks() as here:
        config = resolve_precision(config, here.device, begun_precision(args.exp))
        data = load_training_set(args.data, config.data)
        if here.leader:
            begin_run(args.exp, config, data)
        here.barrier()
        train(config, data, args.exp, here)
