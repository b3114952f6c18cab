"""Matplotlib figures as inline SVG: same bytes for the same data, and at home on a light and a dark page."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any

from wespk.core.errors import WespkError
from wespk.metrics.markup import printable
from wespk.metrics.svg_text import slim_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Text, axes and grid are drawn in this colour, which nothing else has; the page makes it its text colour.
INK = "#010203"

# Paul Tol's "vibrant" scheme, safe for colour-blind readers.
COLOURS = ("#0077bb", "#ee7733", "#009988", "#ee3377", "#33bbee", "#cc3311", "#888888")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))

_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",  # letters stay text: smaller, searchable, in the reader's own font
    "svg.hashsalt": "wespk",
    "text.parse_math": False,  # a system may be named a_$1
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": "none",
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "grid.color": INK,
    "grid.alpha": 0.14,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "butt",
}


@contextmanager
def drawing() -> Iterator[type[Figure]]:
    """Yield matplotlib's Figure class, with our settings in force until the block ends.

    No window system and no pyplot is touched. Raises `WespkError` when matplotlib is not installed.
    """
    try:
        from matplotlib import style
        from matplotlib.figure import Figure
    except ImportError:
        raise WespkError("plots need matplotlib; install it with: pip install 'wespk[recipes]'") from None
    # The default style first: a user's own matplotlibrc would change the bytes.
    with style.context(["default", _SETTINGS]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the reader's font has it
        yield Figure


def to_svg(figure: Figure, description: str, titles: Mapping[str, Sequence[str]] | None = None) -> str:
    """Return the figure as an <svg> element to put into an HTML page; call it inside `drawing`.

    `description` is what a screen reader says. `titles` maps the gid of a line of markers to what the page
    shows when the pointer rests on each of them. Identifiers begin with a digest of the drawing, so that many
    figures fit on one page. The element scales with its container and needs no namespace declarations.
    """
    stream = StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return slim_svg(stream.getvalue(), description, titles or {}, {INK: "currentColor"})


def series_style(index: int) -> dict[str, Any]:
    """Return the colour and dashes of the series `index`: colours first, then dashes as well."""
    dashes = DASHES[index // len(COLOURS) % len(DASHES)]
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": dashes}


def draw_mark(
    axes: Axes, at: Sequence[float], shape: str = "o", colour: str = INK, filled: bool = False
) -> None:
    """Mark the point `at` (x, y), also on the border of the axes."""
    look: dict[str, Any] = {"markersize": 6, "mew": 1.4, "linestyle": "none", "zorder": 3}
    face = colour if filled else "none"
    axes.plot([at[0]], [at[1]], shape, color=colour, mfc=face, clip_on=False, **look)


def name_legend(owner: Axes | Figure, handles: list[Any], names: list[str], **options: Any) -> None:
    """Add a legend with these names as they are; matplotlib itself drops names that begin with `_`."""
    legend = owner.legend(handles, [str(number) for number in range(len(names))], **options)
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(printable(name))
