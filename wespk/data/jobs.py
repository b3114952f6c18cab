"""Archives made by N jobs side by side: each job writes a piece, a merge checks and joins them.

A piece is skipped when it is complete and its inputs' digest is unchanged, so a killed run continues.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, digest, read_json, write_json
from wespk.core.progress import say
from wespk.core.rejections import Rejections
from wespk.data.audio import AudioError
from wespk.data.tables import read_table, write_archive, write_table


@dataclass(frozen=True)
class Job:
    """Job `index` of `count`, counted from 1."""

    index: int
    count: int

    @staticmethod
    def parse(text: str) -> Job:
        """Read ``2/8``."""
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise WespkError(f"--job {text}: write it as JOB/N, such as 2/8")
        return Job(int(match[1]), int(match[2]))

    def share(self, items: Sequence[str]) -> list[str]:
        """Return this job's consecutive part of the items; the parts' sizes differ by at most one."""
        edges = [len(items) * part // self.count for part in (self.index - 1, self.index)]
        return list(items[edges[0] : edges[1]])


@dataclass(frozen=True)
class Piece:
    """What one job makes: an archive `name` under `folder`/jobs of `items`, each by `make(item)`.

    `make` raises `AudioError` for an item that cannot be used: it is rejected with that reason. `info`
    describes how the archive is made (feature options, the model); `stamp(item)` changes when an input does.
    """

    folder: Path
    name: str
    items: Sequence[str]
    info: dict[str, Any]
    stamp: Callable[[str], str]
    make: Callable[[str], np.ndarray]

    def run(self, job: Job, track: Callable[[Iterable[str], int, str], Iterable[str]]) -> None:
        """Write the job's archive, its scp, its ledger and last its record; or find them up to date."""
        items = job.share(self.items)
        base = self.folder / "jobs"
        ark, scp, ledger, record = (
            base / f"{self.name}.{job.index}.{end}" for end in ("ark", "scp", "rejected", "json")
        )
        inputs = digest(repr(job), repr(self.info), *map(self.stamp, items))
        if record.exists() and read_json(record)["inputs"] == inputs and ark.exists() and scp.exists():
            say(f"{self.name} job {job.index}/{job.count}: {len(items)} items are up to date")
            return
        record.unlink(missing_ok=True)
        rejections = Rejections()

        def results() -> Iterable[tuple[str, np.ndarray]]:
            for item in track(items, len(items), f"{self.name} {job.index}/{job.count}"):
                try:
                    yield item, self.make(item)
                except AudioError as error:
                    rejections.add(item, str(error))

        rows = write_archive(ark, scp, results())
        rejections.reconcile(str(scp), items, rows)
        rejections.write(ledger)
        facts = {
            "job": job.index,
            "jobs": job.count,
            "inputs": inputs,
            "items": len(items),
            "of": len(self.items),
        }
        write_json(record, {**facts, "rows": rows, "info": self.info})
        say(rejections.summary(f"{self.name} job {job.index}/{job.count}", len(items)))


def merge_jobs(folder: PathLike, name: str, max_rejected: float) -> str:
    """Join the pieces into `folder`/`name`.scp, `name`.json and rejected.txt; return a summary line.

    Matrices also give utt2num_frames. Raises `WespkError` when a job is missing or incomplete, when pieces
    were made differently, or when more items are rejected than `max_rejected` allows.
    """
    folder = Path(folder)
    records = _read_records(folder, name)
    locations: dict[str, str] = {}
    rows: dict[str, int] = {}
    ledger = Rejections()
    for record in records:
        base = folder / "jobs" / f"{name}.{record['job']}"
        locations.update(read_table(base.with_name(base.name + ".scp")))
        ledger.reasons.update(Rejections.read(base.with_name(base.name + ".rejected")).reasons)
        rows.update(record["rows"])
    total = records[0]["of"]
    if len(locations) + len(ledger) != total:
        lost = total - len(locations) - len(ledger)
        raise WespkError(
            f"{folder}: {lost} of {total} items of {name} are unaccounted for; delete jobs/ and run again"
        )
    ledger.write(folder / "rejected.txt")
    ledger.enforce(str(folder / f"{name}.scp"), total, max_rejected)
    if not locations:
        raise WespkError(f"{folder}: every item of {name} was rejected; see rejected.txt")
    if name == "feats":
        write_table(folder / "utt2num_frames", rows)
    write_table(folder / f"{name}.scp", locations)
    inputs = digest(*(record["inputs"] for record in records))
    write_json(folder / f"{name}.json", {**records[0]["info"], "inputs": inputs, "items": len(locations)})
    return ledger.summary(str(folder / f"{name}.scp"), total)


def _read_records(folder: Path, name: str) -> list[dict[str, Any]]:
    first = folder / "jobs" / f"{name}.1.json"
    if not first.exists():
        raise WespkError(f"{first}: no such file; run the jobs that make {name} first")
    count = read_json(first)["jobs"]
    records = []
    for index in range(1, count + 1):
        path = folder / "jobs" / f"{name}.{index}.json"
        if not path.exists():
            raise WespkError(f"{path}: job {index} of {count} has not finished; run the stage again")
        records.append(read_json(path))
    for record in records:
        if (
            record["info"] != records[0]["info"]
            or record["jobs"] != count
            or record["of"] != records[0]["of"]
        ):
            raise WespkError(
                f"{folder}: jobs 1 and {record['job']} of {name} were run differently; run all again"
            )
    return records
