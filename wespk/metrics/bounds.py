"""How far the figures of a curve of binned scores can lie from those of the scores themselves."""

from __future__ import annotations

import numpy as np

from wespk.metrics.costs import min_dcf
from wespk.metrics.curves import StepCurve
from wespk.metrics.points import EmpiricalPoint, OperatingPoint


def min_dcf_bounds(curve: StepCurve, point: OperatingPoint | EmpiricalPoint) -> tuple[float, float]:
    """Return two normalised costs between which the minimum lies, whatever the scores within each bin are.

    The upper one is `min_dcf` of the curve: it is reached, at the edge of a bin. Where both errors change
    from one point of the curve to the next, a threshold within the bin has at least the misses of the first
    and the false alarms of the second, and the lower one assumes that it has no more.
    """
    miss, false_alarm = point.of(curve.num_target, curve.num_nontarget).weights
    least = miss * curve.p_miss[:-1] + false_alarm * curve.p_fa[1:]
    both = (np.diff(curve.misses) != 0) & (np.diff(curve.false_alarms) != 0)
    high = min_dcf(curve, point).value
    return min(high, float(least[both].min(initial=np.inf))), high
