"""The report: one HTML page that holds everything about an experiment and needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from wespk.core.files import PathLike, write_text
from wespk.metrics.embedding_map import EmbeddingMap
from wespk.metrics.epochs import EpochResult
from wespk.metrics.identification import IdentificationResult
from wespk.metrics.markup import Html, element, join, page
from wespk.metrics.sections import (
    Rejected,
    embedding_sections,
    identification_sections,
    run_sections,
    training_sections,
    verification_sections,
)
from wespk.metrics.sections.section import Section
from wespk.metrics.systems import SystemResult

NO_SCORES = "No trial list has been scored."


@dataclass(frozen=True)
class ReportData:
    """What a report is made of: plain data, put together by the caller.

    title: heading of the page, such as ``egs/mini: ecapa_tdnn``.
    summary: one sentence under it; the result in words.
    systems: results of verification, grouped on the page by trial list in order of appearance.
    identification: results of closed-set identification, grouped in the same way, after the others.
    embeddings: a map of the embeddings of the test set.
    epochs: errors of each epoch's weights on development trials.
    training: rows of the training log, ``{"step", "epoch", "loss", "accuracy", "lr"}`` (see `training_svg`).
    rejected: every item that any stage rejected; the page shows the first 200 of each stage and the count.
    unseen: folders that should have been searched for rejected items but are not there.
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
    epochs: Sequence[EpochResult] = ()
    embeddings: EmbeddingMap | None = None
    unseen: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the numbers of the page, the content of `report.json`; curves are left out."""
        return {
            "title": self.title,
            "summary": self.summary,
            "systems": [_numbers(result) for result in self.systems],
            "identification": [result.to_json() for result in self.identification],
            "epochs": [each.to_json() for each in self.epochs],
            "rejected": [asdict(each) for each in self.rejected],
            "unseen": list(self.unseen),
            "manifest": dict(self.manifest),
        }


def write_report(path: PathLike, data: ReportData) -> None:
    """Write the page to `path`, atomically; equal data give equal bytes.

    Raises `WespkError` when matplotlib is not installed.
    """
    write_text(path, report_page(data))


def report_page(data: ReportData) -> str:
    """Return the page: the trial lists with their tables and figures, then what led to them."""
    sections = [
        *verification_sections(data.systems),
        *identification_sections(data.identification),
        *embedding_sections(data.embeddings),
        *training_sections(data.training, data.epochs),
        *run_sections(data.rejected, data.unseen, data.manifest, data.config),
    ]
    body = [
        element("h1", data.title),
        element("p", data.summary),
        _contents(sections),
        "" if data.systems or data.identification else element("p", NO_SCORES),
        *(
            element("section", element("h2", each.title), each.content, id=f"part{number}")
            for number, each in enumerate(sections)
        ),
    ]
    return page(data.title, join(body))


def _contents(sections: Sequence[Section]) -> Html:
    links = (element("a", each.name, href=f"#part{number}") for number, each in enumerate(sections))
    return element("nav", *links, aria_label="Contents")


def _numbers(result: SystemResult) -> dict[str, Any]:
    """Return a result without what only the plots need."""
    values = result.to_json()
    kept = {name: values[name] for name in ("trials", "system", "score_file", "breakdowns", "worst")}
    return {**kept, **values["evaluation"]}
