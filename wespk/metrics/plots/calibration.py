"""How a system's scores relate to log-likelihood ratios."""

from __future__ import annotations

import numpy as np

from wespk.metrics.svg import INK, drawing, name_legend, series_style, to_svg
from wespk.metrics.systems import SystemResult


def calibration_svg(result: SystemResult) -> str:
    """Draw the log-likelihood ratio of each score, by PAV on these trials themselves, against the score.

    Calibrated scores, which say of themselves that they are log-likelihood ratios, lie on the dotted line.
    Above it they are too low. Where all trials of a stretch are of one class the ratio is infinite: the curve
    ends there.
    """
    score, llr = result.calibration.score, result.calibration.llr
    known = np.isfinite(llr)
    with drawing() as figure_class:
        figure = figure_class(figsize=(6.2, 5.6), layout="constrained")
        axes = figure.add_subplot()
        handles = axes.plot(score[known], llr[known], **series_style(0))
        handles += axes.plot([], [], color=INK, alpha=0.6, linewidth=1, linestyle=":")
        axes.axline((0, 0), slope=1, color=INK, alpha=0.6, linewidth=1, linestyle=":")
        axes.axhline(0, color=INK, alpha=0.3, linewidth=0.6)
        if known.any():
            axes.set_xlim(*_range(score[known]))
            axes.set_ylim(*_range(llr[known]))
        axes.set_xlabel("score")
        axes.set_ylabel("log-likelihood ratio by PAV")
        axes.grid()
        names = ["of these trials", "calibrated: ratio = score"]
        name_legend(axes, handles, names, loc="upper left")
        return to_svg(figure, f"Calibration of {result.system} on {result.trials}")


def _range(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin
