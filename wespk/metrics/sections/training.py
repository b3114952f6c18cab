"""How the training went: error rates by epoch, and the curves of the training log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wespk.metrics.epochs import EpochResult
from wespk.metrics.markup import element, figure, figures
from wespk.metrics.plots import epochs_svg, training_svg
from wespk.metrics.sections.section import Section


def training_sections(rows: Sequence[Mapping[str, Any]], epochs: Sequence[EpochResult]) -> list[Section]:
    """Return one section: curves by step, and errors by epoch where they were measured."""
    drawn = []
    if epochs:
        scoring = ", ".join(dict.fromkeys(each.scoring for each in epochs))
        drawn.append(
            figure(epochs_svg(epochs), f"The weights of each epoch on development trials ({scoring}).")
        )
    if rows:
        drawn.append(figure(training_svg(rows), "The training log; lines are drawn where epochs begin."))
    content = figures(*drawn) if drawn else element("p", "no training log", class_="soft")
    return [Section("training", "Training", content)]
