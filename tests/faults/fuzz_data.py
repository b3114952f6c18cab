"""Damaged data directories: checked, repaired, computed on; nothing is lost without being named."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from fuzz_bytes import Random
from fuzz_case import Case, attempt, contents, is_untouched, kind_of, law, pick
from fuzz_mutate import mutate_place, mutate_text, without_pipes

from wespk.data.audio import AudioError
from wespk.data.audio_check import check_audio
from wespk.data.data_tables import read_tables, write_data
from wespk.data.datadir import DataDir, load_data_dir, load_features
from wespk.data.datadir_ops import combine, prefix_speakers, restrict
from wespk.data.durations import read_durations
from wespk.data.fix import Fix, fix_data_dir
from wespk.data.layout import table_names
from wespk.data.loose_tables import read_loose
from wespk.data.selection import split_by_speaker
from wespk.data.stats import data_stats
from wespk.data.tables import read_table

# Reasons about a line of another table, or about a recording that has an utterance's name.
STAYS = ("line removed: ", "of no utterance: ")


def prepare(rng: Random, folder: Path) -> Case:
    """Damage one to three files of a data directory."""
    base = pick(rng, sorted(Path("base/data").iterdir()))
    place = folder / "data"
    shutil.copytree(base, place)
    names = sorted(path.name for path in place.iterdir() if path.suffix != ".ark")
    untouched = is_untouched(rng)
    made = [] if not untouched else ["nothing"]
    for _ in range(0 if untouched else int(rng.choice([1, 1, 2, 3]))):
        path = place / pick(rng, names)
        if not path.is_file() or path.is_symlink():
            continue
        if rng.random() < 0.12:
            made.append(f"{path.name}: {mutate_place(rng, path)}")
            continue
        data, done = mutate_text(rng, path.read_bytes(), lambda: (base / pick(rng, names)).read_bytes())
        path.write_bytes(without_pipes(data) if path.name == "wav.scp" else data)
        made += [f"{path.name}: {what}" for what in done]
    spk_sort = bool(rng.random() < 0.8)

    def check() -> str:
        refusal = _check(place, spk_sort)
        law(not (untouched and refusal), f"an undamaged {base} is valid, not refused ({refusal})")
        return refusal

    return Case(str(base), made, check)


def _check(place: Path, spk_sort: bool) -> str:
    before = contents(place)
    names = [str(place)]
    loaded = attempt(lambda: load_data_dir(place, spk_sort=spk_sort), names)
    if loaded.value is not None:
        _check_use(loaded.value, spk_sort)
    law(contents(place) == before, "reading has changed the directory")
    tables = attempt(lambda: {name: read_loose(place / name) for name in table_names(place)})
    fixed = attempt(lambda: fix_data_dir(place, spk_sort=spk_sort), names)
    if fixed.value is None:
        law(contents(place) == before, f"a repair that gave up has changed the directory: {fixed.refusal}")
        return loaded.refusal
    law(tables.value is not None, f"a directory is repaired whose tables cannot be read: {tables.refusal}")
    _check_fix(place, fixed.value, {name: {*t.rows, *t.faults} for name, t in tables.value.items()})
    if loaded.accepted:
        whole = not fixed.value.changed and not fixed.value.set_aside
        law(whole or fixed.value.data.utt2spk == loaded.value.utt2spk, "repair changes what is valid")
    again = attempt(lambda: fix_data_dir(place, spk_sort=spk_sort), names)
    law(again.value is not None and not again.value.changed, f"a second repair changes {again}")
    return loaded.refusal and f"repaired: {loaded.refusal}"


def _check_fix(place: Path, fix: Fix, ids: Mapping[str, set[str]]) -> None:
    """Each id that there was in a table is kept or listed with a reason, and the rules are kept."""
    kept, utts = fix.data.utterances, ids["utt2spk"]
    for name, before in ids.items():
        left = read_table(place / name, value_required=False) if (place / name).exists() else {}
        lost = before - set(left) - set(fix.dropped.reasons)
        law(not lost or name in fix.set_aside, f"{name}: lost without a word: {sorted(lost)[:3]}")
    law(fix.before == len(utts), f"{fix.before} utterances before, where utt2spk names {len(utts)}")
    law(set(kept) <= utts, "utterances from nowhere")
    reasons = {utt: fix.dropped.reasons.get(utt, STAYS[0]) for utt in kept}
    both = [utt for utt, reason in reasons.items() if not reason.startswith(STAYS)]
    law(not both, f"both kept and dropped: {both[:3]}")
    law(all(fix.dropped.reasons.values()), "a reason for everything that is dropped")
    for name in ("utt2spk", "wav.scp", "spk2utt"):
        lines = (place / name).read_bytes().split(b"\n")
        keys = [line.partition(b" ")[0] for line in lines[:-1]]
        law(lines[-1] == b"" and keys == sorted(set(keys)) and all(keys), f"{name} is no sorted table")
    pairs = [(utt, spk) for utt, spk in fix.data.utt2spk.items()]
    inverse = [line.split(" ") for line in (place / "spk2utt").read_text("utf-8").split("\n")[:-1]]
    law(sorted((u, s) for s, *us in inverse for u in us) == sorted(pairs), "spk2utt is not the inverse")


def _check_use(data: DataDir, spk_sort: bool) -> None:
    """Operations on a valid directory account for its utterances."""
    law(data.utterances and set(data.utt2spk.values()) == set(data.speakers) and str(data), "a directory")
    features = attempt(lambda: load_features(data), [str(data.path)])
    if features.value is not None:
        law(set(features.value) <= set(data.utt2spk), "features of no utterance")
    durations = attempt(lambda: read_durations(data), [str(data.path)])
    if durations.value is not None:
        known, unknown = durations.value.seconds, durations.value.unknown
        law({*known, *unknown.reasons} >= set(data.utt2spk), "neither a duration nor a reason")
        stats = attempt(lambda: data_stats(data, durations.value))
        law(stats.accepted, f"no figures of a valid directory: {stats.refusal}")
    rejections = check_audio(data, 16000)
    for utt, reason in rejections.reasons.items():
        law(utt in data.utt2spk and ":" in reason, f"a rejection: {utt} {reason}")
    attempt(lambda: data.audio(data.utterances[0], 8000), refusals=AudioError, kind=kind_of)
    _check_operations(data, spk_sort)


def _check_operations(data: DataDir, spk_sort: bool) -> None:
    tables = attempt(lambda: read_tables(data.path, spk_sort=spk_sort), [str(data.path)])
    if tables.value is None or len(data.speakers) < 2:
        return
    parts = split_by_speaker(data.utt2spk, 2)
    law(sorted(utt for part in parts for utt in part) == sorted(data.utterances), "a split loses some")

    def rejoin() -> DataDir:
        joined, _ = combine([restrict(tables.value, part) for part in parts])
        return write_data(data.path.with_name("joined"), joined, spk_sort=spk_sort)

    joined = attempt(rejoin)
    if joined.value is not None:
        law(joined.value.utt2spk == data.utt2spk, "parts that are joined are the whole")
    attempt(lambda: prefix_speakers(tables.value))
