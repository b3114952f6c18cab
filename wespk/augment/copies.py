"""Augmented copies of a data directory: new recordings, new ids, the tables that go along."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from wespk.augment.augmenter import Augmenter
from wespk.augment.options import AugmentOptions, Kind
from wespk.augment.speed import check_factor, sped_id
from wespk.core.errors import WespkError
from wespk.core.files import digest, write_json
from wespk.data.audio import AudioOptions
from wespk.data.datadir import DataDir, write_data_dir
from wespk.data.jobs import Job
from wespk.data.layout import key_kind, table_names
from wespk.data.tables import read_table, unfit_character
from wespk.data.wav_ark import WavPiece, merge_wav_jobs

LEDGER = "not_augmented.txt"  # rejected.txt is the features' own
RECORD = "wav.json"  # says that the directory was made here, and how
# These describe the samples as they were.
LEFT_BEHIND = {"wav.scp", "segments", "utt2spk", "feats.scp", "vad.scp", "cmvn.scp"} | {
    "utt2dur",
    "utt2num_frames",
    "utt2augment",
    "utt2uniq",
}


@dataclass(frozen=True)
class Copies:
    """One augmented copy of each utterance of `source`, or with `factors` (of kind speed) one for each.

    What happens to an utterance depends on the seed, the kind and its id, not on the others nor on the jobs.
    A copy is a recording of its own, also where `source` has segments. Copies at other speeds belong to new
    speakers, ``sp0.9-SPEAKER``; others keep theirs and get a suffix, ``UTT-noise``.
    """

    source: DataDir
    out: Path
    kind: Kind
    options: AugmentOptions
    audio: AudioOptions
    seed: int = 0
    suffix: str = ""
    factors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.out.exists() and self.out.resolve() == self.source.path.resolve():
            raise WespkError(f"{self.out}: is the source itself; name another directory for the copies")
        if (self.out / "wav.scp").exists() and not (self.out / RECORD).exists():
            raise WespkError(f"{self.out}: is a data directory of another origin; name a new one")
        if unfit_character(self.suffix) or not (self.suffix or self.factors):
            raise WespkError(
                f"--suffix {self.suffix!r}: write some letters, without spaces, for the ids' end"
            )
        for factor in self.factors:
            check_factor(float(factor))
            if float(factor) == 1:
                raise WespkError(f"factor {factor}: that is the original; join it with `wespk combine-data`")
        clash = next((new for new in self.origin if new in self.source.utt2spk), None)
        if clash:
            raise WespkError(
                f"'{clash}' is already an utterance of {self.source.path}; give another --suffix"
            )

    @cached_property
    def origin(self) -> dict[str, tuple[str, str]]:
        """New id -> the utterance that it is a copy of, and its speed factor or ""."""
        if self.factors:
            return {sped_id(utt, f): (utt, f) for f in self.factors for utt in self.source.utterances}
        return {f"{utt}-{self.suffix}": (utt, "") for utt in self.source.utterances}

    def run(self, job: Job, track: Callable[[Iterable[str], int, str], Iterable[str]]) -> None:
        """Make one job's share of the copies."""
        augmenters = {"": Augmenter(self.options)}
        for factor in self.factors:
            one = self.options.model_copy(update={"speeds": (float(factor),)})
            augmenters[factor] = Augmenter(one)
        folders = augmenters[""].folders.values()

        def make(item: str) -> tuple[np.ndarray, str]:
            utt, factor = self.origin[item]
            samples = self.source.audio(utt, self.audio)
            random = np.random.default_rng(int(digest(str(self.seed), self.kind, utt), 16))
            made, facts = augmenters[factor].apply(self.kind, samples, self.audio.sample_rate, random)
            return made, json.dumps(facts)

        info = {
            **self._settings(),
            "sounds": digest(*(line for folder in folders for line in folder.stamps())),
        }
        WavPiece(self.out, list(self.origin), self.audio.sample_rate, info, self._stamp, make).run(job, track)

    def merge(self, max_rejected: float) -> str:
        """Check that all jobs' copies are there, write the data directory, return a line for the screen."""
        archive = merge_wav_jobs(self.out)
        if archive.locations.keys() | archive.rejections.reasons.keys() != self.origin.keys():
            raise WespkError(f"{self.out}: the jobs were run on other utterances; run all again")
        archive.rejections.write(self.out / LEDGER)
        archive.rejections.enforce(str(self.out), archive.total, max_rejected)
        if not archive.locations:
            raise WespkError(f"{self.out}: no utterance could be augmented; see {LEDGER}")
        made = [item for item in self.origin if item in archive.locations]
        write_json(self.out / RECORD, {**self._settings(), "items": len(made)})
        data = write_data_dir(
            self.out,
            archive.locations,
            {item: self._speaker(item) for item in made},
            utt2dur={item: f"{archive.seconds[item]:.3f}" for item in made},
            utt2augment=archive.notes,
            utt2uniq=self._originals(made),
            **self._tables(made),
        )
        hours = sum(archive.seconds.values()) / 3600
        told = f"{data}, {hours:.2f} h; {archive.rejections.summary(self.kind, archive.total)}"
        return told + (f"; {sum(archive.clipped.values())} samples clipped" if archive.clipped else "")

    def _settings(self) -> dict[str, object]:
        options, audio = (part.model_dump(mode="json") for part in (self.options, self.audio))
        return {"kind": self.kind, "seed": self.seed, "options": options, "audio": audio}

    def _stamp(self, item: str) -> str:
        return self.source.audio_stamp(self.origin[item][0])

    def _speaker(self, item: str) -> str:
        utt, factor = self.origin[item]
        spk = self.source.utt2spk[utt]
        return sped_id(spk, factor) if factor else spk

    def _originals(self, made: list[str]) -> dict[str, str]:
        """Copy -> original, also of a copy of a copy."""
        path = self.source.path / "utt2uniq"
        earlier = read_table(path) if path.exists() else {}
        return {item: earlier.get(utt, utt) for item in made for utt in [self.origin[item][0]]}

    def _tables(self, made: list[str]) -> dict[str, dict[str, str]]:
        """The source's other tables of utterances and of speakers, under the new ids."""
        tables: dict[str, dict[str, str]] = {}
        for name in table_names(self.source.path):
            kind = key_kind(name)
            if name in LEFT_BEHIND or kind == "recording":
                continue
            old = read_table(self.source.path / name, value_required=False)
            pairs = [
                (self._speaker(item), self.source.utt2spk[self.origin[item][0]])
                if kind == "speaker"
                else (item, self.origin[item][0])
                for item in made
            ]
            tables[name] = {new: old[key] for new, key in pairs if key in old}
        return tables
