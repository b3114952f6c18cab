"""Trial lists and enrolment lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from wespk.core.errors import WespkError
from wespk.core.files import PathLike
from wespk.data.pair_lines import IdNumbers, PairLines, numbers_of, read_pair_lines, shown
from wespk.data.pair_set import PairSet, Repeat
from wespk.data.tables import read_table, unfit_character

LABELS = ("nontarget", "target", "target-wrong", "impostor-correct", "impostor-wrong")
SAME_SPEAKER = np.array([False, True, True, False, False])  # by kind, which is the place in LABELS
TARGET = LABELS.index("target")
FORM = "enrol-id test-id target|nontarget"
KIND_OF = {label.encode(): kind for kind, label in enumerate(LABELS)} | {b"target-correct": TARGET}


@dataclass(frozen=True)
class Trials:
    """A trial list: K pairs of an enrolled model and a test utterance, by index into their ids.

    `enrol_index` and `test_index` have shape (K,) and point into `enrol_ids` and `test_ids`, which are
    unique and in order of appearance; `is_target` has shape (K,). `kind` (K,) is the place of the label in
    `LABELS`: of a text-dependent list it tells who spoke (the target speaker or an impostor) and whether the
    phrase was the right one; only the target speaker with the right phrase is a target. Without it, it
    follows from `is_target`.
    """

    source: str
    enrol_ids: list[str]
    test_ids: list[str]
    enrol_index: np.ndarray
    test_index: np.ndarray
    is_target: np.ndarray
    kind: np.ndarray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.kind is None:
            object.__setattr__(self, "kind", self.is_target.astype(np.int8))

    def __len__(self) -> int:
        return len(self.is_target)

    def __str__(self) -> str:
        counts = np.bincount(self.kind, minlength=len(LABELS)).tolist()
        others = ", ".join(f"{n} {label}" for n, label in zip(counts[2:], LABELS[2:], strict=True) if n)
        nontargets = len(self) - counts[TARGET]
        text = f"{self.source}: {counts[TARGET]} target and {nontargets} nontarget trials"
        return f"{text} ({others})" if others else text

    @property
    def pair_codes(self) -> np.ndarray:
        """One int64 a trial, unique to its pair, shape (K,)."""
        return self.enrol_index.astype(np.int64) * len(self.test_ids) + self.test_index

    @property
    def is_same_speaker(self) -> np.ndarray:
        """Whether the speaker to be verified is the one who speaks, whatever is said, (K,) booleans."""
        return SAME_SPEAKER[self.kind]


def read_trials(path: PathLike, *, allow_duplicates: bool = False) -> Trials:
    """Read `enrol-id test-id label` lines, the label one of `LABELS` (or target-correct, which is target).

    Raises `WespkError` with file and line for a malformed line, an unknown label or, unless they are allowed,
    a duplicate pair.
    """
    reader = iter_trials(path, allow_duplicates=allow_duplicates)
    blocks = [(block.enrol_index, block.test_index, block.kind) for block in reader]
    enrol, test, kind = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return Trials(str(path), reader.enrol_ids, reader.test_ids, enrol, test, kind == TARGET, kind)


@dataclass(frozen=True)
class TrialBlock:
    """Some trials, k of them, in the order of the file: indices and kinds as those of `Trials`, (k,) each.

    `first_line` is the number of the first one's line, from 1.
    """

    enrol_index: np.ndarray
    test_index: np.ndarray
    kind: np.ndarray
    first_line: int


def iter_trials(path: PathLike, *, allow_duplicates: bool = False) -> TrialReader:
    """Return what yields a trial list in blocks of `TrialBlock`; memory does not grow with the trials.

    It raises what `read_trials` does. What finding duplicates takes, `PairSet` says.
    """
    return TrialReader(path, allow_duplicates)


class TrialReader:
    """Reads a trial list once, in blocks, and numbers the ids in the order in which they appear.

    The ids of the blocks that have been yielded stand in `enrol_ids` and `test_ids`.
    """

    def __init__(self, path: PathLike, allow_duplicates: bool = False, labelled: bool = True) -> None:
        self.path = path
        self.labelled = labelled
        self._enrol, self._test = IdNumbers(), IdNumbers()
        self._seen = None if allow_duplicates else PairSet()

    @property
    def enrol_ids(self) -> list[str]:
        """The ids of the enrolled models so far."""
        return self._enrol.ids

    @property
    def test_ids(self) -> list[str]:
        """The ids of the test utterances so far."""
        return self._test.ids

    def __iter__(self) -> Iterator[TrialBlock]:
        for lines, enrol_index, test_index in self.lines():
            yield TrialBlock(enrol_index, test_index, self.kinds(lines), lines.first_line)

    def lines(self) -> Iterator[tuple[PairLines, np.ndarray, np.ndarray]]:
        """Yield lines with the indices of their two ids, (k,) each; labels are left as they are."""
        for lines in read_pair_lines(self.path, FORM, (3,) if self.labelled else (2, 3)):
            enrol = self._enrol.number(lines.enrol, self.path, lines.first_line)
            test = self._test.number(lines.test, self.path, lines.first_line)
            if self._seen is not None:
                self._refuse(self._seen.add(enrol, test))
            yield lines, enrol, test
        if self._seen is not None:
            self._refuse(self._seen.finish())

    def kinds(self, lines: PairLines) -> np.ndarray:
        """Return the places of the lines' labels in `LABELS`, (k,) int8."""
        try:
            return numbers_of(lines.last, KIND_OF, (), np.int8)
        except KeyError as error:
            line = lines.first_line + lines.last.index(error.args[0])
            raise WespkError(
                f"{self.path}:{line}: label '{shown(error.args[0])}' is neither target nor nontarget, "
                f"nor one of {', '.join(LABELS[2:])}"
            ) from None

    def _refuse(self, repeat: Repeat | None) -> None:
        if repeat is not None:
            pair = f"{self.enrol_ids[repeat.enrol]} {self.test_ids[repeat.test]}"
            raise WespkError(f"{self.path}:{repeat.position + 1}: duplicate trial '{pair}'")


def read_enrolment(path: PathLike, *, allow_repeats: bool = False) -> dict[str, list[str]]:
    """Read an enrolment list, `model-id utt utt ...`, into model -> utterances.

    Raises `WespkError` for an empty list, an id with an unfit character and, unless they are allowed, a model
    that has an utterance twice, which would weigh twice in its average and count twice in PLDA.
    """
    enrolment: dict[str, list[str]] = {}
    for line, (model, text) in enumerate(read_table(path).items(), 1):
        unfit = unfit_character(text.replace(" ", ""))
        if unfit:
            raise WespkError(
                f"{path}:{line}: an utterance of '{model}' holds the character {unfit!r}; rename it"
            )
        utts = enrolment[model] = text.split()
        if len(set(utts)) < len(utts) and not allow_repeats:
            twice = next(utt for utt in utts if utts.count(utt) > 1)
            raise WespkError(f"{path}:{line}: '{model}' has '{twice}' twice; name each utterance once")
    if not enrolment:
        raise WespkError(f"{path}: is empty; expected lines `model-id utt utt ...`")
    return enrolment


def flat_enrolment(models: Iterable[Sequence[str]]) -> tuple[list[str], np.ndarray]:
    """Return the utterances of all models in one list, and the number of the model of each, from 0."""
    lists = list(models)
    utts = [utt for each in lists for utt in each]
    return utts, np.repeat(np.arange(len(lists)), [len(each) for each in lists])
