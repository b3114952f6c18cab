"""Every number that is reported about one system on one trial list, computed in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wespk.metrics.costs import actual_dcf, cllr, min_cllr, min_dcf
from wespk.metrics.curves import AtThreshold, StepCurve, step_curve
from wespk.metrics.decisions import best_accuracy, best_f1, decisions_at
from wespk.metrics.error_rates import EER_RULES, eer, far_at_frr, frr_at_far
from wespk.metrics.points import EmpiricalPoint, OperatingPoint
from wespk.metrics.ranking import auc, average_precision
from wespk.metrics.records import Record
from wespk.metrics.scores import Scores, ScoreSet
from wespk.metrics.thresholds import Thresholds, min_dcf_name

Point = OperatingPoint | EmpiricalPoint

FARS = (0.1, 0.05, 0.01, 0.001, 0.0001)
FRRS = (0.1, 0.05, 0.01)
DEFAULT_POINTS: tuple[Point, ...] = (OperatingPoint(0.01), OperatingPoint(0.05))


@dataclass(frozen=True)
class PointCost(Record):
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


@dataclass(frozen=True)
class AtDev(Record):
    """What happens at a threshold that was found on development trials and is applied unchanged.

    `name` says what it was found for: ``eer``, ``min_dcf(0.01)``, ``far(0.001)``. The shares `far`, `frr`,
    `accuracy`, `precision`, `recall` and `f1` are of these trials (see `Decisions`). `dcf` is the normalised
    cost at the point of a ``min_dcf`` threshold, None for the others.
    """

    name: str
    threshold: float
    far: float
    frr: float
    accuracy: float
    precision: float
    recall: float
    f1: float
    dcf: float | None


@dataclass(frozen=True)
class KindResult(Record):
    """The target trials of a text-dependent list against the `num` nontarget trials of one kind alone."""

    kind: str
    num: int
    eer: float


@dataclass(frozen=True)
class Evaluation(Record):
    """The measures of one system on one trial list. Rates are shares in [0, 1], never percent.

    `eer` is the equal error rate by `rule`, and `eers` holds it by every rule. `misses_at_eer` and
    `false_alarms_at_eer` are the errors behind it, counted at `eer_threshold`: with ten of them the next
    decimal of the rate is noise. `frr_at_far` is the least FRR with at most each FAR of `FARS`, by a name
    such as ``0.01``, and `far_at_frr` the other way round for `FRRS`. `costs` follow the order of the
    operating points asked for, `at_dev` that of the development thresholds. `intervals` are 95 % intervals
    of the measures ``eer``, ``min_dcf(0.01)``, ``actual_dcf(0.01)`` (at the development threshold, or else
    the Bayes threshold) and ``cllr``, of `draws` bootstrap draws of the `num_speakers`; there are none where
    the speakers are not known. `kinds` divides the nontarget trials of text-dependent lists.
    """

    num_target: int
    num_nontarget: int
    rule: str
    eer: float
    eer_threshold: float
    misses_at_eer: int
    false_alarms_at_eer: int
    eers: Mapping[str, float]
    cllr: float
    min_cllr: float
    auc: float
    average_precision: float
    best_f1: AtThreshold
    best_accuracy: AtThreshold
    costs: tuple[PointCost, ...]
    frr_at_far: Mapping[str, float]
    far_at_frr: Mapping[str, float]
    at_dev: tuple[AtDev, ...] = ()
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    num_speakers: int | None = None
    draws: int = 0
    kinds: tuple[KindResult, ...] = ()

    def __str__(self) -> str:
        costs = "".join(f", minDCF({cost.point.name}) {cost.min_dcf:.3f}" for cost in self.costs)
        return f"EER {100 * self.eer:.3f} %{costs} over {self.num_target} + {self.num_nontarget} trials"


def evaluate(
    scores: ScoreSet,
    points: Sequence[Point] = DEFAULT_POINTS,
    dev_thresholds: Thresholds | None = None,
    rule: str = "interpolated",
    curve: StepCurve | None = None,
) -> Evaluation:
    """Measure one system on one trial list.

    `dev_thresholds` are `find_thresholds` of the development trials; `curve` is `step_curve(scores)` for a
    caller who has it already. Cllr and the costs at the Bayes threshold take the scores for natural-log
    likelihood ratios. Raises `WespkError` for a rule that is none of `EER_RULES` and when `dev_thresholds`
    lacks one of the points.
    """
    return evaluate_curve(step_curve(curve or scores), cllr(scores), points, dev_thresholds, rule)


def evaluate_curve(
    curve: StepCurve,
    cllr: float,
    points: Sequence[Point] = DEFAULT_POINTS,
    dev_thresholds: Thresholds | None = None,
    rule: str = "interpolated",
) -> Evaluation:
    """Measure a system of which only the curve and Cllr are known, as after streaming; see `evaluate`."""
    equal = eer(curve, rule)
    misses, false_alarms = curve.errors_at(equal.threshold)
    of_list = [point.of(curve.num_target, curve.num_nontarget) for point in points]
    return Evaluation(
        num_target=curve.num_target,
        num_nontarget=curve.num_nontarget,
        rule=rule,
        eer=equal.value,
        eer_threshold=equal.threshold,
        misses_at_eer=misses,
        false_alarms_at_eer=false_alarms,
        eers={each: eer(curve, each).value for each in EER_RULES},
        cllr=cllr,
        min_cllr=min_cllr(curve),
        auc=auc(curve),
        average_precision=average_precision(curve),
        best_f1=best_f1(curve),
        best_accuracy=best_accuracy(curve),
        costs=tuple(_point_cost(curve, point, dev_thresholds) for point in of_list),
        frr_at_far={f"{far:g}": rate for far, rate in zip(FARS, frr_at_far(curve, FARS), strict=True)},
        far_at_frr={f"{frr:g}": rate for frr, rate in zip(FRRS, far_at_frr(curve, FRRS), strict=True)},
        at_dev=_at_dev(curve, dev_thresholds, of_list) if dev_thresholds else (),
    )


def kind_results(
    scores: Scores, kind: NDArray[np.int8], labels: Sequence[str], rule: str = "interpolated"
) -> tuple[KindResult, ...]:
    """Return the EER of the targets against each other kind of trials alone; none where there is but one.

    scores (K,); kind (K,) points into `labels`, of which one is ``target``.
    """
    target = scores[kind == labels.index("target")]
    others = {label: scores[kind == code] for code, label in enumerate(labels) if label != "target"}
    present = {label: each for label, each in others.items() if len(each)}
    if len(present) < 2:
        return ()
    return tuple(
        KindResult(label, len(each), eer(ScoreSet(target, each), rule).value)
        for label, each in present.items()
    )


def _point_cost(curve: StepCurve, point: OperatingPoint, dev_thresholds: Thresholds | None) -> PointCost:
    best = min_dcf(curve, point)
    p_miss, p_fa = curve.rates_at(best.threshold)
    dev_threshold = dev_thresholds.at(min_dcf_name(point)) if dev_thresholds else None
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


def _at_dev(curve: StepCurve, thresholds: Thresholds, points: Sequence[OperatingPoint]) -> tuple[AtDev, ...]:
    by_name = {min_dcf_name(point): point for point in points}
    found = []
    for name, threshold in thresholds.values.items():
        at = decisions_at(curve, threshold)
        dcf = actual_dcf(curve, by_name[name], threshold) if name in by_name else None
        found.append(AtDev(name, threshold, at.far, at.frr, at.accuracy, at.precision, at.recall, at.f1, dcf))
    return tuple(found)
