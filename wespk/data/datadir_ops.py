"""Operations on data directories as pure functions: every table follows, and so do the feature records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from wespk.core.config import first_difference
from wespk.core.errors import WespkError
from wespk.core.files import digest
from wespk.data.data_tables import DataTables, Table
from wespk.data.layout import LEDGER

ARCHIVES = {"feats.json": "feats.scp", "vad.json": "vad.scp"}
WITH_REJECTED = ("feats.scp", "vad.scp", "utt2num_frames")  # tables that may lack the rejected utterances
OWN_FACTS = ("content", "items")  # of a record; the rest says how the archive was made
MAY_DIFFER = (
    "audio",
    "compression",
    "feats",
)  # what was accepted and how it is stored does not change the features


def restrict(data: DataTables, utts: Collection[str]) -> DataTables:
    """Keep these utterances, their speakers and their recordings."""
    wanted = {"utterance": set(utts)}
    unknown = sorted(wanted["utterance"] - data.utt2spk.keys())
    if unknown:
        raise WespkError(f"{data.source}: no utterance '{unknown[0]}' there ({len(unknown)} so)")
    wanted["speaker"] = {data.utt2spk[utt] for utt in wanted["utterance"]}
    if not data.recordings_are_utterances:
        segments = data.tables["segments"]
        wanted["recording"] = {segments[utt].split()[0] for utt in wanted["utterance"]}
    tables = {name: _only(table, wanted[data.kind(name)]) for name, table in data.tables.items()}
    rejected = None if data.rejected is None else _only(data.rejected, wanted["utterance"])
    records = {}
    for name, record in data.records.items():
        kept = tables.get(ARCHIVES[name], {})
        whole = len(kept) == len(data.tables.get(ARCHIVES[name], {}))
        records[name] = dict(record) if whole else _derived(record, "subset", [record["content"]], kept)
    return DataTables(data.source, tables, _relinked([data.records], records), rejected)


def rename(data: DataTables, utt: Callable[[str], str], spk: Callable[[str], str]) -> DataTables:
    """Give utterances and speakers other ids. Recordings keep theirs, unless they are the utterances.

    Raises `WespkError` when two ids become one.
    """
    return _rename(data, {old: utt(old) for old in data.utt2spk}, spk)


def prefix_speakers(data: DataTables) -> DataTables:
    """Begin every utterance id with its speaker's, and a dash, where it does not already begin with it."""
    ids = {u: u if u.startswith(spk) else f"{spk}-{u}" for u, spk in data.utt2spk.items()}
    return _rename(data, ids, lambda spk: spk)


def combine(parts: Sequence[DataTables]) -> tuple[DataTables, dict[str, list[str]]]:
    """Join directories; return what they make, and which tables were left out: name -> the inputs without it.

    An id that is in several of them has to say the same in each. A table is kept when all have it. Where some
    have segments, those without get one segment, the whole recording, for each utterance; where some have
    utt2uniq (a copy's original), the others' utterances are their own originals. Raises `WespkError`
    for an id with two meanings, and for features that were made differently.
    """
    if any(not part.recordings_are_utterances for part in parts):
        parts = [_with_segments(part) for part in parts]
    if any("utt2uniq" in part.tables for part in parts):
        parts = [_with_uniq(part) for part in parts]
    names = sorted({name for part in parts for name in (*part.tables, *part.records)})
    left_out = {}
    for name in names:
        lacking = [part.source for part in parts if name not in part.tables and name not in part.records]
        if lacking:
            left_out[name] = lacking
    for record, archive in ARCHIVES.items():  # a record without its archive describes nothing
        if record in names and (archive in left_out or archive not in names):
            left_out.setdefault(record, left_out.get(archive, [part.source for part in parts]))
    tables = {name: _union(name, parts) for name in parts[0].tables if name not in left_out}
    records = {}
    for name in parts[0].records:
        if name not in left_out:
            records[name] = _common_record(name, parts, tables[ARCHIVES[name]])
    rejected = None
    if any(part.rejected is not None for part in parts):
        if any(name in tables for name in WITH_REJECTED):
            rejected = _union_rejected(parts, tables)
        else:
            left_out[LEDGER] = left_out.get("feats.scp", [part.source for part in parts])
    source = " and ".join(part.source for part in parts)
    records = _relinked([part.records for part in parts], records)
    return DataTables(source, tables, records, rejected), left_out


