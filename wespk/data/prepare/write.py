"""Writing prepared corpora so that each data directory is there complete, or not at all."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, write_json
from wespk.data.datadir import write_data_dir
from wespk.data.prepare.corpus import Corpus
from wespk.data.trial_lists import seeded_order

LEDGER = "not_prepared.txt"
RECORD = "corpus.json"
# What makes two directories the same data; features and their like are made from it.
COMPARED = (
    *("wav.scp", "utt2spk", "spk2utt", "segments", "reco2dur", "spk2gender", "text"),
    *("trials", "enrol"),
)


def split_corpus(corpus: Corpus, dev: int, test: int, seed: int) -> dict[str, Corpus]:
    """Return the sets test, dev and train, which share no speaker; a set of 0 speakers is left out.

    Test and dev take the first speakers in `seeded_order` among those with two utterances or more: one
    utterance makes no target trial. All others train. Raises `WespkError` when there are too few.
    """
    count = Counter(corpus.utt2spk.values())
    order = seeded_order((spk for spk, utts in count.items() if utts > 1), seed)
    if len(order) < dev + test or len(count) == dev + test:
        raise WespkError(
            f"--dev {dev} --test {test}: of {len(count)} speakers {len(order)} have two utterances or more; "
            "those are what dev and test take, and one at least is to be left to train"
        )
    chosen = {"test": set(order[:test]), "dev": set(order[test : test + dev])}
    chosen["train"] = set(count) - chosen["test"] - chosen["dev"]
    return {name: corpus.part(speakers) for name, speakers in chosen.items() if speakers}


def check_targets(folders: Iterable[Path]) -> None:
    """Raise for a folder that exists and is no data directory: nothing of anyone's is written over."""
    for folder in folders:
        if folder.name in ("", ".."):
            raise WespkError(f"{folder}: give the data directory a name of its own")
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise WespkError(f"{folder}: is a file or a link; give the name of a new folder")
        if folder.is_dir() and any(folder.iterdir()) and not (folder / "wav.scp").exists():
            raise WespkError(f"{folder}: exists and is no data directory; give the name of a new folder")


def publish(
    corpora: Mapping[Path, Corpus],
    out: Path,
    ledger: Corpus,
    record: Mapping[str, Any],
    *,
    overwrite: bool = False,
    trials: tuple[Iterable[str], Mapping[str, Iterable[str]]] | None = None,
) -> list[Path]:
    """Write each corpus to its folder, and the ledger and `corpus.json` to `out`; return the changed folders.

    A folder that holds the same data is left as it is, with its features. One that holds other data is
    replaced as a whole if `overwrite`, else refused before anything is changed. `trials` (lines, and the
    enrolment) go into the only folder.
    """
    check_targets(corpora)
    stage = out.with_name(f".{out.name}.preparing")
    shutil.rmtree(stage, ignore_errors=True)  # of a run that was killed
    try:
        staged = {}
        for number, (folder, corpus) in enumerate(corpora.items()):
            staged[folder] = stage / str(number)
            write_data_dir(staged[folder], corpus.wav, corpus.utt2spk, **corpus.tables)
            if trials is not None:
                _write_trials(staged[folder], *trials)
            if folder == out:
                _write_records(staged[folder], ledger, record)
        changed = [folder for folder in corpora if not _same(staged[folder], folder)]
        taken = [folder for folder in changed if (folder / "wav.scp").exists()]
        if taken and not overwrite:
            raise WespkError(
                f"{taken[0]}: holds other data, and what was made of them; --overwrite replaces it"
            )
        for folder in changed:
            _replace(staged[folder], folder)
        _write_records(out, ledger, record)
        return changed
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _write_records(folder: Path, ledger: Corpus, record: Mapping[str, Any]) -> None:
    ledger.unused.write(folder / LEDGER)
    write_json(folder / RECORD, record)


def _write_trials(folder: Path, lines: Iterable[str], enrolment: Mapping[str, Iterable[str]]) -> None:
    with open(folder / "trials", "w", encoding="utf-8") as stream:
        stream.writelines(lines)
    text = "".join(f"{model} {' '.join(sorted(enrolment[model]))}\n" for model in sorted(enrolment))
    (folder / "enrol").write_text(text, encoding="utf-8")


def _same(one: Path, other: Path) -> bool:
    """Compare the tables that make the data; a list of trials counts only where `one` has it."""
    for name in COMPARED:
        if not (one / name).exists() and name in ("trials", "enrol"):
            continue
        if _content(one / name) != _content(other / name):
            return False
    return True


def _content(path: PathLike) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return None


def _replace(staged: Path, folder: Path) -> None:
    """Rename a finished folder to its name; what was there has another name for that moment."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    old = folder.with_name(f".{folder.name}.replaced")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        os.rename(folder, old)
    os.rename(staged, folder)
    shutil.rmtree(old, ignore_errors=True)
