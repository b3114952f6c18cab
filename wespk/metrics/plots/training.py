"""Curves over the training: loss, accuracy and learning rate by step, error rates by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wespk.core.errors import WespkError
from wespk.metrics.epochs import POINT, EpochResult
from wespk.metrics.scores import LARGEST, Scores
from wespk.metrics.svg import INK, draw_mark, drawing, name_legend, series_style, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRAINING_POINTS = 1000
PANELS = {"loss": "training loss", "accuracy": "training accuracy", "lr": "learning rate"}


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


def epochs_svg(results: Sequence[EpochResult]) -> str:
    """Draw the EER and the cost of each epoch's weights, a line for each trial list; the lowest is marked."""
    if not results:
        raise WespkError("error rates by epoch: there is no epoch to draw")
    lists = list(dict.fromkeys(each.trials for each in results))
    with drawing() as figure_class:
        figure = figure_class(figsize=(6.2, 4.4), layout="constrained")
        rates, costs = figure.subplots(2, 1, sharex=True)
        handles: list[Any] = []
        for index, name in enumerate(lists):
            own = sorted((each for each in results if each.trials == name), key=lambda each: each.epoch)
            epochs = [each.epoch for each in own]
            handles += _epoch_line(rates, epochs, [100 * each.eer for each in own], "{:.2f}", index)
            _epoch_line(costs, epochs, [each.min_dcf for each in own], "{:.3f}", index)
        rates.set_title("EER in %", loc="left")
        costs.set_title(f"minDCF ({POINT.name})", loc="left")
        for axes in (rates, costs):
            axes.grid(axis="y")
            axes.set_ylim(bottom=0)
            axes.margins(x=0.02)
        costs.set_xlabel("epoch")
        costs.xaxis.get_major_locator().set_params(integer=True)
        if len(lists) > 1:
            name_legend(figure, handles, lists, loc="outside lower left", ncols=3)
        return to_svg(figure, f"Error rates by epoch on {', '.join(lists)}")


def _epoch_line(axes: Axes, epochs: list[int], values: list[float], write: str, index: int) -> list[Any]:
    """Draw one list's values against the epoch, mark the lowest, and return the line."""
    style = series_style(index)
    line = axes.plot(epochs, values, marker=".", **style)
    best = int(np.argmin(values))
    lowest = (epochs[best], values[best])
    draw_mark(axes, lowest, "o", style["color"])
    written = write.format(values[best])
    axes.annotate(written, lowest, (0, -14), textcoords="offset points", ha="center", fontsize=8)
    return line


def _column(rows: Sequence[Mapping[str, Any]], key: str) -> Scores:
    """Return one column of the log (R,), NaN where it has no finite number: the line is broken there."""
    return np.array([_number(row.get(key)) for row in rows])


def _number(value: Any) -> float:
    is_usable = isinstance(value, (int, float)) and abs(value) < LARGEST
    return float(value) if is_usable else np.nan


def _thinned(values: Scores) -> Scores:
    """Average groups of neighbours until at most `TRAINING_POINTS` are left; a group with a NaN is NaN."""
    starts = np.arange(0, len(values), -(-len(values) // TRAINING_POINTS))
    return np.add.reduceat(values, starts) / np.diff(np.append(starts, len(values)))


def _mark_epochs(panels: Any, steps: Scores, epochs: Scores) -> None:
    """Draw a line where an epoch begins, for at most ten epochs, and number it above the first panel."""
    begins = np.flatnonzero(np.diff(np.floor(epochs)) > 0) + 1
    begins = begins[:: max(1, -(-len(begins) // 10))]
    for axes in panels:
        for place in begins:
            axes.axvline(steps[place], color=INK, alpha=0.2, linewidth=0.8)
    for place in begins:
        panels[0].annotate(
            f"{epochs[place]:.0f}",
            (steps[place], 1),
            xycoords=("data", "axes fraction"),
            xytext=(2, -9),
            textcoords="offset points",
            fontsize=8,
        )
