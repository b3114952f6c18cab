"""Kaldi wav archives made by N jobs: each job writes a piece and its record, a merge accounts for every item.

An entry of a wav archive is the key, a space, and a whole RIFF file of 16-bit PCM: what Kaldi's wav-copy
writes to an `ark:`. A piece whose record matches its inputs is not made again, so a killed run continues.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, atomic_path, digest, read_json, remove_stale, write_json
from wespk.core.progress import say
from wespk.core.rejections import Rejections
from wespk.data.audio import AudioError
from wespk.data.jobs import Job, has_fields
from wespk.data.layout import remove_tables

RECORD_FIELDS = {
    **dict.fromkeys(("job", "jobs", "of", "bytes", "rate"), int),
    **dict.fromkeys(("inputs", "whole"), str),
    **dict.fromkeys(("entries", "rejected", "clipped"), dict),
}
MOST_SAMPLES = (2**32 - 1 - 36) // 2  # a RIFF file counts its bytes in 32 bits


@dataclass(frozen=True)
class WavPiece:
    """What one job makes: `folder`/jobs/wav.JOB.ark of `items`, each by `make(item)`.

    `make` returns samples (N,) in [-1, 1] at `sample_rate` and a note of one line on how they were made; it
    raises `AudioError` for an item that cannot be used, which is rejected with that reason. `info` describes
    how the archive is made, `stamp(item)` changes when an input does.
    """

    folder: Path
    items: Sequence[str]
    sample_rate: int
    info: Mapping[str, Any]
    stamp: Callable[[str], str]
    make: Callable[[str], tuple[np.ndarray, str]]

    def run(self, job: Job, track: Callable[[Iterable[str], int, str], Iterable[str]]) -> None:
        """Write the job's archive and last its record; or find them up to date."""
        items = job.share(self.items)
        stamps = [self.stamp(item) for item in self.items]
        whole = digest(repr(self.info), *self.items, *stamps)
        inputs = digest(repr(job), repr(self.info), *items, *job.share(stamps))
        ark, record = (self.folder / "jobs" / f"wav.{job.index}.{end}" for end in ("ark", "json"))
        done = read_json(record) if record.exists() and ark.exists() else {}
        if _is_record(done) and done["inputs"] == inputs and done["bytes"] == ark.stat().st_size:
            write_json(record, {**done, "whole": whole})
            say(f"wav job {job.index}/{job.count}: {len(items)} recordings are up to date")
            return
        # From here on the tables would point into an archive that is being replaced.
        record.unlink(missing_ok=True)
        remove_tables(self.folder)
        if ark.parent.is_dir():
            remove_stale(ark, record)
        rejections = Rejections()
        entries: dict[str, tuple[int, int, str]] = {}
        clipped: dict[str, int] = {}
        with atomic_path(ark) as temporary, open(temporary, "wb") as stream:
            for item in track(items, len(items), f"wav {job.index}/{job.count}"):
                try:
                    samples, note = self.make(item)
                    whole_numbers, beyond = pcm16(samples)
                    riff = riff_header(len(whole_numbers), self.sample_rate)
                except AudioError as error:
                    rejections.add(item, str(error))
                    continue
                stream.write(f"{item} ".encode())
                entries[item] = (stream.tell(), len(whole_numbers), note)
                stream.write(riff + whole_numbers.astype("<i2", copy=False).tobytes())
                if beyond:
                    clipped[item] = beyond
        rejections.reconcile(str(ark), items, entries)
        facts = {"job": job.index, "jobs": job.count, "of": len(self.items), "inputs": inputs, "whole": whole}
        made = {"bytes": ark.stat().st_size, "rate": self.sample_rate, "entries": entries}
        write_json(record, {**facts, **made, "rejected": rejections.reasons, "clipped": clipped})
        say(rejections.summary(f"wav job {job.index}/{job.count}", len(items)))


