"""What is behind a system's line of the table: thresholds, calibration, parts of the trials, worst pairs."""

from __future__ import annotations

from collections.abc import Sequence

from wespk.metrics.breakdown import Breakdown, BreakdownRow
from wespk.metrics.evaluation import AtDev
from wespk.metrics.markup import Html, element, figure, figures, fold, join, table
from wespk.metrics.plots import calibration_svg, sweep_svg
from wespk.metrics.systems import SystemResult
from wespk.metrics.table import ABSENT, fixed, percent, threshold
from wespk.metrics.worst_pairs import PairExample, WorstPairs

SWEEP = "What each threshold would do. Dashed: the development threshold. Circles: the best of these trials."
CALIBRATION = "Calibration: what these trials say a score to be worth. Above the line, scores are too low."


def system_details(result: SystemResult, opened: bool) -> Html:
    """Return a fold with everything about one system; `opened` shows it from the start."""
    drawn = [figure(sweep_svg(result), SWEEP)]
    if len(result.calibration.score):
        drawn.append(figure(calibration_svg(result), CALIBRATION))
    title = join([element("strong", result.system), " in detail: thresholds, calibration, errors"])
    return fold(
        title,
        _decisions(sorted(result.evaluation.at_dev, key=_order)),
        figures(*drawn),
        _breakdowns(result),
        _worst(result.worst) if result.worst else "",
        class_="system",
        opened=opened,
    )


def _decisions(at_dev: Sequence[AtDev]) -> Html:
    """Return the table of what the thresholds of the development trials do here."""
    if not at_dev:
        return Html()
    heads = (
        "development threshold",
        "value",
        "FAR %",
        "FRR %",
        "accuracy %",
        "precision %",
        "recall %",
        "F1 %",
        "DCF",
    )
    rows = []
    for at in at_dev:
        rates = (at.far, at.frr, at.accuracy, at.precision, at.recall, at.f1)
        written = (ABSENT if rate is None else percent(rate) for rate in rates)
        rows.append(
            (
                threshold_name(at.name),
                threshold(at.threshold),
                *written,
                ABSENT if at.dcf is None else fixed(at.dcf),
            )
        )
    return table(heads, rows, "Decisions at the development thresholds")


def _order(at: AtDev) -> tuple[int, str]:
    """Sort the threshold of the EER before those of costs, and these before those of false-alarm rates."""
    return {"eer": 0, "min_dcf": 1}.get(at.name.partition("(")[0], 2), at.name


def threshold_name(name: str) -> str:
    """Write the name of a threshold for people: `far(0.001)` is ``FAR 0.1 %``."""
    if name.startswith("far("):
        return f"FAR {100 * float(name[4:-1]):g} %"
    return "EER" if name == "eer" else name.replace("min_dcf(", "minDCF(")


def _breakdowns(result: SystemResult) -> Html:
    """Return the tables of the parts of the trials, one for each column."""
    cost = f"minDCF ({result.evaluation.costs[0].point.name})"
    tables = (element("div", _breakdown(each, cost)) for each in result.breakdowns)
    return element("div", *tables, class_="tables") if result.breakdowns else Html()


def _breakdown(breakdown: Breakdown, cost: str) -> Html:
    heads = (breakdown.by, "EER %", "95 % interval", "", cost, "speakers", "target", "nontarget")
    ends = [value for row in breakdown.rows for value in (row.eer, row.high) if value is not None]
    rows = [
        (
            row.value,
            ABSENT if row.eer is None else percent(row.eer),
            ABSENT if row.low is None or row.high is None else f"{100 * row.low:.1f} to {100 * row.high:.1f}",
            _interval_bar(row, max(ends, default=1.0)),
            ABSENT if row.min_dcf is None else fixed(row.min_dcf),
            f"{row.num_speakers:,}",
            f"{row.num_target:,}",
            f"{row.num_nontarget:,}",
        )
        for row in breakdown.rows
    ]
    return table(heads, rows, f"By {breakdown.by}")


def _interval_bar(row: BreakdownRow, end: float) -> Html:
    """Draw an error rate and its interval on an axis from 0 to `end`; empty where there is none."""
    if row.eer is None or end == 0:
        return Html()
    eer, low, high = (
        104 * (row.eer if rate is None else rate) / end + 8 for rate in (row.eer, row.low, row.high)
    )
    line = element("line", x1=f"{low:.1f}", x2=f"{high:.1f}", y1=7, y2=7)
    dot = element("circle", cx=f"{eer:.1f}", cy=7, r=3.5)
    return element("svg", line, dot, viewBox="0 0 120 14", class_="interval", aria_hidden="true")


def _worst(worst: WorstPairs) -> Html:
    """Return the tables of the pairs of speakers with the most errors."""
    source = "the development trials" if worst.is_dev else "these trials"
    at = f"at the threshold {threshold(worst.threshold)}, of the EER on {source}"
    return join(
        [
            _pairs(worst.false_alarms, f"Taken for each other: most false alarms {at}", True),
            _pairs(worst.misses, f"Not recognised: most misses {at}", False),
        ]
    )


def _pairs(pairs: Sequence[PairExample], caption: str, are_two: bool) -> Html:
    """Return a table of pairs; one column names the speaker where both sides are the same."""
    if not pairs:
        return element("p", f"{caption}: none", class_="soft")
    who = ("enrolled", "tested") if are_two else ("speaker",)
    heads = (*who, "enrolment audio", "test audio", "errors", "highest score" if are_two else "lowest score")
    rows = [
        (
            *(pair.enrol_speaker, pair.test_speaker)[: len(who)],
            _audio(pair.enrol_id, pair.enrol_audio),
            _audio(pair.test_id, pair.test_audio),
            f"{pair.errors:,} of {pair.trials:,}",
            threshold(pair.score),
        )
        for pair in pairs
    ]
    return table(heads, rows, caption, words=len(who) + 2)


def _audio(name: str, path: str) -> Html:
    """Return an id of the trial and its recording."""
    return join([name, element("small", path) if path else ""])
