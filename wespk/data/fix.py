"""Repairing a data directory in place, as Kaldi's fix_data_dir.sh does, and telling what was lost by it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, read_json, write_bytes
from wespk.core.rejections import Rejections
from wespk.data.data_tables import DataTables, read_record
from wespk.data.datadir import DataDir, load_data_dir
from wespk.data.datadir_ops import ARCHIVES, restrict
from wespk.data.layout import (
    EXACT,
    LEDGER,
    RECORDS,
    key_kind,
    refuse_irregular,
    spk2utt_lines,
    table_names,
)
from wespk.data.loose_tables import read_loose
from wespk.data.rules import check_speaker_order
from wespk.data.tables import byte_sorted, table_text

BACKUP = ".backup"
REPORT = "fixed.txt"
# Tables that can be made again from the audio do not restrict the directory: they go where they lack an id.
NOT_RESTRICTING = ("vad.scp", "reco2dur", "reco2file_and_channel")


@dataclass(frozen=True)
class Fix:
    """What a repair did: ids dropped with the reason, repairs by file, tables set aside, files changed."""

    data: DataDir
    before: int
    dropped: Rejections
    repairs: Mapping[str, Mapping[str, int]]
    set_aside: Mapping[str, str]
    changed: tuple[str, ...]


def fix_data_dir(path: PathLike, *, spk_sort: bool = True) -> Fix:
    """Make a directory valid: utt2spk says what there is, and what all tables have is kept.

    An id with two values is dropped, for nothing tells which is right. Files that change are copied to
    .backup first; the ids dropped are listed in fixed.txt. A valid directory is left untouched. Raises
    `WespkError`, and changes nothing, where no utterance would remain, where a table is not text, and where
    speakers are out of order (`spk_sort`), for that takes other ids.
    """
    path = Path(path)
    for name in ("utt2spk", "wav.scp"):
        if not (path / name).is_file():
            raise WespkError(f"{path / name}: no such file; without it there is nothing to repair")
    refuse_irregular(path)
    loose = {name: read_loose(path / name) for name in table_names(path)}
    tables = {name: table.rows for name, table in loose.items()}
    dropped = Rejections()
    for name in ("utt2spk", "segments", "wav.scp", *sorted(tables)):
        for item, fault in loose[name].faults.items() if name in loose else ():
            dropped.reasons.setdefault(item, " ".join(fault.split()))
    ledger = Rejections.read(path / LEDGER).reasons if (path / LEDGER).exists() else None
    kept = _kept(tables, ledger or {}, dropped)
    if not kept:
        first = next(iter(dropped.reasons.items()), ("utt2spk", "is empty"))
        raise WespkError(
            f"{path}: no utterance would remain; nothing is changed; first {first[0]}: {first[1]}"
        )
    for utt in dropped.reasons.keys() & set(kept):
        dropped.add(utt, f"line removed: {dropped.reasons[utt]}")  # of a table that does not restrict
    _note_strays(tables, kept, dropped)
    records = {name: read_record(path / name) for name in RECORDS if (path / name).exists()}
    set_aside = _incomplete(tables, records, kept)
    fixed = restrict(DataTables(str(path), tables, records, ledger), kept)
    if spk_sort:
        check_speaker_order(fixed.utt2spk, str(path / "utt2spk"))
    contents = _contents(fixed, path)
    repairs = {name: table.repairs for name, table in loose.items() if table.repairs}
    changed = tuple(name for name, content in contents.items() if _differs(path / name, content))
    if changed or set_aside:
        _replace(path, contents, changed, set_aside)
        dropped.write(path / REPORT)
    data = load_data_dir(path, spk_sort=spk_sort)
    before = len(loose["utt2spk"].rows) + len(loose["utt2spk"].faults)
    return Fix(data, before, dropped, repairs, set_aside, changed)


def _kept(
    tables: Mapping[str, Mapping[str, str]], ledger: Mapping[str, str], dropped: Rejections
) -> list[str]:
    """Return the utterances that every restricting table has; the others are dropped."""
    segments, wav = tables.get("segments"), tables["wav.scp"]
    restricting = [name for name in EXACT if name in tables and name not in NOT_RESTRICTING]
    kept = []
    for utt, spk in tables["utt2spk"].items():
        source = "wav.scp" if segments is None else "segments"
        if utt not in tables[source]:
            reason = f"missing: not in {source}"
        elif segments is not None and (recording := segments[utt].split()[0]) not in wav:
            reason = f"missing: its recording {recording} is not in wav.scp"
        else:
            reason = ""
            for name in restricting:
                key = spk if EXACT[name] == "speaker" else utt
                if key not in tables[name] and key not in ledger:
                    reason = f"missing: not in {name}" if key == utt else f"missing: {spk} is not in {name}"
        if reason:
            dropped.reasons.setdefault(utt, reason)
        else:
            kept.append(utt)
    return kept


def _note_strays(tables: Mapping[str, Mapping[str, str]], kept: list[str], dropped: Rejections) -> None:
    """List the ids that stand in a table and belong to no utterance that is kept."""
    segments = tables.get("segments")
    recordings = kept if segments is None else [segments[utt].split()[0] for utt in kept]
    known = {
        "utterance": set(kept),
        "speaker": {tables["utt2spk"][utt] for utt in kept},
        "recording": set(recordings),
    }
    strays: dict[str, list[str]] = {}
    for name, table in tables.items():
        kind = key_kind(name)
        for key in table:
            if kind and key not in known[kind] and key not in dropped:
                strays.setdefault(key, []).append(name)
    for key, names in strays.items():
        dropped.add(key, f"of no utterance: in {', '.join(names)} only")


def _incomplete(
    tables: dict[str, dict[str, str]], records: dict[str, Any], kept: list[str]
) -> dict[str, str]:
    """Take out the tables that do not restrict and lack an id, with their records; return why."""
    segments = tables.get("segments")
    recordings = kept if segments is None else [segments[utt].split()[0] for utt in kept]
    set_aside = {}
    for name in NOT_RESTRICTING:
        ids = kept if key_kind(name) == "utterance" else dict.fromkeys(recordings)
        lacking = [key for key in ids if name in tables and key not in tables[name]]
        if lacking:
            del tables[name]
            set_aside[name] = f"lacks {len(lacking)}, first '{lacking[0]}'"
    for record, archive in ARCHIVES.items():
        if record in records and archive not in tables:
            del records[record]
            set_aside[record] = f"describes {archive}, which is not there"
    return set_aside


def _contents(data: DataTables, path: Path) -> dict[str, bytes]:
    """Return the bytes of every file of the directory."""
    texts = {name: table_text(table) for name, table in data.tables.items()}
    if data.rejected is not None:
        texts[LEDGER] = "".join(f"{utt} {data.rejected[utt]}\n" for utt in sorted(data.rejected))
    for name, record in data.records.items():
        if not (path / name).exists() or read_json(path / name) != record:
            texts[name] = json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    ordered = {utt: data.utt2spk[utt] for utt in byte_sorted(data.utt2spk)}
    return {name: text.encode() for name, text in {**texts, "spk2utt": spk2utt_lines(ordered)}.items()}


def _differs(path: Path, content: bytes) -> bool:
    return not path.is_file() or path.read_bytes() != content


def _replace(
    path: Path, contents: Mapping[str, bytes], changed: tuple[str, ...], set_aside: Mapping[str, str]
) -> None:
    """Back up and replace files one by one; a run that is killed in between can be repeated.

    spk2utt goes first and comes last, so that a half-repaired directory is seen to be one.
    """
    for name in (*changed, *set_aside, "spk2utt"):
        if (path / name).is_file():
            write_bytes(path / BACKUP / name, (path / name).read_bytes())
    (path / "spk2utt").unlink(missing_ok=True)
    for name in set_aside:
        (path / name).unlink()
    for name in dict.fromkeys((*changed, "spk2utt")):
        write_bytes(path / name, contents[name])
