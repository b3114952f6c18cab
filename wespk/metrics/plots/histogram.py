"""Histograms of target and nontarget scores."""

from __future__ import annotations

from wespk.metrics.svg import COLOURS, INK, drawing, to_svg
from wespk.metrics.systems import SystemResult

CLASSES = {"nontarget": COLOURS[0], "target": COLOURS[1]}


def histogram_svg(result: SystemResult) -> str:
    """Draw the target and nontarget scores of a system, with its thresholds; the page names it.

    The page says once for all systems what `CLASSES` and the lines stand for: the solid one is the threshold
    at the EER of these trials, the dashed one that of the development trials.
    """
    shares = {"nontarget": result.histogram.nontarget, "target": result.histogram.target}
    with drawing() as figure_class:
        figure = figure_class(figsize=(2.4, 1.7), layout="constrained")
        axes = figure.add_subplot()
        for name, colour in CLASSES.items():
            axes.stairs(shares[name], result.histogram.edges, fill=True, facecolor=colour, alpha=0.35)
            axes.stairs(shares[name], result.histogram.edges, color=colour, linewidth=1)
        axes.axvline(result.evaluation.eer_threshold, color=INK, linewidth=1)
        for at in result.evaluation.at_dev:
            if at.name == "eer":
                axes.axvline(at.threshold, color=INK, linewidth=1, linestyle=(0, (3, 2)))
        axes.set_ylim(bottom=0)
        axes.set_yticks([])
        axes.locator_params(axis="x", nbins=4)
        axes.spines.left.set_visible(False)
        axes.set_xlabel("score")
        return to_svg(figure, f"Score histogram of {result.system} on {result.trials}")
