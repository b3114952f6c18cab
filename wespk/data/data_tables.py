"""All tables of a data directory as one immutable value, for operations that every table has to follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, read_json, write_json
from wespk.core.rejections import Rejections
from wespk.data.datadir import IDENTITY, DataDir, load_data_dir
from wespk.data.layout import (
    LEDGER,
    MAY_BE_EMPTY,
    RECORDS,
    key_kind,
    list_names,
    remove_all,
    remove_tables,
    table_names,
    write_tables,
)
from wespk.data.rules import check_speaker_order
from wespk.data.tables import read_table, table_text

Table = Mapping[str, str]


@dataclass(frozen=True)
class DataTables:
    """What a data directory holds, by file name.

    `tables` has utt2spk and wav.scp at least, spk2utt never, for it follows from utt2spk. `records` are
    feats.json and vad.json, which say how the archive of their name was made. `rejected` maps utterances
    without features to the reason; it is None where there is no such ledger.
    """

    source: str
    tables: Mapping[str, Table]
    records: Mapping[str, Mapping[str, Any]]
    rejected: Mapping[str, str] | None = None

    @property
    def utt2spk(self) -> Table:
        """Utterance -> speaker."""
        return self.tables["utt2spk"]

    @property
    def recordings_are_utterances(self) -> bool:
        """True without segments."""
        return "segments" not in self.tables

    def kind(self, name: str) -> str:
        """Return what the keys of a table are: utterances, speakers or recordings of their own."""
        kind = key_kind(name)
        if kind is None:
            raise KeyError(name)
        return "utterance" if kind == "recording" and self.recordings_are_utterances else kind


def read_tables(path: PathLike, *, spk_sort: bool = True) -> DataTables:
    """Read and check a data directory, all tables of it (see `load_data_dir`)."""
    path = Path(path)
    load_data_dir(path, spk_sort=spk_sort)
    tables = {
        name: read_table(path / name, value_required=name not in MAY_BE_EMPTY) for name in table_names(path)
    }
    records = {name: read_record(path / name) for name in RECORDS if (path / name).exists()}
    ledger = path / LEDGER
    return DataTables(
        str(path), tables, records, Rejections.read(ledger).reasons if ledger.exists() else None
    )


def publish_data(
    path: PathLike, data: DataTables, *, overwrite: bool = False, spk_sort: bool = True
) -> DataDir:
    """Write the tables as `write_data`, where nothing of other data is lost by it.

    A directory of the same utterances and recordings, without tables that `data` lacks, is written again.
    Any other data directory is replaced if `overwrite`, with its lists, records and parts, else refused;
    so is always what is no data directory (`check_target`).
    """
    path = Path(path)
    check_target(path)
    other = _difference(path, data) if path.is_dir() else ""
    if other and not overwrite:
        raise WespkError(f"{path}: holds other data ({other}); --overwrite replaces them")
    if path.is_dir() and overwrite:
        remove_all(path)
    return write_data(path, data, spk_sort=spk_sort)


def check_target(path: PathLike) -> None:
    """Raise for a path that is there and is no data directory: nothing of anyone's is written over."""
    path = Path(path)
    if path.is_symlink() and not path.exists():
        raise WespkError(f"{path}: is a link to nothing; give the name of a new folder")
    if path.exists() and not path.is_dir():
        raise WespkError(f"{path}: is a file; give the name of a new folder")
    if path.is_dir() and any(path.iterdir()) and not table_names(path):
        raise WespkError(f"{path}: exists and is no data directory; give the name of a new folder")


def write_data(path: PathLike, data: DataTables, *, spk_sort: bool = True) -> DataDir:
    """Write the tables into `path`, instead of those that are there; check and return the directory."""
    path = Path(path)
    if not data.utt2spk:
        raise WespkError(f"{path}: no utterance is left to write")
    if spk_sort:
        check_speaker_order(dict(sorted(data.utt2spk.items())), f"{path / 'utt2spk'}")
    remove_tables(path, data.tables)
    write_tables(path, data.tables)
    for name, record in data.records.items():
        write_json(path / name, record)
    if data.rejected is not None:
        Rejections(dict(data.rejected)).write(path / LEDGER)
    return load_data_dir(path, spk_sort=spk_sort)


def refuse_same(out: PathLike, inputs: Iterable[PathLike]) -> None:
    """Raise when a directory would be written over one that it is made from."""
    for path in inputs:
        if Path(path).resolve() == Path(out).resolve():
            raise WespkError(f"{out}: is a directory that is read; write to another")


def not_copied(path: PathLike) -> str:
    """Return a sentence about the lists of a directory that no operation takes along, "" without any."""
    names = ", ".join(list_names(path))
    return (
        f"{names} of {path}: not taken along, they name pairs; make them again (`make-trials`)"
        if names
        else ""
    )


def _difference(path: Path, data: DataTables) -> str:
    """Return what tells the directory from `data`, "" if it holds the same or, killed, a part."""
    for name in table_names(path):
        if name in IDENTITY and name in data.tables:
            if (path / name).read_bytes() != table_text(data.tables[name]).encode("utf-8"):
                return f"another {name}"
        elif name not in data.tables:
            return f"a {name} of its own"
    return ""


def read_record(path: Path) -> Mapping[str, Any]:
    """Read feats.json or vad.json."""
    record = read_json(path)
    if not isinstance(record, dict) or not isinstance(record.get("content"), str):
        raise WespkError(f"{path}: 'content' is missing; run the feature stage again")
    return record
