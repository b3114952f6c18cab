"""Write the report page of experiments, and print their systems table.

Usage:   wespk report EXP ...
Example: wespk report exp/ecapa
         wespk report exp/ecapa exp/resnet34

Reads what other verbs have left in each EXP, and no score again: results/*.json (`wespk evaluate --results`),
identification/*.json (`wespk identify --results`), embedding_map.json (`wespk map-embeddings`), epochs.json
(`wespk evaluate-epochs`), the training history, the ledgers of rejected items, final/manifest.json and
final/config.yaml; a part without its file is left out. Writes EXP/report/index.html, one page that needs no
network, and the same numbers as report.json, as text in table.txt and as Markdown in table.md. Of several
experiments, one table is printed with the systems of all.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from wespk.cli.experiment import Results, read_results
from wespk.core.errors import WespkError
from wespk.core.files import read_json, read_text, write_json, write_text
from wespk.core.progress import say
from wespk.core.rejections import Rejections
from wespk.metrics.embedding_map import EmbeddingMap
from wespk.metrics.epochs import EpochResult
from wespk.metrics.identification import IdentificationResult
from wespk.metrics.identification_table import identification_table
from wespk.metrics.markdown import results_markdown
from wespk.metrics.report import Rejected, ReportData, write_report
from wespk.metrics.systems import SystemResult
from wespk.metrics.table import as_text, percent_within, systems_table

Result = TypeVar("Result", SystemResult, IdentificationResult)
LEDGERS = ("rejected*.txt", "not_prepared.txt")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("exp", type=Path, nargs="+", metavar="EXP", help="folder of an experiment")


def run(args: Namespace) -> None:
    """Collect, write the pages and their numbers, print the tables."""
    found = [read_results(exp) for exp in args.exp]
    pages = [_write(results) for results in found]
    systems = [each for results in found for each in _named(results.exp, results.systems, args.exp)]
    identified = [each for results in found for each in _named(results.exp, results.identification, args.exp)]
    say(_tables(systems, identified))
    for page in pages:
        say(f"report: {page.resolve()}")


def _write(results: Results) -> Path:
    """Write the page of an experiment and its companions; return the page's path."""
    page = results.exp / "report" / "index.html"
    report = _report(results)
    write_report(page, report)
    write_json(page.with_name("report.json"), report.to_json())
    write_text(page.with_name("table.md"), results_markdown(report.systems, report.identification))
    table = _tables(report.systems, report.identification)
    write_text(page.with_name("table.txt"), f"{table}\n\nreport: {page.resolve()}\n")
    return page


def _report(results: Results) -> ReportData:
    exp = results.exp
    manifest = _part(exp / "final" / "manifest.json", read_json, {})
    folders = {trials.parent for trials in results.trials}
    folders |= {Path(manifest["data"])} if "data" in manifest else set()
    embeddings = sorted((exp / "embeddings").glob("*"))
    whole = exp.resolve()
    return ReportData(
        title=f"{whole.parent.parent.name}: {whole.name}",
        summary=_summary(results.systems, results.identification),
        systems=results.systems,
        identification=results.identification,
        embeddings=_part(exp / "embedding_map.json", _as(EmbeddingMap.from_json), None),
        epochs=_part(exp / "epochs.json", _as(_epochs), []),
        training=_part(exp / "history.json", _as(_history), []),
        rejected=[
            *_rejected([*sorted(folders | {folder.parent for folder in folders}), *embeddings]),
            *_unscored(exp / "scores"),
        ],
        unseen=[str(folder) for folder in sorted(folders) if not folder.is_dir()],
        manifest=manifest,
        config=_part(exp / "final" / "config.yaml", read_text, ""),
    )


def _part(path: Path, read: Callable[[Path], Any], absent: Any) -> Any:
    """Return what `read` makes of a file that an experiment may do without."""
    return read(path) if path.exists() else absent


def _as(parse: Callable[[Any], Any]) -> Callable[[Path], Any]:
    """Return a reader of JSON that names the file in the errors of `parse`."""

    def read(path: Path) -> Any:
        try:
            return parse(read_json(path))
        except WespkError as error:
            raise WespkError(f"{path}: {error}") from None

    return read


def _epochs(rows: Any) -> list[EpochResult]:
    return [EpochResult.from_json(row) for row in (rows if isinstance(rows, list) else [None])]


def _history(rows: Any) -> list[dict[str, Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "step" in row for row in rows):
        raise WespkError("is not a list of rows as `wespk train` writes it")
    return rows


def _tables(systems: Sequence[SystemResult], identification: Sequence[IdentificationResult]) -> str:
    tables = [systems_table(systems)] if systems else []
    tables += [identification_table(identification)] if identification else []
    return "\n\n".join(as_text(table) for table in tables)


def _named(exp: Path, results: Iterable[Result], exps: Sequence[Path]) -> list[Result]:
    """Return results with the experiment in the system's name, where there are several experiments."""
    if len(exps) == 1:
        return list(results)
    names = [each.resolve().name for each in exps]
    name = exp.resolve().name if len(set(names)) == len(names) else str(exp)
    return [replace(each, system=f"{name}: {each.system}") for each in results]


def _summary(systems: Sequence[SystemResult], identification: Sequence[IdentificationResult]) -> str:
    """Say the best figure of each task, on the list named test or else on the last one."""
    said = []
    if systems:
        best = min(_tested(systems), key=lambda each: each.evaluation.eer)
        eer, bounds = best.evaluation.eer, best.evaluation.intervals.get("eer")
        written = percent_within(eer, *bounds) if bounds else f"{100 * eer:.2f}"
        said.append(f"Lowest EER on {best.trials}: {written} % by {best.system}.")
    if identification:
        top = max(_tested(identification), key=lambda each: each.identification.top1)
        accuracy = f"{100 * top.identification.top1:.2f} %"
        said.append(f"Highest identification accuracy on {top.trials}: {accuracy} by {top.system}.")
    return " ".join(said)


def _tested(results: Sequence[Result]) -> list[Result]:
    last = [each for each in results if each.trials == results[-1].trials]
    return [each for each in results if each.trials == "test"] or last


def _rejected(folders: Sequence[Path]) -> list[Rejected]:
    ledgers = [path for folder in folders for kind in LEDGERS for path in sorted(folder.glob(kind))]
    return [
        Rejected(str(ledger), item, reason)
        for ledger in ledgers
        for item, reason in Rejections.read(ledger).reasons.items()
    ]


def _unscored(scores: Path) -> list[Rejected]:
    """Return the trials that a scorer left out by --allow-missing."""
    return [
        Rejected(str(path), line, "not scored: an embedding is missing")
        for path in sorted(scores.glob("*.missing"))
        for line in read_text(path).splitlines()
    ]
