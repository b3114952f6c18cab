"""`wespk evaluate --streamed`: any number of trials in bounded memory."""

from __future__ import annotations

import time
from argparse import Namespace
from pathlib import Path

from wespk.cli.calibration_file import read_calibrations
from wespk.cli.evaluating import dev_thresholds
from wespk.cli.evaluation_text import measure_line
from wespk.core.errors import WespkError
from wespk.core.progress import say
from wespk.data.scoring import iter_scored
from wespk.data.trials import TARGET
from wespk.metrics.binned import BinnedScores
from wespk.metrics.error_rates import eer_bounds
from wespk.metrics.evaluation import DEFAULT_POINTS, evaluate_curve


def evaluate_streamed(args: Namespace, system: str, path: Path) -> None:
    """Read a score file beside its trial list, count the scores in fine bins, and print the measures."""
    learnt = read_calibrations(args.calibration) if args.calibration else None
    start = time.monotonic()
    binned = BinnedScores()
    trials = 0
    for kind, scores in iter_scored(args.trials, path):
        binned.add(scores, kind == TARGET)
        trials += len(scores)
    try:
        thresholds = dev_thresholds(learnt, system, path) if learnt else None
        curve = binned.curve()
        evaluation = evaluate_curve(curve, binned.cllr(), args.point or DEFAULT_POINTS, thresholds, args.rule)
    except WespkError as error:
        raise WespkError(f"{path}: {error}") from None
    say(f"{system}: {measure_line(evaluation)}")
    low, high = eer_bounds(curve)
    say(
        f"scores are counted in bins of {binned.resolution:.3g}: the interpolated EER lies between "
        f"{100 * low:.4f} % and {100 * high:.4f} %; Cllr is exact; no 95 % intervals"
    )
    seconds = time.monotonic() - start
    say(f"{trials:,} trials in {seconds:.1f} s ({trials / max(seconds, 1e-9):,.0f} a second)")
