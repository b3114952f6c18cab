"""The figures of a report: DET curves, score histograms and training curves, as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from wespk.core.errors import WespkError
from wespk.metrics.markup import printable
from wespk.metrics.scores import Scores
from wespk.metrics.svg import INK, drawing, name_legend, series_style, to_svg
from wespk.metrics.systems import SystemResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRAINING_POINTS = 1000
PANELS = {"loss": "training loss", "accuracy": "training accuracy", "lr": "learning rate"}
TICKS = (1e-5, 1e-4, 1e-3, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99)


def det_svg(results: Sequence[SystemResult]) -> str:
    """Draw the DET curves of systems on one trial list (Martin et al. 1997), on normal-deviate axes.

    A dot marks each system's equal error rate, a triangle its least cost at the first operating point.
    """
    _refuse_nothing(results)
    low = np.array([_lowest(result.det[axis] for result in results) for axis in (0, 1)])
    high = min(0.99, 1.1 * max(0.45, *(_rightmost(result) for result in results)))
    with drawing() as figure_class:
        figure = figure_class(figsize=(6.2, 5.4 + 0.2 * len(results)), layout="constrained")
        axes = figure.add_subplot()
        _det_axes(axes, low, high)
        names, handles = [], []
        for index, result in enumerate(results):
            style, numbers = series_style(index), result.evaluation
            rates = ndtri(result.det.clip(low[:, None] / 2, 0.999))
            handles += axes.plot(*rates, **style)
            names.append(f"{result.system}: EER {100 * numbers.eer:.2f} %")
            _mark(axes, (numbers.eer, numbers.eer), low, high, marker="o", color=style["color"])
            for cost in numbers.costs[:1]:
                best = (cost.p_fa, cost.p_miss)
                _mark(axes, best, low, high, marker="^", mfc="none", mew=1.4, color=style["color"])
        handles += axes.plot([], [], "o", color=INK, markersize=6)
        names.append("equal error rate")
        for cost in results[0].evaluation.costs[:1]:
            handles += axes.plot([], [], "^", color=INK, markersize=6, mfc="none", mew=1.4)
            names.append(f"minDCF({cost.point.name})")
        name_legend(figure, handles, names, loc="outside lower left")
        return to_svg(figure, f"DET curves on {results[0].trials}: " + ", ".join(names[: len(results)]))


def histogram_svg(results: Sequence[SystemResult]) -> str:
    """Draw the target and nontarget scores of systems on one trial list, a panel for each system."""
    _refuse_nothing(results)
    across = 1 if len(results) == 1 else 2
    down = -(-len(results) // across)
    with drawing() as figure_class:
        figure = figure_class(figsize=(6.2, 0.6 + 2.3 * down), layout="constrained")
        panels = figure.subplots(down, across, squeeze=False).ravel()
        handles: dict[str, Any] = {}
        for axes, result in zip(panels, results, strict=False):
            handles |= _histogram(axes, result)
        for axes in panels[len(results) :]:
            axes.set_axis_off()
        figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=4)
        return to_svg(figure, f"Score histograms on {results[0].trials}")


def training_svg(rows: Sequence[Mapping[str, Any]]) -> str:
    """Draw loss, accuracy and learning rate against the step, as far as the rows have them.

    A row is ``{"step": .., "epoch": .., "loss": .., "accuracy": .., "lr": ..}``; all but `step` may be
    missing or None. More than 1000 rows are averaged in groups. Raises `WespkError` for no rows and for a row
    without step.
    """
    if not rows or any("step" not in row for row in rows):
        raise WespkError("training curves: each row of the training log needs a step, and there must be one")
    steps, epochs = _column(rows, "step"), _column(rows, "epoch")
    shown = [key for key in PANELS if np.isfinite(_column(rows, key)).any()] or ["loss"]
    with drawing() as figure_class:
        figure = figure_class(figsize=(6.2, 0.8 + 1.7 * len(shown)), layout="constrained")
        panels = figure.subplots(len(shown), 1, sharex=True, squeeze=False).ravel()
        for index, (axes, key) in enumerate(zip(panels, shown, strict=True)):
            values = _column(rows, key)
            marker = "." if len(rows) == 1 else ""
            axes.plot(_thinned(steps), _thinned(values), **series_style(index), marker=marker)
            axes.set_title(PANELS[key], loc="left")
            axes.grid(axis="y")
            if key == "loss" and not (values < 0).any():
                axes.set_ylim(bottom=0)
        panels[-1].set_xlabel("step")
        _mark_epochs(panels, steps, epochs)
        return to_svg(figure, "Training curves: " + ", ".join(PANELS[key] for key in shown))


def _refuse_nothing(results: Sequence[SystemResult]) -> None:
    if not results:
        raise WespkError("plots: there is no system to draw")


def _lowest(rates: Any) -> float:
    """Return the low end of a DET axis: just under one error, where any curve leaves the plot."""
    smallest = min(float(each[each > 0].min()) for each in rates)
    return min(max(0.7 * smallest, 7e-6), 0.02)


def _rightmost(result: SystemResult) -> float:
    """Return the largest rate that a marker of this system stands at."""
    numbers = result.evaluation
    return max([numbers.eer, *(rate for cost in numbers.costs[:1] for rate in (cost.p_miss, cost.p_fa))])


def _det_axes(axes: Axes, low: Scores, high: float) -> None:
    for axis, start in ((axes.xaxis, low[0]), (axes.yaxis, low[1])):
        ticks = [rate for rate in TICKS if start <= rate <= high]
        axis.set_ticks(ndtri(ticks), labels=[f"{100 * rate:g}" for rate in ticks])
    axes.set_xlim(*ndtri([low[0], high]))
    axes.set_ylim(*ndtri([low[1], high]))
    axes.set_xlabel("false alarms, FAR in %")
    axes.set_ylabel("misses, FRR in %", rotation_mode="anchor")
    axes.grid()
    axes.plot(*ndtri([[max(low), high]] * 2), color=INK, alpha=0.4, linewidth=0.8, linestyle=":")


def _mark(axes: Axes, rates: tuple[float, float], low: Scores, high: float, **style: Any) -> None:
    """Put a marker at (p_fa, p_miss), or on the border of the plot when the rates lie beyond it."""
    inside = ndtri(np.clip(rates, low, high))
    axes.plot(*inside[:, None], markersize=6.5, linestyle="none", clip_on=False, zorder=3, **style)


def _histogram(axes: Axes, result: SystemResult) -> dict[str, Any]:
    """Draw one system and return the legend's handles by name."""
    handles: dict[str, Any] = {}
    histogram, numbers = result.histogram, result.evaluation
    for index, (name, shares) in enumerate(
        (("nontarget", histogram.nontarget), ("target", histogram.target))
    ):
        colour = series_style(index)["color"]
        handles[name] = axes.stairs(shares, histogram.edges, fill=True, facecolor=colour, alpha=0.35)
        axes.stairs(shares, histogram.edges, color=colour, linewidth=1)
    line = axes.axvline(numbers.eer_threshold, color=INK, linewidth=1)
    handles["threshold at the EER"] = line
    if numbers.dev_threshold is not None:
        dashed = axes.axvline(numbers.dev_threshold, color=INK, linewidth=1, linestyle=(0, (3, 2)))
        handles["development threshold"] = dashed
    axes.set_title(printable(result.system), loc="left")
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.spines.left.set_visible(False)
    axes.set_xlabel("score")
    return handles


