"""Trial lists, enrolment lists and score files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, read_text, write_text
from wespk.data.tables import CONTROLS, UNFIT_BETWEEN, read_table, unfit_character

LABELS = ("nontarget", "target")
CONTROLS_BETWEEN = CONTROLS.replace(b"\r", b"")  # Windows line ends do no harm here


@dataclass(frozen=True)
class Trials:
    """A trial list: K pairs of an enrolled model and a test utterance, by index into their ids.

    `enrol_index` and `test_index` have shape (K,) and point into `enrol_ids` and `test_ids`, which are
    unique and in order of appearance; `is_target` has shape (K,).
    """

    source: str
    enrol_ids: list[str]
    test_ids: list[str]
    enrol_index: np.ndarray
    test_index: np.ndarray
    is_target: np.ndarray

    def __len__(self) -> int:
        return len(self.is_target)

    def __str__(self) -> str:
        targets = int(self.is_target.sum())
        return f"{self.source}: {targets} target and {len(self) - targets} nontarget trials"

    @property
    def pair_codes(self) -> np.ndarray:
        """One int64 a trial, unique to its pair, shape (K,)."""
        return self.enrol_index.astype(np.int64) * len(self.test_ids) + self.test_index


def read_trials(path: PathLike, *, allow_duplicates: bool = False) -> Trials:
    """Read `enrol-id test-id target|nontarget` lines.

    Raises `WespkError` with file and line for a malformed line, an unknown label or, unless they are allowed,
    a duplicate pair.
    """
    enrol, test, labels = _columns(path, "enrol-id test-id target|nontarget")
    unknown = set(labels) - set(LABELS)
    if unknown:
        line = next(number for number, label in enumerate(labels, 1) if label in unknown)
        raise WespkError(f"{path}:{line}: label '{labels[line - 1]}' is neither target nor nontarget")
    enrol_ids, enrol_index = _index(enrol)
    test_ids, test_index = _index(test)
    is_target = np.fromiter(map("target".__eq__, labels), dtype=bool, count=len(labels))
    trials = Trials(str(path), enrol_ids, test_ids, enrol_index, test_index, is_target)
    if not allow_duplicates:
        _refuse_duplicates(trials.pair_codes, enrol, test, path)
    return trials


def read_enrolment(path: PathLike) -> dict[str, list[str]]:
    """Read an enrolment list, `model-id utt utt ...`, into model -> utterances."""
    table = read_table(path)
    for model, utts in table.items():
        unfit = unfit_character(utts.replace(" ", ""))
        if unfit:
            raise WespkError(f"{path}: an utterance of '{model}' holds the character {unfit!r}; rename it")
    return {model: utts.split() for model, utts in table.items()}


def write_scores(path: PathLike, trials: Trials, scores: np.ndarray) -> None:
    """Write `enrol-id test-id score` lines in the order of the trial list, atomically."""
    enrol = map(trials.enrol_ids.__getitem__, trials.enrol_index.tolist())
    test = map(trials.test_ids.__getitem__, trials.test_index.tolist())
    write_text(path, "".join(map("%s %s %.7g\n".__mod__, zip(enrol, test, scores.tolist(), strict=True))))


def read_scores(path: PathLike, trials: Trials) -> np.ndarray:
    """Return the scores of a score file in the order of `trials`, float64, shape (K,).

    Raises `WespkError` for a trial without score, a score without trial, a duplicate, or a score that is
    not a finite number.
    """
    enrol, test, texts = _columns(path, "enrol-id test-id score")
    try:
        scores = np.array(texts, dtype=np.float64)
    except ValueError:
        line = next(number for number, text in enumerate(texts, 1) if not _is_number(text))
        raise WespkError(f"{path}:{line}: score '{texts[line - 1]}' is not a number") from None
    if not np.isfinite(scores).all():
        line = int((~np.isfinite(scores)).argmax()) + 1
        raise WespkError(f"{path}:{line}: score '{texts[line - 1]}' is not finite")
    enrol_index = _look_up(enrol, trials.enrol_ids, path, trials)
    test_index = _look_up(test, trials.test_ids, path, trials)
    codes = enrol_index * len(trials.test_ids) + test_index
    _refuse_duplicates(codes, enrol, test, path)
    if np.array_equal(codes, trials.pair_codes):
        return scores
    order = np.argsort(codes, kind="stable")
    wanted = trials.pair_codes
    place = np.searchsorted(codes[order], wanted).clip(max=len(codes) - 1)
    missing = codes[order][place] != wanted
    if missing.any():
        first = int(missing.argmax())
        pair = f"{trials.enrol_ids[trials.enrol_index[first]]} {trials.test_ids[trials.test_index[first]]}"
        raise WespkError(f"{path}: {missing.sum()} trials of {trials.source} have no score, first '{pair}'")
    if len(codes) > len(wanted):
        raise WespkError(
            f"{path}: {len(codes)} scores for {len(wanted)} trials of {trials.source}; score again"
        )
    return scores[order][place]


def _columns(path: PathLike, form: str) -> tuple[list[str], list[str], list[str]]:
    text = read_text(path)
    _refuse_unfit(path, text)
    lines = text.count("\n") + (not text.endswith("\n"))
    words = text.split()
    if not words:
        raise WespkError(f"{path}: is empty; expected lines `{form}`")
    if len(words) != 3 * lines or any(len(line.split()) != 3 for line in text.splitlines()):
        rows = enumerate(text.split("\n"), 1)
        line = next((number for number, row in rows if len(row.split()) != 3), lines)
        raise WespkError(f"{path}:{line}: expected `{form}`")
    return words[0::3], words[1::3], words[2::3]


def _refuse_unfit(path: PathLike, text: str) -> None:
    """Raise for a character that no id may hold: `split` would end a word at some of them."""
    data = text.encode()
    if text.isascii() and len(data) == len(data.translate(None, CONTROLS_BETWEEN)):
        return
    unfit = UNFIT_BETWEEN.search(text)
    if unfit:
        number = text.count("\n", 0, unfit.start()) + 1
        raise WespkError(f"{path}:{number}: an id may not hold the character {unfit[0]!r}; remove it")


def _index(keys: Sequence[str]) -> tuple[list[str], np.ndarray]:
    unique = list(dict.fromkeys(keys))
    return unique, _positions(keys, dict(zip(unique, range(len(unique)), strict=True)))


def _positions(keys: Sequence[str], position: Mapping[str, int]) -> np.ndarray:
    return np.fromiter(map(position.__getitem__, keys), dtype=np.int64, count=len(keys))


def _look_up(keys: Sequence[str], ids: Sequence[str], path: PathLike, trials: Trials) -> np.ndarray:
    try:
        return _positions(keys, {key: i for i, key in enumerate(ids)})
    except KeyError as error:
        line = keys.index(error.args[0]) + 1
        raise WespkError(
            f"{path}:{line}: '{error.args[0]}' is in no trial of {trials.source}; score again"
        ) from None


def _refuse_duplicates(codes: np.ndarray, enrol: Sequence[str], test: Sequence[str], path: PathLike) -> None:
    order = np.argsort(codes, kind="stable")
    repeated = np.flatnonzero(np.diff(codes[order]) == 0)
    if len(repeated):
        line = int(order[repeated + 1].min()) + 1
        raise WespkError(f"{path}:{line}: duplicate trial '{enrol[line - 1]} {test[line - 1]}'")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
