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

RECORD_FORMAT = "content digests"  # another text here makes every piece of an older form be made again
RECORD_FIELDS = {"job", "jobs", "of", "inputs", "whole", "content", "rows", "info"}


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
        stamps = [self.stamp(item) for item in self.items]
        whole = digest(repr(self.info), *stamps)
        inputs = digest(RECORD_FORMAT, repr(job), repr(self.info), *job.share(stamps))
        base = self.folder / "jobs"
        ark, scp, ledger, record = (
            base / f"{self.name}.{job.index}.{end}" for end in ("ark", "scp", "rejected", "json")
        )
        done = read_json(record) if record.exists() and ark.exists() and scp.exists() else {}
        if done.get("inputs") == inputs:
            write_json(record, {**done, "whole": whole})
            say(f"{self.name} job {job.index}/{job.count}: {len(items)} items are up to date")
            return
        # From here on the merged table would point into an archive that is being replaced.
        for stale in (record, self.folder / f"{self.name}.scp", self.folder / f"{self.name}.json"):
            stale.unlink(missing_ok=True)
        rejections = Rejections()
        content = 0

        def results() -> Iterable[tuple[str, np.ndarray]]:
            nonlocal content
            for item in track(items, len(items), f"{self.name} {job.index}/{job.count}"):
                try:
                    array = np.ascontiguousarray(self.make(item), dtype=np.float32)
                except AudioError as error:
                    rejections.add(item, str(error))
                    continue
                content += int(digest(item, array.tobytes()), 16)
                yield item, array

        rows = write_archive(ark, scp, results())
        rejections.reconcile(str(scp), items, rows)
        rejections.write(ledger)
        facts = {"job": job.index, "jobs": job.count, "of": len(self.items), "inputs": inputs, "whole": whole}
        write_json(record, {**facts, "content": f"{content:x}", "rows": rows, "info": self.info})
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
    # A sum does not depend on how the items were shared among jobs.
    content = sum(int(record["content"], 16) for record in records) % (1 << 256)
    facts = {"content": f"{content:064x}", "items": len(locations)}
    write_json(folder / f"{name}.json", {**records[0]["info"], **facts})
    return ledger.summary(str(folder / f"{name}.scp"), total)


def _read_records(folder: Path, name: str) -> list[dict[str, Any]]:
    first = folder / "jobs" / f"{name}.1.json"
    if not first.exists():
        raise WespkError(f"{first}: no such file; run the jobs that make {name} first")
    count = read_json(first).get("jobs", 1)
    records = []
    for index in range(1, count + 1):
        path = folder / "jobs" / f"{name}.{index}.json"
        if not path.exists():
            raise WespkError(f"{path}: job {index} of {count} has not finished; run the stage again")
        records.append(read_json(path))
    for record in records:
        if not record.keys() >= RECORD_FIELDS:
            raise WespkError(
                f"{folder}: the records of {name} are incomplete; delete jobs/ and run the stage again"
            )
        if (record["whole"], record["jobs"]) != (records[0]["whole"], count):
            pair = f"jobs 1 and {record['job']}"
            raise WespkError(f"{folder}: {pair} of {name} were run on different inputs; run all again")
    return records
