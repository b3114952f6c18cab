"""What the user sees of training: one progress line, history.json for the report, TensorBoard scalars."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from wespk.core.errors import WespkError
from wespk.core.files import read_json, write_json
from wespk.core.progress import Ticker, clock, say
from wespk.train.distributed import Ranks

Item = TypeVar("Item")


class Monitor:
    """Sums loss and accuracy between records, and times the waiting for data.

    A record covers all ranks. Records behind the step that training continues from are dropped, so history
    has each step once.
    """

    def __init__(self, out: Path, total: int, first_step: int, ranks: Ranks) -> None:
        self.ranks = ranks
        # The loss, the accuracy and 1, summed over the examples.
        self._sums = torch.zeros(3, dtype=torch.float64, device=ranks.device)
        self._out = out
        self._total = total
        self._first_step = first_step
        self._history = self._continued(first_step)
        self._scalars = _tensorboard(out, first_step) if ranks.leader else None
        self._ticker = Ticker()
        self._examples = 0
        self._waited = 0.0

    def timed(self, batches: Iterable[Item]) -> Iterator[Item]:
        """Yield the batches, adding up the time that each took to come."""
        iterator = iter(batches)
        while True:
            start = time.monotonic()
            try:
                batch = next(iterator)
            except StopIteration:
                return
            self._waited += time.monotonic() - start
            yield batch

    def add(self, step: int, epoch: float, loss: Tensor, accuracy: Tensor, examples: int) -> None:
        """Count one step's batch by its mean loss and accuracy; show the progress line when it is due."""
        self._sums += examples * torch.stack(
            [loss.double(), accuracy.double(), torch.ones_like(loss).double()]
        )
        self._examples += examples
        if self.ranks.leader and self._ticker.due():
            self._ticker.show(self._line(step, epoch))

    def record(self, step: int, epoch: float, **scalars: float) -> None:
        """Write means since the last record, and `scalars`, to history.json and TensorBoard.

        Raises `WespkError` when the loss is not finite.
        """
        loss, accuracy, examples = self.ranks.sum(self._sums).tolist()
        self._sums.zero_()
        means = {
            "loss": loss / examples,
            "accuracy": accuracy / examples,
            **scalars,
            "data_wait": self._wait_share(),
        }
        if not means["loss"] < float("inf"):
            raise WespkError(f"step {step}: the loss is not finite; lower optim.lr or set precision to fp32")
        if not self.ranks.leader:
            return
        self._history.append({"step": step, "epoch": epoch, **means})
        write_json(self._out / "history.json", self._history)
        if self._scalars:
            for name, value in means.items():
                self._scalars.add_scalar(f"train/{name}", value, step)

    def close(self, step: int) -> None:
        """Finish the progress line with a summary, and flush."""
        self._ticker.clear()
        if self._scalars:
            self._scalars.close()
        if self.ranks.leader and step > self._first_step:
            say(self._line(step, self._history[-1]["epoch"]))

    def _line(self, step: int, epoch: float) -> str:
        seconds = time.monotonic() - self._ticker.start
        rate = self._examples * self.ranks.size / seconds
        left = clock(seconds / (step - self._first_step) * (self._total - step))
        if self._sums[2]:
            loss, accuracy = (self._sums[:2] / self._sums[2]).tolist()
        else:
            loss, accuracy = self._history[-1]["loss"], self._history[-1]["accuracy"]
        return (
            f"epoch {epoch:.1f} step {step}/{self._total}  loss {loss:.3f}  accuracy {100 * accuracy:.1f} %  "
            f"{rate:.0f} utt/s  waiting for data {100 * self._wait_share():.1f} %  {left} left"
        )

    def _wait_share(self) -> float:
        return self._waited / max(1e-9, time.monotonic() - self._ticker.start)

    def _continued(self, first_step: int) -> list[dict[str, Any]]:
        path = self._out / "history.json"
        past = read_json(path) if first_step and path.exists() else []
        return [record for record in past if record["step"] <= first_step]


def _tensorboard(out: Path, first_step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        say("TensorBoard is not installed: no scalars are written (pip install 'wespk[recipes]')")
        return None
    return SummaryWriter(str(out / "tensorboard"), purge_step=first_step + 1)
