"""Score files: `enrol-id test-id score` lines, one a trial."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, atomic_path
from wespk.data.pair_lines import numbers_of, read_pair_lines, shown
from wespk.data.trials import Trials

FORM = "enrol-id test-id score"
LINES_AT_ONCE = 1 << 14  # while a file is written


def write_scores(path: PathLike, trials: Trials, scores: np.ndarray) -> None:
    """Write `enrol-id test-id score` lines in the order of the trial list, atomically.

    `scores` has shape (K,) and is written with seven significant digits. Raises `WespkError` for one that is
    not finite.
    """
    if len(scores) != len(trials):
        raise ValueError(f"{len(scores)} scores for {len(trials)} trials")
    unfit = np.flatnonzero(~np.isfinite(scores))
    if len(unfit):
        first = unfit[0]
        raise WespkError(
            f"{path}: {len(unfit)} scores are not finite, first that of "
            f"'{_pair(trials, first)}' ({scores[first]}); nothing is written"
        )
    starts = [b"%b " % _escaped(each) for each in trials.enrol_ids]
    ends = [b"%b %%.7g\n" % _escaped(each) for each in trials.test_ids]
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        for start in range(0, len(scores), LINES_AT_ONCE):
            part = slice(start, start + LINES_AT_ONCE)
            pieces = [b""] * (2 * len(scores[part]))
            pieces[0::2] = map(starts.__getitem__, trials.enrol_index[part].tolist())
            pieces[1::2] = map(ends.__getitem__, trials.test_index[part].tolist())
            # One format of many numbers takes half the time of many formats of one.
            stream.write(b"".join(pieces) % tuple(scores[part].tolist()))


def read_scores(path: PathLike, trials: Trials, *, allow_missing: bool = False) -> np.ndarray:
    """Return the scores of a score file in the order of `trials`, float64, shape (K,).

    Raises `WespkError` for a trial without score (NaN, if they are allowed), a score without trial, a
    duplicate, or a score that is not a finite number.
    """
    codes, scores = _read(path, trials)
    wanted = trials.pair_codes
    if np.array_equal(codes, wanted):
        return scores
    order = np.argsort(codes, kind="stable")
    codes, scores = codes[order], scores[order]
    _refuse_duplicates(path, trials, codes, scores, order)
    place = np.argsort(wanted, kind="stable")
    found = np.searchsorted(codes, wanted[place]).clip(max=len(codes) - 1)
    known = codes[found] == wanted[place]
    if int(known.sum()) < len(codes):
        raise WespkError(
            f"{path}: {len(codes)} scores for {len(wanted)} trials of {trials.source}, "
            f"{len(codes) - int(known.sum())} of them for no trial; score again"
        )
    result = np.full(len(wanted), np.nan)
    result[place[known]] = scores[found[known]]
    missing = np.flatnonzero(np.isnan(result))
    if len(missing) and not allow_missing:
        raise WespkError(
            f"{path}: {len(missing)} trials of {trials.source} have no score, "
            f"first '{_pair(trials, missing[0])}'; score again, or see --allow-missing"
        )
    return result


def parse_scores(path: PathLike, texts: Sequence[bytes], first_line: int) -> np.ndarray:
    """Return the numbers that stand on some lines of a score file, (k,) float64.

    Raises `WespkError` with file and line for one that is not a finite number.
    """
    try:
        scores = np.fromiter(map(float, texts), dtype=np.float64, count=len(texts))
    except ValueError:
        bad = next(number for number, text in enumerate(texts) if not _is_number(text))
        raise WespkError(f"{path}:{first_line + bad}: score '{shown(texts[bad])}' is not a number") from None
    if not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores)).argmax())
        raise WespkError(f"{path}:{first_line + bad}: score '{shown(texts[bad])}' is not finite")
    return scores


def _read(path: PathLike, trials: Trials) -> tuple[np.ndarray, np.ndarray]:
    """Return the pair code and the score of each line."""
    models, tests = ([each.encode() for each in ids] for ids in (trials.enrol_ids, trials.test_ids))
    model_number, test_number = ({each: n for n, each in enumerate(ids)} for ids in (models, tests))

    def look_up(words: list[bytes], number: dict[bytes, int], known: list[bytes], line: int) -> np.ndarray:
        try:
            return numbers_of(words, number, known, np.int64)
        except KeyError as error:
            where = f"{path}:{line + words.index(error.args[0])}"
            unknown = shown(error.args[0])
            raise WespkError(f"{where}: '{unknown}' is in no trial of {trials.source}; score again") from None

    codes, scores = [], []
    for lines in read_pair_lines(path, FORM):
        scores.append(parse_scores(path, lines.last, lines.first_line))
        enrol = look_up(lines.enrol, model_number, models, lines.first_line)
        test = look_up(lines.test, test_number, tests, lines.first_line)
        codes.append(enrol * len(tests) + test)
    return np.concatenate(codes), np.concatenate(scores)


def _refuse_duplicates(
    path: PathLike, trials: Trials, codes: np.ndarray, scores: np.ndarray, order: np.ndarray
) -> None:
    """Raise for the first line of a pair that was there before.

    `codes` and `scores` are sorted by code, and `order` says from which line each comes.
    """
    again = np.flatnonzero(codes[1:] == codes[:-1]) + 1
    if len(again):
        at = again[order[again].argmin()]
        enrol, test = divmod(int(codes[at]), len(trials.test_ids))
        same = "the same score as" if scores[at] == scores[at - 1] else "another score than"
        raise WespkError(
            f"{path}:{order[at] + 1}: duplicate trial '{trials.enrol_ids[enrol]} {trials.test_ids[test]}', "
            f"with {same} in line {order[at - 1] + 1}"
        )


def _escaped(name: str) -> bytes:
    return name.encode().replace(b"%", b"%%")


def _pair(trials: Trials, position: int) -> str:
    return f"{trials.enrol_ids[trials.enrol_index[position]]} {trials.test_ids[trials.test_index[position]]}"


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
