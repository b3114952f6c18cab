"""Archives made by N jobs side by side: each job writes a piece, a merge checks and joins them.

A piece is skipped when it is complete and its inputs' digest is unchanged, so a killed run continues.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, digest, read_json, remove_stale, write_json
from wespk.core.progress import say
from wespk.core.rejections import Rejections
from wespk.data.archives import write_archive
from wespk.data.audio import AudioError
from wespk.data.compression import NONE
from wespk.data.locations import parse_location
from wespk.data.tables import read_table, write_table

RECORD_FORMAT = "sizes"  # another text here makes every piece of an older form be made again
RECORD_FIELDS = {"job", "jobs", "of", "inputs", "whole", "content", "rows", "bytes", "compression", "info"}


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
    `compression` is a method of `wespk.data.compression`, or "none".
    """

    folder: Path
    name: str
    items: Sequence[str]
    info: dict[str, Any]
    stamp: Callable[[str], str]
    make: Callable[[str], np.ndarray]
    compression: str = NONE

    def run(self, job: Job, track: Callable[[Iterable[str], int, str], Iterable[str]]) -> None:
        """Write the job's archive, its scp, its ledger and last its record; or find them up to date."""
        items = job.share(self.items)
        stamps = [self.stamp(item) for item in self.items]
        how = (RECORD_FORMAT, repr(self.info), self.compression)
        whole = digest(*how, *self.items, *stamps)
        inputs = digest(*how, repr(job), *items, *job.share(stamps))
        ark, scp, ledger, record = _files(self.folder, self.name, job.index)
        done = read_json(record) if record.exists() and scp.exists() and ledger.exists() else {}
        if _is_record(done) and done["inputs"] == inputs and done["bytes"] == _size(ark):
            write_json(record, {**done, "whole": whole})
            say(f"{self.name} job {job.index}/{job.count}: {len(items)} items are up to date")
            return
        record.parent.mkdir(parents=True, exist_ok=True)
        remove_stale(ledger, record)  # those of the archive go when it is written
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
                numbers = array.reshape(-1).view(np.uint8).data
                content += int(digest(item, self.compression, str(array.shape), numbers), 16)
                yield item, array

        rows = write_archive(ark, scp, results(), self.compression)
        rejections.reconcile(str(scp), items, rows)
        rejections.write(ledger)
        facts = {"job": job.index, "jobs": job.count, "of": len(self.items), "inputs": inputs, "whole": whole}
        how_made = {"compression": self.compression, "info": self.info}
        made = {"content": f"{content:x}", "rows": rows, "bytes": _size(ark)}
        write_json(record, {**facts, **made, **how_made})
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
        ark, scp, rejected, _ = _files(folder, name, record["job"])
        piece = read_table(scp)
        _check_piece(scp, piece, ark, record)
        locations.update(piece)
        ledger.reasons.update(Rejections.read(rejected).reasons)
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
    compression = records[0]["compression"]
    facts = {"content": f"{content:064x}", "items": len(locations), "compression": compression}
    write_json(folder / f"{name}.json", {**records[0]["info"], **facts})
    return ledger.summary(str(folder / f"{name}.scp"), total)


def _files(folder: Path, name: str, job: int) -> list[Path]:
    """Return a piece's archive, scp, ledger and record."""
    return [folder / "jobs" / f"{name}.{job}.{end}" for end in ("ark", "scp", "rejected", "json")]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else -1


def _check_piece(scp: Path, piece: dict[str, str], ark: Path, record: dict[str, Any]) -> None:
    """Check a piece's scp against its record and its archive, of which nothing is read."""
    if _size(ark) != record["bytes"]:
        raise WespkError(
            f"{ark}: has {_size(ark)} bytes and was written with {record['bytes']}; run the job again"
        )
    if piece.keys() != record["rows"].keys():
        odd = min(piece.keys() ^ record["rows"].keys())
        raise WespkError(f"{scp}: does not list what the job made, see '{odd}'; delete jobs/ and run again")
    try:
        places = [(key, parse_location(key, location)) for key, location in piece.items()]
    except WespkError as error:
        raise WespkError(f"{scp}: {error}; delete jobs/ and run again") from None
    right = {path: _is_same(path, ark) for path in {place.path for _, place in places}}
    for key, place in places:
        if not right[place.path] or place.offset >= record["bytes"]:
            raise WespkError(
                f"{scp}: '{key}' is said to be at {place.path}:{place.offset}, which is not in {ark}; "
                f"run the jobs in the folder where they are merged"
            )


def _is_same(path: str, ark: Path) -> bool:
    return os.path.realpath(path) == os.path.realpath(ark)


def _read_records(folder: Path, name: str) -> list[dict[str, Any]]:
    paths = [_files(folder, name, 1)[-1]]
    if not paths[0].exists():
        raise WespkError(f"{paths[0]}: no such file; run the jobs that make {name} first")
    records = [_read_record(paths[0], 1)]
    count = records[0]["jobs"]
    for index in range(2, count + 1):
        path = _files(folder, name, index)[-1]
        if not path.exists():
            raise WespkError(f"{path}: job {index} of {count} has not finished; run the stage again")
        records.append(_read_record(path, index))
    for record in records:
        if (record["whole"], record["jobs"]) != (records[0]["whole"], count):
            pair = f"jobs 1 and {record['job']}"
            raise WespkError(f"{folder}: {pair} of {name} were run on different inputs; run all again")
    return records


def _read_record(path: Path, index: int) -> dict[str, Any]:
    record = read_json(path)
    if not _is_record(record) or record["job"] != index:
        raise WespkError(f"{path}: the record is incomplete; delete jobs/ and run the stage again")
    return record


def _is_record(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() >= RECORD_FIELDS