def _rename(data: DataTables, utts: Mapping[str, str], spk: Callable[[str], str]) -> DataTables:
    spks = {old: spk(old) for old in dict.fromkeys(data.utt2spk.values())}
    for what, ids in (("utterance", utts), ("speaker", spks)):
        _refuse_clash(what, ids, data.source)
    ids_of: dict[str, Mapping[str, str]] = {"utterance": utts, "speaker": spks}
    tables: dict[str, Table] = {}
    for name, table in data.tables.items():
        ids = ids_of.get(data.kind(name), {})
        tables[name] = {ids.get(key, key): value for key, value in table.items()}
    tables["utt2spk"] = {utts[old]: spks[owner] for old, owner in data.utt2spk.items()}
    rejected = data.rejected and {utts.get(key, key): reason for key, reason in data.rejected.items()}
    records = {}
    for name, record in data.records.items():
        renamed = any(old != new for old, new in utts.items())
        pairs = [f"{old} {utts[old]}" for old in data.tables.get(ARCHIVES[name], {})]
        records[name] = _derived(record, "renamed", [record["content"]], pairs) if renamed else dict(record)
    return DataTables(data.source, tables, _relinked([data.records], records), rejected)


def _refuse_clash(what: str, ids: Mapping[str, str], source: str) -> None:
    owner: dict[str, str] = {}
    for old, new in ids.items():
        if new in owner:
            raise WespkError(f"{source}: {what} '{old}' and '{owner[new]}' would both become '{new}'")
        owner[new] = old


def _only(table: Table, keys: Collection[str]) -> dict[str, str]:
    return {key: value for key, value in table.items() if key in keys}


def _with_segments(data: DataTables) -> DataTables:
    if not data.recordings_are_utterances:
        return data
    whole = {utt: f"{utt} 0 -1" for utt in data.utt2spk}
    return DataTables(data.source, {**data.tables, "segments": whole}, data.records, data.rejected)


def _with_uniq(data: DataTables) -> DataTables:
    if "utt2uniq" in data.tables:
        return data
    originals = {utt: utt for utt in data.utt2spk}
    return DataTables(data.source, {**data.tables, "utt2uniq": originals}, data.records, data.rejected)


def _union(name: str, parts: Sequence[DataTables]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for number, part in enumerate(parts):
        table = part.tables[name]
        for key in sorted(joined.keys() & table.keys()):
            if joined[key] != table[key]:
                other = next(each for each in parts[:number] if key in each.tables[name])
                raise WespkError(
                    f"'{key}' is '{joined[key][:80]}' in {name} of {other.source} but '{table[key][:80]}' in "
                    f"{part.source}; rename one with `wespk copy-data`"
                )
        joined.update(table)
    return joined


def _common_record(name: str, parts: Sequence[DataTables], archive: Table) -> dict[str, Any]:
    records = [part.records[name] for part in parts]
    for part, record in zip(parts[1:], records[1:], strict=True):
        difference = first_difference(_how_made(records[0]), _how_made(record))
        if difference:
            key, mine, yours = difference
            raise WespkError(
                f"{name}: {key} is {mine} in {parts[0].source} but {yours} in {part.source}; "
                "compute the features with equal options"
            )
    common = {key: value for key, value in records[0].items() if all(r.get(key) == value for r in records)}
    contents = sorted({record["content"] for record in records})
    return common if len(contents) == 1 else _derived(common, "combined", contents, archive)


def _relinked(before: Sequence[Mapping[str, Any]], after: dict[str, Any]) -> dict[str, Any]:
    """Return `after` with its VAD tied to its features, if all of `before` were so tied."""
    if not {"vad.json", "feats.json"} <= after.keys():
        return after
    if any(each["vad.json"].get("feats") != each["feats.json"]["content"] for each in before):
        return after
    return {**after, "vad.json": {**after["vad.json"], "feats": after["feats.json"]["content"]}}


def _how_made(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in (*OWN_FACTS, *MAY_DIFFER)}


def _union_rejected(parts: Sequence[DataTables], tables: Mapping[str, Table]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for part in parts:
        joined.update(part.rejected or {})
    for part in parts:
        for name in tables.keys() & {"feats.scp"}:
            both = sorted(joined.keys() & part.tables[name].keys() - (part.rejected or {}).keys())
            if both:
                raise WespkError(
                    f"'{both[0]}' has features in {part.source}, but another directory lists it as rejected "
                    f"({joined[both[0]]}); compute the features again"
                )
    return joined


def _derived(
    record: Mapping[str, Any], operation: str, contents: Sequence[str], items: Collection[str]
) -> dict[str, Any]:
    """Return a record with the digest of what `operation` made of archives of these contents."""
    content = digest(operation, *contents, *sorted(items))
    return {**record, "content": content, "items": len(items)}
