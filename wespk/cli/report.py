"""Write the report page of an experiment, and print its systems table.

Usage:   wespk report EXP
Example: wespk report exp/ecapa

Reads EXP/results/*.json (of `wespk evaluate --results`) with the scores that they name, the training history,
the ledgers of rejected items and the manifest. Writes EXP/report/index.html, one page that needs no network,
EXP/report/report.json and EXP/report/table.txt.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from wespk.cli.evaluate import dev_thresholds
from wespk.core.errors import WespkError
from wespk.core.files import read_json, read_text, write_json, write_text
from wespk.core.progress import say
from wespk.core.rejections import Rejections
from wespk.data.trials import read_scores, read_trials
from wespk.metrics import Rejected, ReportData, ScoreSet, SystemResult, systems_table, write_report


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("exp", type=Path, metavar="EXP", help="folder of the experiment")


def run(args: Namespace) -> None:
    """Collect, write the page and its numbers, print the tables."""
    exp: Path = args.exp
    records = sorted((exp / "results").glob("*.json"))
    if not records:
        raise WespkError(f"{exp / 'results'}: no results; run `wespk evaluate --results` first")
    results = {path.stem: read_json(path) for path in records}
    systems = [result for name, record in results.items() for result in _systems(name, record)]
    manifest = read_json(exp / "final" / "manifest.json")
    folders = {Path(manifest["data"]), *(Path(record["trials"]).parent for record in results.values())}
    report = ReportData(
        title=f"{exp.resolve().parents[1].name}: {exp.name}",
        summary=_summary(systems),
        systems=systems,
        training=read_json(exp / "history.json") if (exp / "history.json").exists() else [],
        rejected=_rejected([*sorted(folders), *sorted((exp / "embeddings").glob("*"))]),
        manifest=manifest,
        config=read_text(exp / "final" / "config.yaml"),
    )
    page = exp / "report" / "index.html"
    write_report(page, report)
    write_json(page.with_name("report.json"), report.to_json())
    table = _as_text(systems) + f"\nreport: {page.resolve()}\n"
    write_text(page.with_name("table.txt"), table)
    say(table.rstrip())


def _as_text(systems: list[SystemResult]) -> str:
    console = Console(file=StringIO(), width=100)
    console.print(systems_table(systems))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in lines)


def _systems(name: str, record: dict[str, Any]) -> list[SystemResult]:
    trials = read_trials(record["trials"])
    learnt = read_json(record["calibration"]) if record["calibration"] else None
    found = []
    for system in record["systems"]:
        scores = ScoreSet.from_labels(read_scores(system["scores"], trials), trials.is_target)
        thresholds = dev_thresholds(learnt, system["system"]) if learnt else None
        found.append(SystemResult.from_scores(name, system["system"], scores, dev_thresholds=thresholds))
    return found


def _summary(systems: list[SystemResult]) -> str:
    last = [each for each in systems if each.trials == systems[-1].trials]
    tested = [each for each in systems if each.trials == "test"] or last
    best = min(tested, key=lambda each: each.evaluation.eer)
    return f"Lowest EER on {best.trials}: {100 * best.evaluation.eer:.2f} % by {best.system}."


def _rejected(folders: list[Path]) -> list[Rejected]:
    ledgers = [path for folder in folders for path in sorted(folder.glob("rejected*.txt"))]
    return [
        Rejected(str(ledger), item, reason)
        for ledger in ledgers
        for item, reason in Rejections.read(ledger).reasons.items()
    ]
