"""Write the report page of an experiment, and print its systems table.

Usage:   wespk report EXP
Example: wespk report exp/ecapa

Reads EXP/results/*.json (of `wespk evaluate --results`) with the scores that they name, the figures in
EXP/identification/*.json (of `wespk identify --results`), the training history, the ledgers of rejected items
and the manifest. Writes EXP/report/index.html, one page that needs no network,
EXP/report/report.json and EXP/report/table.txt.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from wespk.cli.evaluate import dev_thresholds
from wespk.core.errors import WespkError
from wespk.core.files import read_json, read_text, write_json, write_text
from wespk.core.progress import say
from wespk.core.rejections import Rejections
from wespk.data.trials import read_scores, read_trials
from wespk.metrics import (
    Identification,
    IdentificationResult,
    Rejected,
    ReportData,
    ScoreSet,
    SystemResult,
    identification_table,
    systems_table,
    write_report,
)

Result = TypeVar("Result", SystemResult, IdentificationResult)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("exp", type=Path, metavar="EXP", help="folder of the experiment")


def run(args: Namespace) -> None:
    """Collect, write the page and its numbers, print the tables."""
    exp: Path = args.exp
    results, identified = _records(exp / "results"), _records(exp / "identification")
    if not results and not identified:
        raise WespkError(f"{exp}: no results; run `wespk evaluate` or `wespk identify` with --results first")
    systems = [result for path, record in results.items() for result in _systems(path.stem, record)]
    identification = [result for path, record in identified.items() for result in _identified(path, record)]
    manifest = read_json(exp / "final" / "manifest.json")
    lists = [record["trials"] for record in (*results.values(), *identified.values())]
    sets = {Path(manifest["data"]), *(Path(trials).parent for trials in lists)}
    folders = sets | {folder.parent for folder in sets}
    report = ReportData(
        title=f"{exp.resolve().parents[1].name}: {exp.name}",
        summary=_summary(systems, identification),
        systems=systems,
        training=read_json(exp / "history.json") if (exp / "history.json").exists() else [],
        rejected=_rejected([*sorted(folders), *sorted((exp / "embeddings").glob("*"))]),
        manifest=manifest,
        config=read_text(exp / "final" / "config.yaml"),
        identification=identification,
    )
    page = exp / "report" / "index.html"
    write_report(page, report)
    write_json(page.with_name("report.json"), report.to_json())
    table = _as_text(report) + f"\nreport: {page.resolve()}\n"
    write_text(page.with_name("table.txt"), table)
    say(table.rstrip())


def _as_text(report: ReportData) -> str:
    console = Console(file=StringIO(), width=100)
    if report.systems:
        console.print(systems_table(report.systems))
    if report.identification:
        console.print(identification_table(report.identification))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in lines)


def _records(folder: Path) -> dict[Path, dict[str, Any]]:
    return {path: read_json(path) for path in sorted(folder.glob("*.json"))}


def _identified(path: Path, record: dict[str, Any]) -> list[IdentificationResult]:
    try:
        return [
            IdentificationResult(path.stem, system["system"], Identification.from_json(system))
            for system in record["systems"]
        ]
    except WespkError as error:
        raise WespkError(f"{path}: {error}; run `wespk identify --results` again") from None


def _systems(name: str, record: dict[str, Any]) -> list[SystemResult]:
    trials = read_trials(record["trials"])
    learnt = read_json(record["calibration"]) if record["calibration"] else None
    found = []
    for system in record["systems"]:
        scores = ScoreSet.from_labels(read_scores(system["scores"], trials), trials.is_target)
        thresholds = dev_thresholds(learnt, system["system"]) if learnt else None
        found.append(SystemResult.from_scores(name, system["system"], scores, dev_thresholds=thresholds))
    return found


def _summary(systems: list[SystemResult], identification: list[IdentificationResult]) -> str:
    """Say the best figure of each task, on the list named test or else on the last one."""
    said = []
    if systems:
        best = min(_tested(systems), key=lambda each: each.evaluation.eer)
        said.append(f"Lowest EER on {best.trials}: {100 * best.evaluation.eer:.2f} % by {best.system}.")
    if identification:
        top = max(_tested(identification), key=lambda each: each.identification.top1)
        accuracy = f"{100 * top.identification.top1:.2f} %"
        said.append(f"Highest identification accuracy on {top.trials}: {accuracy} by {top.system}.")
    return " ".join(said)


def _tested(results: list[Result]) -> list[Result]:
    last = [each for each in results if each.trials == results[-1].trials]
    return [each for each in results if each.trials == "test"] or last


def _rejected(folders: list[Path]) -> list[Rejected]:
    ledgers = [path for folder in folders for path in sorted(folder.glob("rejected*.txt"))]
    return [
        Rejected(str(ledger), item, reason)
        for ledger in ledgers
        for item, reason in Rejections.read(ledger).reasons.items()
    ]
