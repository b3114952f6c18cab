"""Every number that is reported about one system on one trial list, computed in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wespk.core.errors import WespkError
from wespk.metrics.costs import OperatingPoint, actual_dcf, cllr, min_cllr, min_dcf
from wespk.metrics.error_rates import StepCurve, eer, step_curve
from wespk.metrics.scores import ScoreSet

DEFAULT_POINTS = (OperatingPoint(0.01), OperatingPoint(0.05))


@dataclass(frozen=True)
class Thresholds:
    """Thresholds found on development trials, to be applied unchanged to other trials.

    `eer` is the threshold at the equal error rate; `min_dcf` maps the name of an operating point to the
    threshold of least cost there.
    """

    eer: float
    min_dcf: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        return {"eer": self.eer, "min_dcf": dict(self.min_dcf)}

    @staticmethod
    def from_json(value: Any) -> Thresholds:
        """Read what `to_json` returned. Raises `WespkError` for anything else."""
        try:
            return Thresholds(
                float(value["eer"]), {str(name): float(each) for name, each in value["min_dcf"].items()}
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            raise WespkError(
                "thresholds: expected a number `eer` and a map `min_dcf` of operating point to number"
            ) from None


@dataclass(frozen=True)
class PointCost:
    """Normalised detection costs at one operating point.

    `min_dcf` and `threshold` are of these trials themselves, `p_miss` and `p_fa` the error rates there.
    `actual_dcf_bayes` is the cost at the Bayes threshold: it says something about calibrated scores only.
    `actual_dcf_dev` is the cost at `dev_threshold`; both are None where no development thresholds were given.
    """

    point: OperatingPoint
    min_dcf: float
    threshold: float
    p_miss: float
    p_fa: float
    actual_dcf_bayes: float
    dev_threshold: float | None
    actual_dcf_dev: float | None

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        return {
            "p_target": self.point.p_target,
            "c_miss": self.point.c_miss,
            "c_fa": self.point.c_fa,
            "min_dcf": self.min_dcf,
            "min_dcf_threshold": self.threshold,
            "frr_at_min_dcf": self.p_miss,
            "far_at_min_dcf": self.p_fa,
            "actual_dcf_bayes": self.actual_dcf_bayes,
            "dev_threshold": self.dev_threshold,
            "actual_dcf_dev": self.actual_dcf_dev,
        }


@dataclass(frozen=True)
class Evaluation:
    """The measures of one system on one trial list. Rates are shares in [0, 1], never percent.

    `misses_at_eer` and `false_alarms_at_eer` are the errors behind the equal error rate, counted at
    `eer_threshold`: with ten of them the next decimal of the rate is noise. `costs` follow the order of the
    operating points asked for. `frr_at_dev_eer` and `far_at_dev_eer` are p_miss and p_fa at `dev_threshold`,
    the development set's threshold at its equal error rate, or None where none was given.
    """

    num_target: int
    num_nontarget: int
    eer: float
    eer_threshold: float
    misses_at_eer: int
    false_alarms_at_eer: int
    cllr: float
    min_cllr: float
    costs: tuple[PointCost, ...]
    dev_threshold: float | None = None
    frr_at_dev_eer: float | None = None
    far_at_dev_eer: float | None = None

    def __str__(self) -> str:
        costs = "".join(f", minDCF({cost.point.name}) {cost.min_dcf:.3f}" for cost in self.costs)
        return f"EER {100 * self.eer:.3f} %{costs} over {self.num_target} + {self.num_nontarget} trials"

    @property
    def thresholds(self) -> Thresholds:
        """The thresholds found here, for `evaluate` on another set: that is what a development set is for."""
        return Thresholds(self.eer_threshold, {cost.point.name: cost.threshold for cost in self.costs})

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file; the costs are keyed by the name of the operating point."""
        return {
            "num_target": self.num_target,
            "num_nontarget": self.num_nontarget,
            "eer": self.eer,
            "eer_threshold": self.eer_threshold,
            "misses_at_eer": self.misses_at_eer,
            "false_alarms_at_eer": self.false_alarms_at_eer,
            "cllr": self.cllr,
            "min_cllr": self.min_cllr,
            "costs": {cost.point.name: cost.to_json() for cost in self.costs},
            "dev_eer_threshold": self.dev_threshold,
            "frr_at_dev_eer": self.frr_at_dev_eer,
            "far_at_dev_eer": self.far_at_dev_eer,
        }


def evaluate(
    scores: ScoreSet,
    points: Sequence[OperatingPoint] = DEFAULT_POINTS,
    dev_thresholds: Thresholds | None = None,
    curve: StepCurve | None = None,
) -> Evaluation:
    """Measure one system on one trial list.

    `dev_thresholds` are `evaluate(...).thresholds` of the development trials; `curve` is `step_curve(scores)`
    for a caller who has it already. Cllr and the costs at the Bayes threshold take the scores for natural-log
    likelihood ratios. Raises `WespkError` when `dev_thresholds` lacks one of the points.
    """
    curve = step_curve(scores) if curve is None else curve
    equal = eer(curve)
    misses, false_alarms = curve.errors_at(equal.threshold)
    at_dev = curve.rates_at(dev_thresholds.eer) if dev_thresholds else (None, None)
    return Evaluation(
        num_target=curve.num_target,
        num_nontarget=curve.num_nontarget,
        eer=equal.value,
        eer_threshold=equal.threshold,
        misses_at_eer=misses,
        false_alarms_at_eer=false_alarms,
        cllr=cllr(scores),
        min_cllr=min_cllr(curve),
        costs=tuple(_point_cost(curve, point, dev_thresholds) for point in points),
        dev_threshold=dev_thresholds.eer if dev_thresholds else None,
        frr_at_dev_eer=at_dev[0],
        far_at_dev_eer=at_dev[1],
    )


def _point_cost(curve: StepCurve, point: OperatingPoint, dev_thresholds: Thresholds | None) -> PointCost:
    best = min_dcf(curve, point)
    p_miss, p_fa = curve.rates_at(best.threshold)
    dev_threshold = _dev_threshold(dev_thresholds, point) if dev_thresholds else None
    return PointCost(
        point=point,
        min_dcf=best.value,
        threshold=best.threshold,
        p_miss=p_miss,
        p_fa=p_fa,
        actual_dcf_bayes=actual_dcf(curve, point),
        dev_threshold=dev_threshold,
        actual_dcf_dev=None if dev_threshold is None else actual_dcf(curve, point, dev_threshold),
    )


def _dev_threshold(thresholds: Thresholds, point: OperatingPoint) -> float:
    if point.name not in thresholds.min_dcf:
        known = ", ".join(thresholds.min_dcf) or "none"
        raise WespkError(
            f"no development threshold for operating point {point.name} (there are: {known}); "
            "evaluate the development trials at the same points"
        )
    return thresholds.min_dcf[point.name]
