"""Verification: for each trial list its table, its curves and histograms, and what is behind each system."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from wespk.metrics.error_rates import EER_RULES
from wespk.metrics.evaluation import FARS, FRRS
from wespk.metrics.markup import Html, element, figure, figures, fold, join, scroll, table
from wespk.metrics.plots import det_svg, histogram_svg, roc_svg
from wespk.metrics.plots.histogram import CLASSES
from wespk.metrics.sections.legend import det_legend, roc_legend
from wespk.metrics.sections.section import Section
from wespk.metrics.sections.system import system_details
from wespk.metrics.systems import SystemResult, by_trial_list, trials_title
from wespk.metrics.table import ABSENT, Column, best_values, columns, fixed, percent, threshold

READING = """
The lowest value of a column is bold. EER: where misses and false alarms are equally frequent. minDCF (p): the
detection cost at the best threshold for these trials, when a share p of the trials are targets and both kinds
of error cost the same; 1 is the cost of deciding without listening. min Cllr: the cost over all applications
that perfect calibration would leave, in bits. Cllr and Bayes DCF take the scores for natural-log likelihood
ratios and say how well they are calibrated: they mean nothing for scores that are not, such as cosines. The
thresholds were found on the development trials and applied here unchanged (accept if score >= threshold);
FAR, FRR and actDCF are the errors and the cost to expect in use. Brackets hold 95 % intervals of a bootstrap
over the speakers: the range in which the value would lie with other speakers of the same kind.
"""

MEASURES = {"eer": "EER %", "min_dcf": "minDCF ", "actual_dcf": "actDCF ", "cllr": "Cllr"}

DET = """
DET: lower left is better. Hollow marks stand at the best threshold for these very trials, filled ones of the
same shape where the threshold of the development trials leads.
"""
ROC = """
ROC, with false alarms on a logarithmic axis, where the useful thresholds are: read off what is accepted at a
FAR of 1 % or 0.1 %. The area under the curve (AUC) is that of linear axes.
"""


def verification_sections(systems: Sequence[SystemResult]) -> list[Section]:
    """Return a section for each trial list; the first one says how to read the tables."""
    shown, choice, groups = columns(systems), _primary(systems), by_trial_list(systems)
    reading = [fold("How to read the tables", element("p", READING)), *[Html()] * len(groups)]
    return [
        Section(group[0].trials, trials_title(group), _trial_list(shown, group, choice, help_))
        for group, help_ in zip(groups, reading, strict=False)
    ]


def _primary(systems: Sequence[SystemResult]) -> str | None:
    """Return the system with the lowest EER on the development trials: no choice looks at test trials."""
    dev = [result for result in systems if result.trials == "dev"]
    return min(dev, key=lambda result: result.evaluation.eer).system if dev else None


def _trial_list(
    shown: Sequence[Column], group: Sequence[SystemResult], choice: str | None, reading: Html
) -> Html:
    names = [result.system for result in group]
    best = min(group, key=lambda result: result.evaluation.eer).system
    primary = choice if choice in names else best
    ordered = sorted(group, key=lambda result: result.system != primary)
    return join(
        [
            scroll(element("table", _table_head(shown), _table_body(shown, group), class_="systems")),
            reading,
            _kinds(group),
            fold(
                "More measures, and all intervals",
                _more_measures(group),
                _rates_at_rates(group),
                _intervals(group),
                class_="extra",
            ),
            figures(
                figure(det_svg(group), DET, legend=det_legend(group)),
                figure(roc_svg(group), ROC, legend=roc_legend(group)),
            ),
            _histograms(group),
            *(system_details(result, opened=result.system == primary) for result in ordered),
        ]
    )


def _table_head(shown: Sequence[Column]) -> Html:
    groups = [(name, len(list(members))) for name, members in groupby(shown, key=lambda each: each.group)]
    top = [element("th", name, colspan=width, scope="colgroup") for name, width in groups]
    heads = [element("th", each.heading, class_=_cell_class(shown, each), scope="col") for each in shown]
    return element(
        "thead",
        element("tr", element("td"), *top, class_="groups"),
        element("tr", element("th", "system", scope="col"), *heads),
    )


def _table_body(shown: Sequence[Column], group: Sequence[SystemResult]) -> Html:
    best = best_values(shown, group)
    rows = []
    for result in group:
        cells = []
        for each in shown:
            written = each.text(result.evaluation)
            marked = element("strong", written) if best.get(each.heading) == written else written
            cells.append(element("td", marked, class_=_cell_class(shown, each)))
        rows.append(element("tr", element("th", result.system, scope="row"), *cells))
    return element("tbody", *rows)


def _cell_class(shown: Sequence[Column], column: Column) -> str:
    """Set the first column of each group apart from the one before."""
    first = next(each for each in shown if each.group == column.group)
    return "number first" if column is first else "number"


def _histograms(group: Sequence[SystemResult]) -> Html:
    """Return a small histogram for each system, under one legend."""
    keys = [element("span", _swatch(colour), name, class_="key") for name, colour in CLASSES.items()]
    lines = "solid line: threshold at the EER of these trials, dashed: at the EER of the development trials."
    legend = element("p", "Share of the scores per bin:", *keys, lines, class_="soft")
    drawn = element(
        "div", *(figure(histogram_svg(result), result.system) for result in group), class_="panels"
    )
    return join([legend, drawn])


def _swatch(colour: str) -> Html:
    return element("span", class_="swatch", style=f"background: {colour}")


def _kinds(group: Sequence[SystemResult]) -> Html:
    """Return the table of a text-dependent list: the EER against each kind of nontarget trials alone."""
    kinds = group[0].evaluation.kinds
    if not kinds:
        return Html()
    heads = ("system", *(f"{each.kind} ({each.num:,})" for each in kinds))
    rows = [(result.system, *(percent(each.eer) for each in result.evaluation.kinds)) for result in group]
    return table(heads, rows, "EER in % against one kind of nontarget trials alone, and their number")


def _more_measures(group: Sequence[SystemResult]) -> Html:
    rules = [rule for rule in EER_RULES if rule in group[0].evaluation.eers]
    heads = ("system", *(f"EER % ({rule.replace('_', ' ')})" for rule in rules))
    heads += ("errors at the EER", "AUC %", "average precision %", "best F1 %", "at", "best accuracy %", "at")
    rows = []
    for result in group:
        numbers = result.evaluation
        rows.append(
            (
                result.system,
                *(percent(numbers.eers[rule]) for rule in rules),
                f"{numbers.misses_at_eer:,} + {numbers.false_alarms_at_eer:,}",
                percent(numbers.auc),
                percent(numbers.average_precision),
                percent(numbers.best_f1.value),
                threshold(numbers.best_f1.threshold),
                percent(numbers.best_accuracy.value),
                threshold(numbers.best_accuracy.threshold),
            )
        )
    return table(heads, rows)


def _rates_at_rates(group: Sequence[SystemResult]) -> Html:
    """Return the table of the miss rates at given false-alarm rates, and the other way round."""
    heads = ("system", *(f"FRR % at FAR {100 * far:g} %" for far in FARS))
    heads += tuple(f"FAR % at FRR {100 * frr:g} %" for frr in FRRS)
    rows = []
    for result in group:
        numbers = result.evaluation
        rates = [numbers.frr_at_far.get(f"{far:g}") for far in FARS]
        rates += [numbers.far_at_frr.get(f"{frr:g}") for frr in FRRS]
        rows.append((result.system, *(ABSENT if rate is None else percent(rate) for rate in rates)))
    return table(heads, rows)


def _intervals(group: Sequence[SystemResult]) -> Html:
    """Return the table of all 95 % intervals, if there are any."""
    known = dict.fromkeys(name for result in group for name in result.evaluation.intervals)
    names = sorted(known, key=lambda name: [name.startswith(each) for each in MEASURES], reverse=True)
    if not names:
        return Html()
    rows = []
    for result in group:
        found = result.evaluation.intervals
        rows.append(
            (result.system, *(_interval(name, *found[name]) if name in found else ABSENT for name in names))
        )
    numbers = next(result.evaluation for result in group if result.evaluation.intervals)
    caption = f"95 % intervals of {numbers.draws:,} bootstrap draws of the {numbers.num_speakers:,} speakers"
    return table(("system", *map(measure_name, names)), rows, caption)


def _interval(name: str, low: float, high: float) -> str:
    if name == "eer":
        return f"{100 * low:.2f} to {100 * high:.2f}"
    return f"{fixed(low)} to {fixed(high)}"


def measure_name(name: str) -> str:
    """Write the name of a measure for people: `min_dcf(0.01)` is ``minDCF (0.01)``."""
    measure, bracket, point = name.partition("(")
    return f"{MEASURES.get(measure, measure)}{bracket}{point}"
