"""A map of embeddings in two dimensions, a colour and a shape for each speaker."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from wespk.core.errors import WespkError
from wespk.metrics.embedding_map import MapPoint
from wespk.metrics.markup import printable
from wespk.metrics.svg import COLOURS, INK, drawing, to_svg

SHAPES = ("o", "^", "s", "D", "v", "P", "X", "*")  # with the colours: 56 speakers that can be told apart
LABELLED = 60  # speakers; the names of more would hide the points


def map_svg(points: Sequence[MapPoint]) -> str:
    """Draw points in the plane, a colour and a shape for each speaker, its name at the middle of its points.

    A pointer that rests on a point is shown its utterance and speaker. The names of more than 60 speakers are
    left to the pointer.
    """
    if not points:
        raise WespkError("map of embeddings: there is no point to draw")
    ordered = sorted(points, key=lambda point: (point.spk, point.utt))
    speakers = [(spk, list(own)) for spk, own in groupby(ordered, key=lambda point: point.spk)]
    with drawing() as figure_class:
        wide, high = np.ptp([(point.x, point.y) for point in points], axis=0) + 1e-9
        figure = figure_class(figsize=(6.2, 6.2 * np.clip(high / wide, 0.5, 1.1)), layout="constrained")
        axes = figure.add_subplot()
        axes.set_axis_off()
        axes.set_aspect("equal", adjustable="datalim")
        titles = {}
        for index, (spk, own) in enumerate(speakers):
            places = np.array([(point.x, point.y) for point in own])
            shape = SHAPES[index // len(COLOURS) % len(SHAPES)]
            colour, group = COLOURS[index % len(COLOURS)], f"speaker{index}"
            axes.plot(
                *places.T, shape, color=colour, markersize=4.5, mew=0, alpha=0.75, linestyle="none", gid=group
            )
            titles[group] = [f"{point.utt} ({spk})" for point in own]
            if len(speakers) <= LABELLED:
                middle = np.median(places, axis=0)
                axes.annotate(printable(spk), middle, ha="center", va="center", fontsize=8, color=INK)
        return to_svg(figure, f"Map of {len(points)} utterances of {len(speakers)} speakers", titles)
