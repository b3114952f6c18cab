"""The legends of curves, as lists of words: they wrap on a small page, however long the names are."""

from __future__ import annotations

from collections.abc import Sequence

from wespk.metrics.markup import Html, element
from wespk.metrics.plots.det import mark_meanings
from wespk.metrics.svg import series_style
from wespk.metrics.systems import SystemResult

MARKS = {
    "o": "M7 3a4 4 0 1 0 .01 0z",
    "^": "M7 2.5L11.5 11L2.5 11z",
    "s": "M3 3L11 3L11 11L3 11z",
    "D": "M7 2L12 7L7 12L2 7z",
}


def det_legend(group: Sequence[SystemResult]) -> Html:
    """Return the systems with their equal error rates, and what the marks stand for."""
    lines = [f"{each.system}: EER {100 * each.evaluation.eer:.2f} %" for each in group]
    marks = [_mark(shape, filled, name) for name, (shape, filled) in mark_meanings(group).items()]
    return _legend(*_lines(lines), *marks)


def roc_legend(group: Sequence[SystemResult]) -> Html:
    """Return the systems with the areas under their curves."""
    lines = [f"{each.system}: AUC {100 * each.evaluation.auc:.2f} %" for each in group]
    return _legend(*_lines(lines), _mark("o", False, "EER"))


def _legend(*items: Html) -> Html:
    return element("ul", *items, class_="legend")


def _lines(names: Sequence[str]) -> list[Html]:
    """Return an entry for each curve, drawn as `series_style` draws it."""
    items = []
    for index, name in enumerate(names):
        style = series_style(index)
        dashes = style["linestyle"]
        look = {"stroke": style["color"], "stroke_width": 2}
        pattern = None if dashes == "-" else " ".join(f"{2 * length:g}" for length in dashes[1])
        line = element("line", x1=0, x2=26, y1=7, y2=7, **look, stroke_dasharray=pattern)
        items.append(_item(26, line, name))
    return items


def _mark(shape: str, filled: bool, name: str) -> Html:
    face = "currentColor" if filled else "none"
    mark = element("path", d=MARKS[shape], fill=face, stroke="currentColor", stroke_width=1.5)
    return _item(14, mark, name)


def _item(width: int, drawn: Html, name: str) -> Html:
    sign = element("svg", drawn, viewBox=f"0 0 {width} 14", width=width, height=14, aria_hidden="true")
    return element("li", sign, element("span", name))
