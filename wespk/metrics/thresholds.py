"""Named thresholds found on development trials, to be applied unchanged to other trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from wespk.core.errors import WespkError
from wespk.metrics.costs import EmpiricalPoint, OperatingPoint, min_dcf
from wespk.metrics.curves import StepCurve, step_curve
from wespk.metrics.error_rates import eer, threshold_at_far
from wespk.metrics.scores import ScoreSet

EER = "eer"
DEFAULT_FARS = (0.01, 0.001)


@dataclass(frozen=True)
class Thresholds:
    """Thresholds by the name of what they are for: ``eer``, ``min_dcf(0.01)``, ``far(0.001)``."""

    values: Mapping[str, float]

    def at(self, name: str) -> float:
        """Return the threshold of this name. Raises `WespkError` when there is none."""
        if name not in self.values:
            known = ", ".join(self.values) or "none"
            raise WespkError(
                f"no development threshold {name} (there are: {known}); find it on the development trials"
            )
        return self.values[name]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file: a map of name to number."""
        return dict(self.values)

    @staticmethod
    def from_json(value: Any) -> Thresholds:
        """Read what `to_json` returned. Raises `WespkError` for anything else."""
        try:
            values = {str(name): float(each) for name, each in value.items()}
        except (AttributeError, TypeError, ValueError):
            values = {}
        if not values or not all(map(isfinite, values.values())):
            raise WespkError("thresholds: expected a map of name to number, such as {'eer': 0.31}")
        return Thresholds(values)


def find_thresholds(
    scores: ScoreSet | StepCurve,
    points: Sequence[OperatingPoint | EmpiricalPoint],
    fars: Sequence[float] = DEFAULT_FARS,
) -> Thresholds:
    """Return the thresholds at the equal error rate, of least cost at each point, and at each FAR.

    They are named ``eer``, ``min_dcf(POINT)`` by the point's own name, and ``far(RATE)`` for the lowest
    threshold that keeps the false-alarm rate at or below RATE.
    """
    curve = step_curve(scores)
    values = {EER: eer(curve).threshold}
    values.update({min_dcf_name(point): min_dcf(curve, point).threshold for point in points})
    values.update({far_name(far): threshold_at_far(curve, far).threshold for far in fars})
    return Thresholds(values)


def min_dcf_name(point: OperatingPoint | EmpiricalPoint) -> str:
    """Return the name of the threshold of least cost at this point, such as ``min_dcf(0.01)``."""
    return f"min_dcf({point.name})"


def far_name(far: float) -> str:
    """Return the name of the threshold for a false-alarm rate, such as ``far(0.001)``."""
    return f"far({far:g})"
