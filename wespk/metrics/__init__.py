"""How good a system is: equal error rate, detection costs and Cllr of a `ScoreSet` (`error_rates`, `costs`),
all of them in one `Evaluation` (`evaluation`), the accuracy of closed-set identification (`identification`),
and the ways to show them: tables for the screen (`table`, `identification_table`), figures (`plots`) and one
self-contained HTML page (`report`). Everything but `write_report` is a pure function on arrays and frozen
records. Everywhere a trial is accepted if its score >= the threshold, rates are shares in [0, 1], and bad
input raises `wespk.core.errors.WespkError` with one line to read.
"""

from wespk.metrics.costs import OperatingPoint, actual_dcf, cllr, min_cllr, min_dcf
from wespk.metrics.error_rates import AtThreshold, StepCurve, eer, eer_kaldi, step_curve
from wespk.metrics.evaluation import DEFAULT_POINTS, Evaluation, PointCost, Thresholds, evaluate
from wespk.metrics.identification import Identification, IdentificationResult, identify, wilson_interval
from wespk.metrics.identification_table import identification_table
from wespk.metrics.plots import det_svg, histogram_svg, training_svg
from wespk.metrics.report import Rejected, ReportData, report_page, write_report
from wespk.metrics.scores import ScoreSet
from wespk.metrics.systems import SystemResult
from wespk.metrics.table import systems_table

__all__ = [
    "DEFAULT_POINTS",
    "AtThreshold",
    "Evaluation",
    "Identification",
    "IdentificationResult",
    "OperatingPoint",
    "PointCost",
    "Rejected",
    "ReportData",
    "ScoreSet",
    "StepCurve",
    "SystemResult",
    "Thresholds",
    "actual_dcf",
    "cllr",
    "det_svg",
    "eer",
    "eer_kaldi",
    "evaluate",
    "histogram_svg",
    "identification_table",
    "identify",
    "min_cllr",
    "min_dcf",
    "report_page",
    "step_curve",
    "systems_table",
    "training_svg",
    "wilson_interval",
    "write_report",
]
