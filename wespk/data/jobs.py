"""Archives made by N jobs side by side: each job writes a piece, a merge checks and joins them.

A piece is skipped when it is complete and its inputs' digest is unchanged, so a killed run continues.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, digest, file_digest, read_json, remove_stale, write_json
from wespk.core.progress import say
from wespk.core.rejections import Rejections
from wespk.data.archives import write_archive
from wespk.data.audio import PASSING, AudioError
from wespk.data.compression import NONE
from wespk.data.locations import parse_location
from wespk.data.tables import read_table, write_table

RECORD_FORMAT = "places"  # another text here makes every piece of an older form be made again
RECORD_FIELDS = {
    **dict.fromkeys(("job", "jobs", "of", "bytes"), int),
    **dict.fromkeys(("inputs", "whole", "content", "compression", "scp"), str),
    **dict.fromkeys(("rows", "info"), dict),
}


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


# What is made of an item: an array; `AudioError`, for which it is rejected; another fault, which ends all.
Made = tuple[str, np.ndarray | WespkError]


@dataclass(frozen=True)
class Piece:
    """What one job makes: an archive `name` under `folder`/jobs of `items`, by `make`.

    `make(items)` yields each of these, a job's share, with what it is made, in their order. `info`
    describes how the archive is made (feature options, the model); `stamp(item)` changes when an input does.
    `compression` is a method of `wespk.data.compression`, or "none".
    """

    folder: Path
    name: str
    items: Sequence[str]
    info: dict[str, Any]
    stamp: Callable[[str], str]
    make: Callable[[Sequence[str]], Iterable[Made]]
    compression: str = NONE

    def run(self, job: Job, track: Callable[[Iterable[Made], int, str], Iterable[Made]]) -> None:
        """Write the job's archive, its scp, its ledger and last its record; or find them up to date."""
        items = job.share(self.items)
        stamps = [self.stamp(item) for item in self.items]
        how = (RECORD_FORMAT, repr(self.info), self.compression)
        whole = digest(*how, *self.items, *stamps)
        inputs = digest(*how, repr(job), *items, *job.share(stamps))
        ark, scp, ledger, record = _files(self.folder, self.name, job.index)
        done = read_json(record) if record.exists() and scp.exists() and ledger.exists() else {}
        if _is_record(done) and done["inputs"] == inputs and _is_whole(done, ark, scp, ledger):
            write_json(record, {**done, "whole": whole})
            say(f"{self.name} job {job.index}/{job.count}: {len(items)} items are up to date")
            return
        record.parent.mkdir(parents=True, exist_ok=True)
        remove_stale(ledger, record)  # those of the archive go when it is written
        # From here on the merged table would point into an archive that is being replaced.
        merged = [
            f"{self.name}.scp",
            f"{self.name}.json",
            *(["utt2num_frames"] if self.name == "feats" else []),
        ]
        for stale in (record, *(self.folder / each for each in merged)):
            stale.unlink(missing_ok=True)
        rejections = Rejections()
        content = 0

        def results() -> Iterable[tuple[str, np.ndarray]]:
            nonlocal content
            for item, made in track(self.make(items), len(items), f"{self.name} {job.index}/{job.count}"):
                if isinstance(made, AudioError):
                    rejections.add(item, str(made))
                    continue
                if isinstance(made, WespkError):
                    where = f"'{item}': "
                    raise WespkError(f"{self.folder}: {where}{str(made).removeprefix(where)}") from made
                array = np.ascontiguousarray(made, dtype=np.float32)
                numbers = array.reshape(-1).view(np.uint8).data
                content += int(digest(item, self.compression, str(array.shape), numbers), 16)
                yield item, array

        rows = write_archive(ark, scp, results(), self.compression)
        rejections.reconcile(str(scp), items, rows)
        rejections.write(ledger)
        facts = {"job": job.index, "jobs": job.count, "of": len(self.items), "inputs": inputs, "whole": whole}
        how_made = {"compression": self.compression, "info": self.info}
        made = {"content": f"{content:x}", "rows": rows, "bytes": _size(ark), "scp": file_digest(scp)}
        write_json(record, {**facts, **made, **how_made})
        say(rejections.summary(f"{self.name} job {job.index}/{job.count}", len(items)))


def one_by_one(make: Callable[[str], np.ndarray]) -> Callable[[Sequence[str]], Iterator[Made]]:
    """Return the `make` of a `Piece` whose items do not need each other."""

    def made(items: Sequence[str]) -> Iterator[Made]:
        for item in items:
            try:
                yield item, make(item)
            except WespkError as fault:
                yield item, fault

    return made


