"""Which files a data directory has, what the keys of each are, and how a set of them is written."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, write_text
from wespk.data.tables import byte_sorted, table_text

Kind = Literal["utterance", "speaker", "recording"]

# Tables that Kaldi's validate_data_dir.sh compares with the ids: each has to cover them exactly.
EXACT: dict[str, Kind] = {
    "feats.scp": "utterance",
    "vad.scp": "utterance",
    "text": "utterance",
    "utt2dur": "utterance",
    "utt2num_frames": "utterance",
    "utt2lang": "utterance",
    "utt2uniq": "utterance",
    "spk2gender": "speaker",
    "cmvn.scp": "speaker",
    "reco2dur": "recording",
    "reco2file_and_channel": "recording",
}
MAY_BE_EMPTY = frozenset({"text"})  # tables in which a key may stand alone
RECORDS = ("feats.json", "vad.json")  # each describes the archive index of its name
LEDGER = "rejected.txt"  # utterances that have no features, with reasons
AUDIO_LEDGER = "rejected_audio.txt"  # of `wespk validate-data --audio`
# What else tells of the utterances that are there: where they came from, what was checked, what was repaired.
REPORTS = (
    *("corpus.json", "not_prepared.txt", "wav.json", "not_augmented.txt"),
    *("shared.txt", "fixed.txt", ".backup"),
)
SPLIT = re.compile(r"split[0-9]+(utt)?")  # folders of `wespk split-data`
LISTS = ("trials", "enrol", "same_text")  # beginnings of the names of lists that name pairs of utterances
BY_NAME = re.compile(r"(utt|spk|reco)2[a-z0-9_]+")


def key_kind(name: str) -> Kind | None:
    """Return what the keys of the table `name` are; None when it is no table of a data directory.

    A name that is not known but begins with utt2, spk2 or reco2, such as utt2session, says it itself.
    """
    if name in EXACT:
        return EXACT[name]
    if name == "wav.scp":
        return "recording"
    if name == "segments":
        return "utterance"
    match = BY_NAME.fullmatch(name)
    if not match or name == "spk2utt":
        return None
    return {"utt": "utterance", "spk": "speaker", "reco": "recording"}[match[1]]  # type: ignore[return-value]


def table_names(path: PathLike) -> list[str]:
    """Return the names of the tables in a directory, all but spk2utt, which follows from utt2spk."""
    return sorted(entry.name for entry in Path(path).iterdir() if key_kind(entry.name) and entry.is_file())


def refuse_irregular(path: PathLike) -> None:
    """Raise for a table, a record or a ledger that is no file.

    A link to nothing hides that it is missing, and a pipe would be waited for.
    """
    for entry in sorted(Path(path).iterdir()):
        if not (key_kind(entry.name) or entry.name in ("spk2utt", LEDGER, *RECORDS)) or entry.is_file():
            continue
        if entry.exists() or entry.is_symlink():  # another job may have removed it in the meantime
            if entry.is_symlink() and not entry.exists():
                raise WespkError(f"{entry}: is a link to {os.readlink(entry)}, which does not exist")
            raise WespkError(f"{entry}: is no file; a file of text is needed")


def list_names(path: PathLike) -> list[str]:
    """Return the names of the trial and enrolment lists in a directory."""
    return sorted(
        entry.name for entry in Path(path).iterdir() if entry.name.startswith(LISTS) and entry.is_file()
    )


def write_tables(path: PathLike, tables: Mapping[str, Mapping[str, object]]) -> None:
    """Write the tables of a data directory, with the spk2utt that follows from utt2spk.

    spk2utt goes first and comes last, so that a directory left half-written by a kill is seen to be one.
    """
    path = Path(path)
    (path / "spk2utt").unlink(missing_ok=True)
    for name, table in tables.items():
        write_text(path / name, table_text(table))
    utt2spk = tables["utt2spk"]
    write_text(path / "spk2utt", spk2utt_lines({utt: str(utt2spk[utt]) for utt in byte_sorted(utt2spk)}))


def remove_tables(path: PathLike, kept: Iterable[str] = ()) -> None:
    """Remove all that describes the utterances of a directory, except spk2utt and the names in `kept`."""
    path, kept = Path(path), set(kept)
    if path.is_dir():
        for name in (*table_names(path), *RECORDS, LEDGER, AUDIO_LEDGER):
            if name not in kept:
                (path / name).unlink(missing_ok=True)


def remove_all(path: PathLike) -> None:
    """Remove all that describes the utterances of a directory, with lists, records and parts.

    Archives and what jobs have made stay: others may use them, and jobs know their own by the recordings.
    """
    path = Path(path)
    (path / "spk2utt").unlink(missing_ok=True)
    for entry in list(path.iterdir()):
        if entry.name in REPORTS or SPLIT.fullmatch(entry.name):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    for name in list_names(path):
        (path / name).unlink()
    remove_tables(path)


def spk2utt_lines(utt2spk: Mapping[str, str]) -> str:
    """Return the content of spk2utt for a byte-sorted utt2spk."""
    groups = by_speaker(utt2spk)
    return "".join(f"{spk} {' '.join(groups[spk])}\n" for spk in byte_sorted(groups))


def by_speaker(utt2spk: Mapping[str, str]) -> dict[str, list[str]]:
    """Return speaker -> utterances, both in order of appearance."""
    groups: dict[str, list[str]] = {}
    for utt, spk in utt2spk.items():
        groups.setdefault(spk, []).append(utt)
    return groups
