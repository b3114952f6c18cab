"""Turning the items of a corpus into the tables of a data directory, by names and by audio headers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wespk.core.errors import WespkError
from wespk.core.rejections import Rejections
from wespk.data.audio import AudioInfo
from wespk.data.prepare.genders import complete_genders, genders_of_items, read_genders
from wespk.data.prepare.headers import Headers, audio_notes, judge_audio, read_headers
from wespk.data.prepare.ids import Names, name_items
from wespk.data.prepare.items import Found, Item, faults, settle

SHOWN = 10  # faults on the screen where no ledger is written

Table = dict[str, str]


@dataclass(frozen=True)
class Corpus:
    """The tables of a data directory, in memory.

    `tables` holds the optional ones by name: utt2dur and reco2dur, and segments, spk2gender and text where
    they are known. `unused` is the ledger: `found` items are the utterances and those in it.
    """

    wav: Table
    utt2spk: Table
    tables: dict[str, Table]
    unused: Rejections
    found: int
    notes: Sequence[str] = ()
    utterance_of: Mapping[str, str] = field(default_factory=dict)  # by `Item.where`

    @property
    def hours(self) -> float:
        """Duration of all utterances."""
        return sum(map(float, self.tables["utt2dur"].values())) / 3600

    @property
    def speakers(self) -> list[str]:
        """Speaker ids in byte order."""
        return sorted(set(self.utt2spk.values()))

    def summary(self, name: str) -> str:
        """Return a line with the counts."""
        long = f"{self.hours:.2f} h" if self.hours >= 0.1 else f"{60 * self.hours:.1f} min"
        return f"{name}: {len(self.utt2spk)} utterances of {len(self.speakers)} speakers, {long}"

    def counts(self) -> str:
        """Return what the items found have become, by kinds."""
        kinds = Counter(reason.split(":")[0] for reason in self.unused.reasons.values())
        detail = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        return f"{self.found} found = {len(self.utt2spk)} utterances + {len(self.unused)} not used" + (
            f" ({detail})" if detail else ""
        )

    def part(self, speakers: Iterable[str]) -> Corpus:
        """Return the part with these speakers only. The ledger stays with the whole."""
        chosen = set(speakers)
        utt2spk = {utt: spk for utt, spk in self.utt2spk.items() if spk in chosen}
        segments = self.tables.get("segments")
        used = {segments[utt].split()[0] for utt in utt2spk} if segments else set(utt2spk)
        keys: dict[str, set[str]] = {"spk2gender": chosen, "reco2dur": used}
        tables = {
            name: {key: value for key, value in table.items() if key in keys.get(name, utt2spk)}
            for name, table in self.tables.items()
        }
        wav = {reco: path for reco, path in self.wav.items() if reco in used}
        return Corpus(wav, utt2spk, tables, Rejections(), len(utt2spk))


def make_corpus(
    found: Found,
    *,
    genders: Path | None = None,
    nj: int = 4,
    max_rejected: float = 0.01,
    say: Callable[[str], None] = print,
) -> Corpus:
    """Name the items, read the headers of their audio, and return the tables.

    Ids do not depend on what the audio is like, so that a file that is mended changes no other's id. Raises
    `WespkError` for names that meet in one id, for one recording of two speakers, when no utterance is left,
    and, after saying which, when more than `max_rejected` (a count, or a fraction if below 1) of the
    recordings cannot be used.
    """
    settle(found)
    names = name_items(found.items, found.from_folder)
    told = read_genders(genders) if genders else genders_of_items(found.items, names.speakers)
    named = found.items
    headers = read_headers(list(dict.fromkeys(item.path for item in named)), nj)
    found.keep(list(judge_audio(named, headers)))
    found.reconcile()
    _enforce(found, max_rejected, say)

    wav, utt2spk, tables = _tables(found.items, named, names, headers)
    tables["spk2gender"], gender_notes = complete_genders(told, list(dict.fromkeys(utt2spk.values())))
    notes = [*found.notes, *names.notes, *gender_notes, *_renamed(named, names)]
    used = {item.path: headers[item.path] for item in found.items}
    notes += audio_notes(header for header in used.values() if isinstance(header, AudioInfo))
    return Corpus(
        wav,
        utt2spk,
        {name: table for name, table in tables.items() if table},
        found.unused,
        found.total,
        notes,
        {item.where: utt for item, utt in zip(named, names.utterances, strict=True) if utt in utt2spk},
    )


def seconds_text(seconds: float) -> str:
    """Return a time for a table, to the microsecond, without zeros at its end."""
    return f"{seconds:.6f}".rstrip("0").rstrip(".")


def _tables(
    items: Sequence[Item], named: Sequence[Item], names: Names, headers: Headers
) -> tuple[Table, Table, dict[str, Table]]:
    """Return wav.scp, utt2spk and the optional tables of the items among those that were named."""
    kept = {item.where for item in items}
    wav: Table = {}
    utt2spk: Table = {}
    tables: dict[str, Table] = {name: {} for name in ("utt2dur", "reco2dur", "segments", "text")}
    for item, spk, utt, reco in zip(named, names.speakers, names.utterances, names.recordings, strict=True):
        header = headers[item.path]
        if item.where not in kept or not isinstance(header, AudioInfo):
            continue
        utt2spk[utt], wav[reco] = spk, item.path
        start, end = item.start or 0.0, header.seconds
        if item.end is not None:
            end = min(item.end, end)
            tables["segments"][utt] = f"{reco} {seconds_text(start)} {seconds_text(end)}"
        tables["reco2dur"][reco] = seconds_text(header.seconds)
        tables["utt2dur"][utt] = seconds_text(end - start)
        if item.text is not None:
            tables["text"][utt] = item.text
    return wav, utt2spk, tables


def _enforce(found: Found, max_rejected: float, say: Callable[[str], None]) -> None:
    wrong = faults(found.unused)
    total = len(found.items) + len(wrong)
    try:
        wrong.enforce("recordings", total, max_rejected)
        if not found.items:
            raise WespkError(f"none of {total} recordings can be used; the lines above say why")
    except WespkError:
        for item, reason in list(wrong.reasons.items())[:SHOWN]:
            say(f"  {item}: {reason}")
        if len(wrong) > SHOWN:
            say(f"  and {len(wrong) - SHOWN} more")
        raise


def _renamed(items: Sequence[Item], names: Names) -> list[str]:
    changed = {
        item.speaker: spk for item, spk in zip(items, names.speakers, strict=True) if item.speaker != spk
    }
    if not changed:
        return []
    before, after = next(iter(changed.items()))
    return [f"{len(changed)} speaker(s) have another id than name, first {before!r}: '{after}'"]
