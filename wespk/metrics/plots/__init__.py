"""The figures of a report, as inline SVG; a module a theme.

Each function takes results (`SystemResult`) or rows and returns an <svg> element: the same bytes for the same
data, in the ink of the page around it (see `wespk.metrics.svg`), with a label for screen readers. All raise
`WespkError` when matplotlib is not installed, and when there is nothing to draw.
"""

from wespk.metrics.plots.calibration import calibration_svg
from wespk.metrics.plots.det import det_svg, roc_svg
from wespk.metrics.plots.histogram import histogram_svg
from wespk.metrics.plots.maps import map_svg
from wespk.metrics.plots.sweep import sweep_svg
from wespk.metrics.plots.training import epochs_svg, training_svg

__all__ = [
    "calibration_svg",
    "det_svg",
    "epochs_svg",
    "histogram_svg",
    "map_svg",
    "roc_svg",
    "sweep_svg",
    "training_svg",
]
