"""Who speaks on the two sides of each trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wespk.core.errors import WespkError
from wespk.core.files import PathLike
from wespk.data.tables import read_table
from wespk.data.trials import LABELS, Trials, read_enrolment


@dataclass(frozen=True)
class SpeakerTables:
    """Where speakers are looked up: utt2spk or spk2utt, and the list that enrols the models, if any."""

    utt2spk: Path
    enrol: Path | None

    @staticmethod
    def beside(
        trials: PathLike, utt2spk: PathLike | None = None, enrol: PathLike | None = None
    ) -> SpeakerTables | None:
        """Return the tables given, or else those in the folder of the trial list; None without speakers.

        There the list `trials_3` has the enrolment list `enrol_3`.
        """
        trials = Path(trials)
        found = [trials.with_name(name) for name in ("utt2spk", "spk2utt")]
        table = Path(utt2spk) if utt2spk else next((path for path in found if path.is_file()), None)
        if table is None:
            return None
        return SpeakerTables(table, Path(enrol) if enrol else enrolment_beside(trials))

    def read_utterances(self) -> dict[str, str]:
        """Return the speaker of each utterance."""
        if not self.utt2spk.name.startswith("spk2utt"):
            return read_table(self.utt2spk)
        return {utt: spk for spk, utts in read_enrolment(self.utt2spk).items() for utt in utts}


@dataclass(frozen=True, eq=False)
class TrialSpeakers:
    """The speakers `names` of K trials; `enrol` and `test` (K,) point into them."""

    tables: SpeakerTables
    names: list[str]
    enrol: np.ndarray
    test: np.ndarray

    def __str__(self) -> str:
        return f"{len(self.names)} speakers of {self.tables.utt2spk}"


def enrolment_beside(trials: Path) -> Path | None:
    """Return the enrolment list in the folder of a trial list, if there is one: `enrol_3` for `trials_3`."""
    suffix = trials.name.removeprefix("trials")
    path = trials.with_name(f"enrol{suffix}")
    return path if suffix != trials.name and path.is_file() else None


def speakers_of_trials(trials: Trials, tables: SpeakerTables) -> TrialSpeakers:
    """Look up the speakers of the trials; those who occur are numbered in order of appearance.

    A test-id is an utterance. An enrol-id is a model of the enrolment list, whose utterances must be of one
    speaker, or else an utterance, or else a speaker. Raises `WespkError` for an id that is none of these, and
    for labels that contradict the speakers.
    """
    utt2spk = tables.read_utterances()
    enrolment = read_enrolment(tables.enrol) if tables.enrol else {}
    known = set(utt2spk.values())
    enrol = [_speaker_of_model(model, enrolment, utt2spk, known, tables) for model in trials.enrol_ids]
    test = [utt2spk.get(utt) for utt in trials.test_ids]
    for side, ids, found in (("enrol-id", trials.enrol_ids, enrol), ("test-id", trials.test_ids, test)):
        unknown = [key for key, spk in zip(ids, found, strict=True) if spk is None]
        if unknown:
            raise WespkError(
                f"{tables.utt2spk}: no speaker of {side} '{unknown[0]}' of {trials.source} ({len(unknown)} "
                f"of {len(ids)} have none); name the tables by --utt2spk and --enrol, or evaluate without "
                "speakers by --draws 0"
            )
    names = list(dict.fromkeys(str(spk) for spk in [*enrol, *test]))
    number = {spk: index for index, spk in enumerate(names)}
    of_enrol, of_test = (np.array([number[str(spk)] for spk in side]) for side in (enrol, test))
    speakers = TrialSpeakers(tables, names, of_enrol[trials.enrol_index], of_test[trials.test_index])
    _refuse_contradictions(trials, speakers)
    return speakers


def audio_names(folder: Path, utts: Sequence[str]) -> dict[str, str]:
    """Return what wav.scp of a data directory says of utterances, "" where it says nothing or a command."""
    if not (folder / "wav.scp").is_file():
        return dict.fromkeys(utts, "")
    wav = read_table(folder / "wav.scp")
    segments = read_table(folder / "segments") if (folder / "segments").is_file() else {}
    recordings = {utt: segments[utt].split()[0] if utt in segments else utt for utt in utts}
    audio = {utt: wav.get(name, "") for utt, name in recordings.items()}
    return {utt: "" if name.endswith("|") else name for utt, name in audio.items()}


def _speaker_of_model(
    model: str,
    enrolment: Mapping[str, Sequence[str]],
    utt2spk: Mapping[str, str],
    known: set[str],
    tables: SpeakerTables,
) -> str | None:
    if model not in enrolment:
        return utt2spk.get(model, model if model in known else None)
    found = {utt: utt2spk[utt] for utt in enrolment[model] if utt in utt2spk}
    if len(found) < len(set(enrolment[model])):
        return None
    if len(set(found.values())) > 1:
        shown = ", ".join(f"{utt} of {spk}" for utt, spk in list(found.items())[:3])
        raise WespkError(
            f"{tables.enrol}: '{model}' is enrolled from several speakers ({shown}); mend the list"
        )
    return next(iter(found.values()))


def _refuse_contradictions(trials: Trials, speakers: TrialSpeakers) -> None:
    wrong = np.flatnonzero((speakers.enrol == speakers.test) != trials.is_same_speaker)
    if not len(wrong):
        return
    first = wrong[0]
    pair = f"{trials.enrol_ids[trials.enrol_index[first]]} {trials.test_ids[trials.test_index[first]]}"
    who = [speakers.names[side[first]] for side in (speakers.enrol, speakers.test)]
    raise WespkError(
        f"{trials.source}: '{pair}' is labelled {LABELS[trials.kind[first]]}, but its speakers are "
        f"{who[0]} and {who[1]} by {speakers.tables.utt2spk} ({len(wrong)} labels contradict it); mend one"
    )
