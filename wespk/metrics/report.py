"""The report: one HTML page that holds everything about an experiment and needs nothing but itself."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

from wespk.core.files import PathLike, write_text
from wespk.metrics.identification import IdentificationResult
from wespk.metrics.identification_table import HEADINGS, best_top1, by_list, cells, list_title
from wespk.metrics.markup import Html, element, join, page
from wespk.metrics.plots import det_svg, histogram_svg, training_svg
from wespk.metrics.systems import SystemResult, by_trial_list, trials_title
from wespk.metrics.table import Column, best_values, columns

NO_SCORES = "No trial list has been scored."
REJECTED_SHOWN = 200  # of each stage; the ledger itself has them all

READING = """
The lowest value of a column is bold. EER: where misses and false alarms are equally frequent. minDCF (p): the
detection cost at the best threshold for these trials, when a share p of the trials are targets and both kinds
of error cost the same; 1 is the cost of deciding without listening. min Cllr: the cost over all applications
that perfect calibration would leave, in bits. Cllr and Bayes DCF take the scores for natural-log likelihood
ratios and say how well they are calibrated: they mean nothing for scores that are not, such as cosines. The
thresholds were found on the development trials and applied here unchanged (accept if score >= threshold);
FAR, FRR and actDCF are the errors and the cost to expect in use.
"""

READING_IDENTIFICATION = """
Each test utterance is compared with every enrolled speaker and goes to the one that scores highest; a tie
counts as an error. The highest top-1 accuracy is bold. Top-5: the true speaker is among the five highest. The
interval is Wilson's for the top-1 accuracy.
"""


@dataclass(frozen=True)
class Rejected:
    """An item that a stage could not use: the stage or ledger file, the item's id, and why."""

    stage: str
    item: str
    reason: str


@dataclass(frozen=True)
class ReportData:
    """What a report is made of: plain data, put together by the caller.

    title: heading of the page, such as ``egs/mini: ecapa_tdnn``.
    summary: one sentence under it; the result in words.
    systems: results of verification, grouped on the page by trial list in order of appearance.
    identification: results of closed-set identification, grouped in the same way, after the others.
    training: rows of the training log, ``{"step", "epoch", "loss", "accuracy", "lr"}`` (see `training_svg`).
    rejected: every item that any stage rejected; the page shows the first 200 of each stage and the count.
    manifest: facts about the run, such as `wespk.core.manifest.manifest` returns; values may be nested.
    config: the resolved configuration, as YAML text.
    """

    title: str
    summary: str
    systems: Sequence[SystemResult]
    training: Sequence[Mapping[str, Any]] = ()
    rejected: Sequence[Rejected] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)
    config: str = ""
    identification: Sequence[IdentificationResult] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the numbers of the page as plain values, the content of `report.json`."""
        return {
            "title": self.title,
            "summary": self.summary,
            "systems": [result.to_json() for result in self.systems],
            "identification": [result.to_json() for result in self.identification],
            "rejected": [asdict(each) for each in self.rejected],
            "manifest": dict(self.manifest),
        }


def write_report(path: PathLike, data: ReportData) -> None:
    """Write the page to `path`, atomically; equal data give equal bytes.

    Raises `WespkError` when matplotlib is not installed.
    """
    write_text(path, report_page(data))


def report_page(data: ReportData) -> str:
    """Return the page: a table and plots for each trial list, then training, rejected items and settings."""
    body = [
        element("h1", data.title),
        element("p", data.summary),
        _verification(data.systems),
        _identification(data.identification),
        "" if data.systems or data.identification else element("p", NO_SCORES),
        _training(data.training),
        _rejected(data.rejected),
        _manifest(data.manifest),
        _config(data.config),
    ]
    return page(data.title, join(body))


def _verification(systems: Sequence[SystemResult]) -> Html:
    if not systems:
        return Html()
    shown = columns(systems)
    lists = [_trial_list(shown, group) for group in by_trial_list(systems)]
    return join([*lists, _fold("How to read the table", element("p", READING))])


def _trial_list(shown: Sequence[Column], group: Sequence[SystemResult]) -> Html:
    det = _figure(
        det_svg(group), "DET curves: lower left is better. An error rate read off a few errors is uncertain."
    )
    histograms = _figure(histogram_svg(group), "Scores: share of each class per bin.")
    table = element("table", _table_head(shown), _table_body(shown, group), class_="systems")
    return element(
        "section",
        element("h2", trials_title(group)),
        element("div", table, class_="scroll", tabindex=0),
        element("div", det, histograms, class_="figures"),
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


def _identification(results: Sequence[IdentificationResult]) -> Html:
    if not results:
        return Html()
    lists = [_identification_list(group) for group in by_list(results)]
    return join([*lists, _fold("How to read accuracies", element("p", READING_IDENTIFICATION))])


def _identification_list(group: Sequence[IdentificationResult]) -> Html:
    best, rows = best_top1(group), []
    for result in group:
        top1, *rest = cells(result.identification)
        marked = element("strong", top1) if top1 == best else top1
        numbers = [element("td", each, class_="number") for each in (marked, *rest)]
        rows.append(element("tr", element("th", result.system, scope="row"), *numbers))
    heads = [element("th", heading, class_="number", scope="col") for heading in HEADINGS]
    head = element("thead", element("tr", element("th", "system", scope="col"), *heads))
    table = element("table", head, element("tbody", *rows), class_="systems")
    return element(
        "section", element("h2", list_title(group)), element("div", table, class_="scroll", tabindex=0)
    )


def _training(rows: Sequence[Mapping[str, Any]]) -> Html:
    content = _figure(training_svg(rows), "") if rows else element("p", "no training log", class_="soft")
    return element("section", element("h2", "Training"), content)


def _rejected(rejected: Sequence[Rejected]) -> Html:
    if not rejected:
        return element("section", element("h2", "Rejected items"), element("p", "none"))
    by_stage: dict[str, list[Rejected]] = {}
    for each in rejected:
        by_stage.setdefault(each.stage, []).append(each)
    shown = [each for items in by_stage.values() for each in items[:REJECTED_SHOWN]]
    rows = [
        element("tr", *(element("td", cell) for cell in (each.stage, each.item, each.reason)))
        for each in shown
    ]
    left_out = [
        element("p", f"{stage}: and {len(items) - REJECTED_SHOWN:,} more, not shown here.")
        for stage, items in by_stage.items()
        if len(items) > REJECTED_SHOWN
    ]
    head = element("tr", *(element("th", cell, scope="col") for cell in ("stage", "item", "reason")))
    table = element("table", element("thead", head), element("tbody", *rows), class_="words")
    return element(
        "section",
        element("h2", f"Rejected items: {len(rejected):,}"),
        element("div", table, class_="scroll", tabindex=0),
        *left_out,
    )


def _manifest(manifest: Mapping[str, Any]) -> Html:
    pairs = [join([element("dt", key), element("dd", _plain(value))]) for key, value in manifest.items()]
    content = element("dl", *pairs) if pairs else element("p", "no manifest", class_="soft")
    return element("section", element("h2", "Manifest"), content)


def _config(config: str) -> Html:
    content = _fold("The resolved configuration", element("pre", config)) if config else element("p", "none")
    return element("section", element("h2", "Configuration"), content)


def _plain(value: Any) -> str:
    """Write a value of the manifest for people: nested maps and lists in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(each)}" for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return shlex.join(map(str, value))
    return str(value)


def _fold(title: str, content: Html) -> Html:
    return element("details", element("summary", title), content)


def _figure(svg: str, caption: str) -> Html:
    return element("figure", element("figcaption", caption) if caption else "", Html(svg))
