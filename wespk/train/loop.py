"""The training loop, top to bottom."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from wespk.core.progress import say
from wespk.inference.forward import computes_bf16
from wespk.losses import HeadOutput, build_head
from wespk.models import build_model, num_parameters
from wespk.train.checkpoint import LAST, epoch_checkpoints, epoch_path, load_checkpoint, save_checkpoint
from wespk.train.config import TrainConfig
from wespk.train.dataset import ChunkDataset, EpochBatches, TrainingSet
from wespk.train.distributed import Ranks
from wespk.train.layout import to_channels_last
from wespk.train.monitor import Monitor
from wespk.train.optim import build_optimizer, learning_rate, margin_share


class Network(nn.Module):
    """The embedding network and its loss, as one module to train."""

    def __init__(self, config: TrainConfig, feat_dim: int, num_classes: int) -> None:
        super().__init__()
        self.model = build_model(config.model, feat_dim)
        self.head = build_head(config.loss, cast(int, self.model.embedding_dim), num_classes)

    def forward(self, features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss and the accuracy of the batch, two scalars."""
        output: HeadOutput = self.head(self.model(features), labels)
        return output.loss, output.accuracy

    def margins(self) -> list[tuple[Any, float]]:
        """Return each part of the head that has a margin, and its full margin; trained ones are left out."""
        found = [(module, getattr(module, "margin", None)) for module in self.head.modules()]
        return [(part, margin) for part, margin in found if isinstance(margin, int | float)]


def train(config: TrainConfig, data: TrainingSet, out: Path, ranks: Ranks) -> None:
    """Train to the end of the last epoch, from the last checkpoint under `out` or from the start.

    `out` receives checkpoints/, history.json and TensorBoard scalars. The weights after an interruption
    are those of an uninterrupted run. Raises `WespkError` when the loss is not finite.
    """
    dataset = ChunkDataset(data, config)
    batches = EpochBatches(len(dataset), config, ranks)
    total, per_epoch = len(batches), batches.steps_per_epoch
    folder = out / "checkpoints"

    torch.manual_seed(config.seed)
    network = Network(config, data.spec.dim, len(data.speakers)).to(ranks.device)
    bf16 = config.precision == "bf16"
    if bf16 or ranks.device.type == "cpu":  # 8 to 20 % faster for the residual networks in fp32 on a CPU
        to_channels_last(network, ranks.device)
    optimizer = build_optimizer(network, config.optim)
    full_margins = network.margins()

    step = _restore(folder / LAST, network, optimizer)
    batches.first_step = step
    monitor = Monitor(out, total, step, ranks)
    if ranks.leader:
        say(_plan(network, config, data, batches, ranks, step))
        if config.epochs == 0:
            save_checkpoint(epoch_path(folder, 0), {"model": network.model.state_dict()})
            _save(folder / LAST, network, optimizer, step)

    network.train()
    parallel = ranks.wrap(network)
    for features, labels in monitor.timed(_loader(dataset, batches, config)):
        rate = learning_rate(step, total, config.optim)
        for group in optimizer.param_groups:
            group["lr"] = rate
        for part, full_margin in full_margins:
            part.margin = full_margin * margin_share(step, total, config.margin)
        torch.manual_seed(config.seed + step)  # dropout, if any, is a function of the step

        features, labels = features.to(ranks.device, non_blocking=True), labels.to(ranks.device)
        with torch.autocast(ranks.device.type, torch.bfloat16) if bf16 else nullcontext():
            loss, accuracy = parallel(features, labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(network.parameters(), config.optim.max_grad_norm)
        optimizer.step()

        step += 1
        monitor.add(step, step / per_epoch, loss.detach(), accuracy, len(labels))
        epoch_ends = step % per_epoch == 0
        if epoch_ends or step % config.save_every_steps == 0:
            margin = float(full_margins[0][0].margin) if full_margins else 0.0
            monitor.record(step, step / per_epoch, lr=rate, margin=margin, gradient_norm=norm.item())
            if ranks.leader:
                if epoch_ends:
                    save_checkpoint(
                        epoch_path(folder, step // per_epoch), {"model": network.model.state_dict()}
                    )
                _save(folder / LAST, network, optimizer, step)
                for old in epoch_checkpoints(folder)[: -config.keep_epochs]:
                    old.unlink()
    ranks.barrier()
    monitor.close(step)


def resolve_precision(config: TrainConfig, device: torch.device, begun: str | None = None) -> TrainConfig:
    """Return the configuration with `auto` replaced: bf16 where the device computes in it natively.

    A run that was `begun` with a precision keeps it.
    """
    if config.precision != "auto":
        return config
    return config.model_copy(update={"precision": begun or ("bf16" if computes_bf16(device) else "fp32")})


def _loader(dataset: ChunkDataset, batches: EpochBatches, config: TrainConfig) -> DataLoader:
    workers = config.data.num_workers
    return DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
        prefetch_factor=4 if workers else None,
    )


def _save(path: Path, network: Network, optimizer: torch.optim.Optimizer, step: int) -> None:
    save_checkpoint(
        path, {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    )


def _restore(path: Path, network: Network, optimizer: torch.optim.Optimizer) -> int:
    if not path.exists():
        return 0
    state = load_checkpoint(path)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    return state["step"]


def _plan(
    network: Network, config: TrainConfig, data: TrainingSet, batches: EpochBatches, ranks: Ranks, step: int
) -> str:
    start = f"continuing after step {step}" if step else "from the start"
    return (
        f"{config.model.name} of {num_parameters(network.model) / 1e6:.2f} M parameters, {config.loss.name} "
        f"over {len(data.speakers)} classes: the speakers of {data.source}\n"
        f"{len(data.labels)} utterances, {config.epochs} epochs of {batches.steps_per_epoch} steps with "
        f"{config.batch_size} chunks of {config.data.chunk_frames} frames; {start}\n"
        f"{ranks.size} process(es) on {ranks.device.type} in {config.precision}, {torch.get_num_threads()} "
        f"thread(s) each of {os.cpu_count()} cores"
    )
