"""EER by epoch: one record for each epoch's weights, the best of them, and the table for the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.table import Table

from wespk.core.errors import WespkError
from wespk.metrics.costs import min_dcf
from wespk.metrics.curves import step_curve
from wespk.metrics.error_rates import eer
from wespk.metrics.points import OperatingPoint
from wespk.metrics.scores import ScoreSet

POINT = OperatingPoint(0.01)
LATEST = 10**9  # no training gets there; a file that says so is damaged


@dataclass(frozen=True)
class EpochResult:
    """Errors of one epoch's weights on a trial list.

    `eer` and `min_dcf` (normalised, at a prior of 0.01) as in `wespk.metrics`; `trials` names the list and
    `scoring` says how it was scored. `weights` and `inputs` are digests of the checkpoint and of everything
    else that the figures depend on: with both unchanged there is nothing to do again.
    """

    epoch: int
    eer: float
    min_dcf: float
    trials: str
    scoring: str
    weights: str
    inputs: str

    @staticmethod
    def from_scores(epoch: int, scores: ScoreSet, **facts: str) -> EpochResult:
        """Measure the scores of one epoch; `facts` are the remaining fields."""
        curve = step_curve(scores)
        return EpochResult(epoch, eer(curve).value, min_dcf(curve, POINT).value, **facts)

    def __str__(self) -> str:
        return (
            f"epoch {self.epoch}: EER {100 * self.eer:.2f} %, minDCF({POINT.name}) {self.min_dcf:.3f} "
            f"on {self.trials}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return a dictionary that JSON can hold."""
        facts = {name: getattr(self, name) for name in ("trials", "scoring", "weights", "inputs")}
        return {"epoch": self.epoch, "eer": self.eer, f"min_dcf({POINT.name})": self.min_dcf, **facts}

    @staticmethod
    def from_json(record: Any) -> EpochResult:
        """Read what `to_json` wrote. Raises `WespkError` for anything else."""
        try:
            facts = {name: str(record[name]) for name in ("trials", "scoring", "weights", "inputs")}
            rate, cost = float(record["eer"]), float(record[f"min_dcf({POINT.name})"])
            if not (0 <= rate <= 1 and 0 <= cost <= 1 and 0 <= int(record["epoch"]) < LATEST):
                raise ValueError
            return EpochResult(int(record["epoch"]), rate, cost, **facts)
        except (KeyError, TypeError, ValueError, OverflowError):
            raise WespkError("is not a list of epochs as `wespk evaluate-epochs` writes it") from None


def best_epoch(results: Iterable[EpochResult]) -> EpochResult:
    """Return the result with the lowest EER; of equal ones that with the lower cost, then the earlier."""
    return min(results, key=lambda each: (each.eer, each.min_dcf, each.epoch))


def epochs_table(results: Sequence[EpochResult]) -> Table:
    """Return the table for the screen, a line an epoch; the best one is marked."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for heading in ("epoch", "EER %", f"minDCF({POINT.name})", ""):
        table.add_column(heading, justify="right" if heading else "left")
    best = best_epoch(results)
    for each in sorted(results, key=lambda each: each.epoch):
        cells = (str(each.epoch), f"{100 * each.eer:.2f}", f"{each.min_dcf:.3f}")
        table.add_row(*cells, "best" if each is best else "", style="bold" if each is best else "")
    return table