def _column(rows: Sequence[Mapping[str, Any]], key: str) -> Scores:
    """Return one column of the log (R,), NaN where it has no finite number: the line is broken there."""
    values = np.array([np.nan if row.get(key) is None else float(row[key]) for row in rows])
    return np.where(np.isfinite(values), values, np.nan)


def _thinned(values: Scores) -> Scores:
    """Average groups of neighbours until at most `TRAINING_POINTS` are left; a group with a NaN is NaN."""
    starts = np.arange(0, len(values), -(-len(values) // TRAINING_POINTS))
    return np.add.reduceat(values, starts) / np.diff(np.append(starts, len(values)))


def _mark_epochs(panels: Any, steps: Scores, epochs: Scores) -> None:
    """Draw a line where an epoch begins, for at most ten epochs, and number it above the first panel."""
    begins = np.flatnonzero(np.diff(epochs) > 0) + 1
    begins = begins[:: max(1, -(-len(begins) // 10))]
    for axes in panels:
        for place in begins:
            axes.axvline(steps[place], color=INK, alpha=0.2, linewidth=0.8)
    for place in begins:
        panels[0].annotate(
            f"epoch {epochs[place]:.0f}",
            (steps[place], 1),
            xycoords=("data", "axes fraction"),
            xytext=(2, -9),
            textcoords="offset points",
            fontsize=8,
        )