@dataclass(frozen=True)
class WavArchive:
    """What all jobs made together. Rejected and made items are those asked for, none lost, none twice."""

    locations: dict[str, str]  # id -> ark:offset, for wav.scp
    seconds: dict[str, float]
    notes: dict[str, str]
    rejections: Rejections
    clipped: dict[str, int]  # id -> samples that had to be cut off at full scale
    total: int


def merge_wav_jobs(folder: PathLike) -> WavArchive:
    """Read the records of `folder`/jobs and check that together they account for every item.

    Archives of an earlier run with more jobs are removed. Raises `WespkError` when a job is missing or
    incomplete, or when pieces were made differently.
    """
    base = Path(folder) / "jobs"
    records = _read_records(base)
    locations: dict[str, str] = {}
    seconds: dict[str, float] = {}
    notes: dict[str, str] = {}
    clipped: dict[str, int] = {}
    ledger = Rejections()
    for record in records:
        ark = base / f"wav.{record['job']}.ark"
        if not ark.exists() or ark.stat().st_size != record["bytes"]:
            raise WespkError(f"{ark}: is not as its job left it; run the jobs again")
        for item, (offset, samples, note) in record["entries"].items():
            locations[item] = f"{ark}:{offset}"
            seconds[item] = samples / record["rate"]
            notes[item] = note
        ledger.reasons.update(record["rejected"])
        clipped.update(record["clipped"])
    total = records[0]["of"]
    if len(locations) + len(ledger) != total:
        lost = total - len(locations) - len(ledger)
        raise WespkError(f"{base}: {lost} of {total} recordings are unaccounted for; delete it and run again")
    for path in base.glob("wav.*.*"):
        index = path.name.split(".")[1]
        if index.isdecimal() and int(index) > len(records):
            path.unlink(missing_ok=True)
    return WavArchive(locations, seconds, notes, ledger, clipped, total)


def pcm16(samples: np.ndarray) -> tuple[np.ndarray, int]:
    """Return samples (N,) as 16-bit integers (N,), and how many lay beyond and were cut off.

    Rounded to the nearest, halves to the even one; no dither, so that equal samples give equal bytes.
    """
    rounded = np.rint(samples.astype(np.float64) * 32768)
    beyond = int(np.count_nonzero((rounded < -32768) | (rounded > 32767)))
    return np.clip(rounded, -32768, 32767).astype(np.int16), beyond


def riff_header(num_samples: int, sample_rate: int) -> bytes:
    """Return the 44 bytes before `num_samples` of mono 16-bit PCM. Raises `AudioError` above 4 GB."""
    if num_samples > MOST_SAMPLES:
        raise AudioError(f"too long: {num_samples} samples, a RIFF file takes {MOST_SAMPLES}; cut it up")
    size = 2 * num_samples
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE") + form + struct.pack("<4sI", b"data", size)


def _read_records(base: Path) -> list[dict[str, Any]]:
    first = base / "wav.1.json"
    if not first.exists():
        raise WespkError(f"{first}: no such file; run the jobs first")
    records = [_read_record(first, 1)]
    count = records[0]["jobs"]
    for index in range(2, count + 1):
        path = base / f"wav.{index}.json"
        if not path.exists():
            raise WespkError(f"{path}: job {index} of {count} has not finished; run it again")
        records.append(_read_record(path, index))
        if (records[-1]["whole"], records[-1]["jobs"]) != (records[0]["whole"], count):
            raise WespkError(f"{base}: jobs 1 and {index} were run on different inputs; run all again")
    return records


def _read_record(path: Path, index: int) -> dict[str, Any]:
    record: Any = read_json(path)
    if not _is_record(record) or record["job"] != index:
        raise WespkError(f"{path}: the record is incomplete; delete it and run the job again")
    return record


def _is_record(value: Any) -> bool:
    """Whether a record holds what is asked of it later on, in these types."""
    if not has_fields(value, RECORD_FIELDS) or value["rate"] <= 0:
        return False
    entries = value["entries"].values()
    return all(isinstance(entry, list) and list(map(type, entry)) == [int, int, str] for entry in entries)
