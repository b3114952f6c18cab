"""Miss rates against false alarm rates: DET and ROC curves with their operating points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from wespk.core.errors import WespkError
from wespk.metrics.scores import Scores
from wespk.metrics.svg import INK, draw_mark, drawing, series_style, to_svg
from wespk.metrics.systems import SystemResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TICKS = (1e-5, 1e-4, 1e-3, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99)
SHAPES = ("^", "s", "D")  # of the first operating points; a circle is the equal error rate


@dataclass(frozen=True)
class Mark:
    """An operating point of a system: the development threshold's (`actual`), or the best of these trials."""

    shape: str
    name: str
    actual: bool
    p_fa: float
    p_miss: float


def det_svg(results: Sequence[SystemResult]) -> str:
    """Draw the DET curves of systems on one trial list (Martin et al. 1997), on normal-deviate axes.

    Hollow marks stand at the best thresholds for these trials: a circle at the equal error rate, other shapes
    at the least costs. The filled marks of the same shapes stand where the development thresholds lead.
    """
    refuse_nothing(results)
    marks = [_marks(result) for result in results]
    low = np.array([_lowest(result.det[axis] for result in results) for axis in (0, 1)])
    farthest = [
        max(rates) for rates in zip(*((mark.p_fa, mark.p_miss) for own in marks for mark in own), strict=True)
    ]
    high = np.clip(1.1 * np.array(farthest), 0.5, 0.99)
    with drawing() as figure_class:
        figure = figure_class(figsize=(6.2, 5.2), layout="constrained")
        axes = figure.add_subplot()
        _det_axes(axes, low, high)
        for index, (result, own) in enumerate(zip(results, marks, strict=True)):
            style = series_style(index)
            axes.plot(*ndtri(result.det.clip(low[:, None] / 2, 0.999)), **style)
            for mark in own:
                at = ndtri(np.clip((mark.p_fa, mark.p_miss), low, high))  # on the border if beyond it
                draw_mark(axes, at, mark.shape, style["color"], mark.actual)
        names = (f"{each.system}, EER {100 * each.evaluation.eer:.2f} %" for each in results)
        return to_svg(figure, f"DET curves on {results[0].trials}: {'; '.join(names)}")


def roc_svg(results: Sequence[SystemResult]) -> str:
    """Draw the share of accepted target trials against the false alarm rate, with the equal error rates.

    The axis of false alarms is logarithmic. On a linear one the curve of any useful system lies in the upper
    left corner, while the question put to a ROC here is what is accepted at a FAR of 1 % or 0.1 %.
    """
    refuse_nothing(results)
    left = _lowest(result.det[0] for result in results)
    bottom = min(_accepted_at(result, left) for result in results)
    with drawing() as figure_class:
        figure = figure_class(figsize=(6.2, 5.2), layout="constrained")
        axes = figure.add_subplot()
        for index, result in enumerate(results):
            style, numbers = series_style(index), result.evaluation
            p_fa, p_miss = result.det
            axes.plot(p_fa.clip(left / 2), 1 - p_miss, **style)
            draw_mark(axes, (max(numbers.eer, left), 1 - numbers.eer), "o", style["color"])
        drawn = np.geomspace(left, 1, 200)
        axes.plot(drawn, 1 - drawn, color=INK, alpha=0.4, linewidth=0.8, linestyle=":")
        axes.set_xscale("log")
        axes.set_xlim(left, 1)
        axes.set_ylim(0.95 * bottom, 1)
        axes.xaxis.set_major_formatter(lambda rate, _: f"{100 * rate:g}")
        axes.xaxis.set_minor_formatter(lambda *_: "")
        axes.yaxis.set_major_formatter(lambda rate, _: f"{100 * rate:g}")
        axes.set_xlabel("false alarms, FAR in %")
        axes.set_ylabel("accepted targets in %")
        axes.grid()
        names = (f"{each.system}, AUC {100 * each.evaluation.auc:.2f} %" for each in results)
        return to_svg(figure, f"ROC curves on {results[0].trials}: {'; '.join(names)}")


def mark_meanings(results: Sequence[SystemResult]) -> dict[str, tuple[str, bool]]:
    """Return the shape of each mark of `det_svg` and whether it is filled, by what it stands for."""
    marks = [mark for result in results for mark in _marks(result)]
    best = {mark.name: (mark.shape, False) for mark in marks if not mark.actual}
    return best | {mark.name: ("o", True) for mark in marks if mark.actual}


def refuse_nothing(results: Sequence[SystemResult]) -> None:
    """Raise `WespkError` when there is no system to draw."""
    if not results:
        raise WespkError("plots: there is no system to draw")


def _marks(result: SystemResult) -> list[Mark]:
    """Return the points of the equal error rate and of the least costs, and where dev thresholds lead."""
    numbers = result.evaluation
    costs = numbers.costs[: len(SHAPES)]
    marks = [Mark("o", "EER", False, numbers.eer, numbers.eer)]
    for shape, cost in zip(SHAPES, costs, strict=False):
        marks.append(Mark(shape, f"minDCF({cost.point.name})", False, cost.p_fa, cost.p_miss))
    shapes = {"eer": "o"} | {
        f"min_dcf({cost.point.name})": shape for cost, shape in zip(costs, SHAPES, strict=False)
    }
    for at in numbers.at_dev:
        if at.name in shapes:
            marks.append(Mark(shapes[at.name], "filled: at the development threshold", True, at.far, at.frr))
    return marks


def _lowest(rates: Any) -> float:
    """Return the low end of an axis: just under one error, where any curve leaves the plot."""
    smallest = min(float(each[each > 0].min()) for each in rates)
    return min(max(0.7 * smallest, 7e-6), 0.02)


def _accepted_at(result: SystemResult, p_fa: float) -> float:
    """Return the share of targets that are accepted at this false alarm rate or below it."""
    return float((1 - result.det[1])[result.det[0] <= p_fa].max(initial=0.0))


def _det_axes(axes: Axes, low: Scores, high: Scores) -> None:
    for axis, start, end in zip((axes.xaxis, axes.yaxis), low, high, strict=True):
        ticks: list[float] = []
        for rate in TICKS:  # those that have room for their labels
            near = ticks and ndtri(rate) - ndtri(ticks[-1]) < 0.05 * (ndtri(end) - ndtri(start))
            if start <= rate <= end and not near:
                ticks.append(rate)
        axis.set_ticks(ndtri(ticks), labels=[f"{100 * rate:g}" for rate in ticks])
    axes.set_xlim(*ndtri([low[0], high[0]]))
    axes.set_ylim(*ndtri([low[1], high[1]]))
    axes.set_xlabel("false alarms, FAR in %")
    axes.set_ylabel("misses, FRR in %", rotation_mode="anchor")
    axes.grid()
    axes.plot(*ndtri([[max(low), min(high)]] * 2), color=INK, alpha=0.4, linewidth=0.8, linestyle=":")
