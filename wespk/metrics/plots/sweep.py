"""What each threshold would do: error rates, precision and recall, cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wespk.metrics.scores import Scores
from wespk.metrics.svg import INK, draw_mark, drawing, name_legend, series_style, to_svg
from wespk.metrics.systems import SystemResult
from wespk.metrics.thinned import Sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HIGHEST_COST = 1.25  # a normalised cost of 1 is that of deciding without listening; above it nothing is read


def sweep_svg(result: SystemResult) -> str:
    """Draw FAR and FRR, precision, recall and F1, and the normalised DCF against the threshold.

    Shown are the thresholds from the median nontarget to the median target score: outside them one would
    decide better without listening. A circle marks the best point of its panel: the equal error rate, the
    highest F1, the least cost. Dashed lines are the development thresholds.
    """
    sweep, numbers = result.sweep, result.evaluation
    dev = {at.name: at.threshold for at in numbers.at_dev}
    first = numbers.costs[0]
    marks = [numbers.eer_threshold, numbers.best_f1.threshold, first.threshold]
    with drawing() as figure_class:
        figure = figure_class(figsize=(6.2, 5.6), layout="constrained")
        rates, shares, cost = figure.subplots(3, 1, sharex=True)
        cost.set_xlim(*_range(sweep, [*marks, *dev.values()]))
        cost.set_xlabel("threshold")
        _panel(rates, "error rates in %", sweep.threshold, {"FAR": sweep.far, "FRR": sweep.frr}, 0)
        curves = {"precision": sweep.precision, "recall": sweep.recall, "F1": sweep.f1}
        _panel(shares, "precision and recall in %", sweep.threshold, curves, 2)
        _panel(cost, "", sweep.threshold, {f"normalised DCF({first.point.name})": sweep.dcf}, 5)
        _best(rates, marks[0], numbers.eer, f"EER {100 * numbers.eer:.2f} %", 8)
        _best(shares, marks[1], numbers.best_f1.value, f"F1 {100 * numbers.best_f1.value:.2f} %", -14)
        _best(cost, marks[2], first.min_dcf, f"minDCF {first.min_dcf:.3f}", -14)
        for axes, name in ((rates, "eer"), (shares, "eer"), (cost, f"min_dcf({first.point.name})")):
            if name in dev:
                axes.axvline(dev[name], color=INK, linewidth=1, linestyle=(0, (3, 2)), alpha=0.7)
        for axes in (rates, shares):
            axes.set_ylim(0, 1)
            axes.yaxis.set_major_formatter(lambda rate, _: f"{100 * rate:g}")
        cost.set_ylim(0, HIGHEST_COST)
        return to_svg(figure, f"Threshold sweep of {result.system} on {result.trials}")


def _range(sweep: Sweep, marks: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the axis: the median scores of the classes, or farther out if a mark lies there."""
    low = sweep.threshold[sweep.far > 0.5].max(initial=sweep.threshold[0])
    high = sweep.threshold[sweep.frr > 0.5].min(initial=sweep.threshold[-1])
    low, high = min(low, *marks), max(high, *marks)
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def _panel(axes: Axes, title: str, threshold: Scores, curves: dict[str, Scores], colour: int) -> None:
    handles = []
    for index, values in enumerate(curves.values()):
        handles += axes.plot(threshold, values, **series_style(colour + index))
    axes.grid()
    axes.set_title(title, loc="left")
    place = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0.2, "ncols": len(curves)}
    name_legend(axes, handles, list(curves), **place)


def _best(axes: Axes, threshold: float, value: float, name: str, above: float) -> None:
    """Mark the best point of a panel and write its value beside it, towards the middle of the panel."""
    low, high = axes.get_xlim()
    is_left = threshold < (low + high) / 2
    place, side = (8 if is_left else -8, above), "left" if is_left else "right"
    draw_mark(axes, (threshold, value))
    axes.annotate(name, (threshold, value), place, textcoords="offset points", fontsize=9, ha=side)