def merge_jobs(folder: PathLike, name: str, max_rejected: float) -> str:
    """Join the pieces into `folder`/`name`.scp, `name`.json and a ledger; return a summary line.

    The ledger is rejected.txt; decisions about frames have one of their own, since rejected.txt says which
    utterances have no features. Features also give utt2num_frames, and take decisions about the frames of
    other features away. Pieces of more jobs than there are now are removed. Raises `WespkError` when a job is
    missing or incomplete, when pieces were made differently, or when more items are rejected than
    `max_rejected` allows.
    """
    folder = Path(folder)
    records = _read_records(folder, name)
    locations: dict[str, str] = {}
    rows: dict[str, int] = {}
    ledger = Rejections()
    for record in records:
        ark, scp, rejected, _ = _files(folder, name, record["job"])
        piece = read_table(scp)
        locations.update(_checked_places(scp, piece, ark, record))
        ledger.reasons.update(Rejections.read(rejected).reasons)
        rows.update(record["rows"])
    total = records[0]["of"]
    if len(locations) + len(ledger) != total:
        lost = total - len(locations) - len(ledger)
        raise WespkError(
            f"{folder}: {lost} of {total} items of {name} are unaccounted for; delete jobs/ and run again"
        )
    ledger.write(folder / ledger_name(name))
    ledger.enforce(str(folder / f"{name}.scp"), total, max_rejected)
    if not locations:
        raise WespkError(f"{folder}: every item of {name} was rejected; see {ledger_name(name)}")
    if name == "feats":
        write_table(folder / "utt2num_frames", rows)
    write_table(folder / f"{name}.scp", locations)
    # A sum does not depend on how the items were shared among jobs.
    content = sum(int(record["content"], 16) for record in records) % (1 << 256)
    compression = records[0]["compression"]
    facts = {"content": f"{content:064x}", "items": len(locations), "compression": compression}
    write_json(folder / f"{name}.json", {**records[0]["info"], **facts})
    if name == "feats":
        _drop_foreign_vad(folder, (facts["content"], records[0]["info"].get("feats")))
    _drop_old_pieces(folder, name, len(records))
    return ledger.summary(str(folder / f"{name}.scp"), total)


def ledger_name(name: str) -> str:
    """Return the name of the ledger beside the merged archive `name`."""
    return "vad.rejected.txt" if name == "vad" else "rejected.txt"


def _drop_foreign_vad(folder: Path, contents: Sequence[str | None]) -> None:
    """Remove decisions about frames that were made of features of none of these contents."""
    record = folder / "vad.json"
    if record.exists() and read_json(record).get("feats") not in contents:
        for name in ("vad.scp", "vad.json", "unvoiced.txt", ledger_name("vad")):
            (folder / name).unlink(missing_ok=True)
        say(f"{folder}: vad.scp was made of other features and is removed; run compute-vad again")


def _drop_old_pieces(folder: Path, name: str, count: int) -> None:
    for path in (folder / "jobs").glob(f"{name}.*"):
        job = path.name.removeprefix(f"{name}.").partition(".")[0]
        if job.isdecimal() and int(job) > count:
            path.unlink(missing_ok=True)


def _files(folder: Path, name: str, job: int) -> list[Path]:
    """Return a piece's archive, scp, ledger and record."""
    return [folder / "jobs" / f"{name}.{job}.{end}" for end in ("ark", "scp", "rejected", "json")]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else -1


def _is_whole(record: dict[str, Any], ark: Path, scp: Path, ledger: Path) -> bool:
    """Whether a piece is as it was written, and nothing in it was rejected for a cause that may pass."""
    if record["bytes"] != _size(ark) or record["scp"] != file_digest(scp):
        return False
    kinds = {reason.partition(":")[0] for reason in Rejections.read(ledger).reasons.values()}
    return kinds.isdisjoint(PASSING)


def _checked_places(scp: Path, piece: dict[str, str], ark: Path, record: dict[str, Any]) -> dict[str, str]:
    """Return where the items of a piece stand, after checks against its record; no archive is read.

    The archive is named by the folder as it is given now, wherever the job was run.
    """
    if _size(ark) != record["bytes"]:
        raise WespkError(
            f"{ark}: has {_size(ark)} bytes and was written with {record['bytes']}; run the job again"
        )
    if piece.keys() != record["rows"].keys() or file_digest(scp) != record["scp"]:
        raise WespkError(f"{scp}: is not what the job wrote; delete jobs/ and run again")
    return {key: f"{ark}:{parse_location(key, location).offset}" for key, location in piece.items()}


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
    """Whether a record holds what is asked of it later on, in these types."""
    return has_fields(value, RECORD_FIELDS) and re.fullmatch("[0-9a-f]+", value["content"]) is not None


def has_fields(value: Any, fields: Mapping[str, type]) -> bool:
    """Whether a value read from a file is a mapping that has these fields, each of its type."""
    return isinstance(value, dict) and all(isinstance(value.get(name), kind) for name, kind in fields.items())
