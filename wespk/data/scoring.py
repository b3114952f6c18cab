"""Scoring trial lists of any length, and reading them back with their scores: a block of lines at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, atomic_path, remove_stale
from wespk.core.progress import Ticker, clock
from wespk.data.pair_lines import PairLines, file_size, read_pair_lines, shown
from wespk.data.scores import FORM, parse_scores
from wespk.data.trials import KIND_OF, TrialReader

SAME = "both must list the same trials in the same order, to be read side by side"
ScoreBlock = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class ScoringSummary:
    """How many trials were scored, how many were left out for want of an embedding, and the time it took."""

    scored: int
    missing: int
    seconds: float

    def __str__(self) -> str:
        rate = self.scored / max(self.seconds, 1e-9)
        left_out = f", {self.missing} without embedding left out" if self.missing else ""
        return f"{self.scored} trials in {self.seconds:.1f} s ({rate:,.0f} a second){left_out}"


def score_trials(
    trials_path: PathLike,
    scores_path: PathLike,
    score_block: ScoreBlock,
    enrol_place: Mapping[str, int],
    test_place: Mapping[str, int],
    *,
    allow_missing: bool = False,
) -> ScoringSummary:
    """Score a trial list, with or without labels, into `enrol-id test-id score` lines in its order.

    `enrol_place` and `test_place` map ids to rows; `score_block` takes rows of models and of tests, (k,)
    each, and returns (k,) scores. The file appears when it is complete. Memory does not grow with the trials,
    except as `PairSet` says.

    Raises `WespkError` with file and line for a malformed list, a duplicate pair, a score that is not finite,
    and an id that the mappings do not have. If these are allowed, their trials are left out and listed in
    SCORES.missing, in the lines of the trial list; none being left is an error all the same.
    """
    start = time.monotonic()
    reader = TrialReader(trials_path, labelled=False)
    enrol_rows, test_rows = _Rows("enrol-id", enrol_place), _Rows("test-id", test_place)
    pace = _Pace(f"scoring {trials_path}", file_size(trials_path))
    missing_path = Path(f"{scores_path}.missing")
    if Path(scores_path).resolve() == Path(trials_path).resolve():
        raise WespkError(f"{scores_path}: is the trial list itself; name another file for the scores")
    scored = missing = 0
    first_missing = ""
    with ExitStack() as files:
        output = files.enter_context(_replacing(scores_path))
        left_out: BinaryIO | None = None
        for lines, enrol_index, test_index in reader.lines():
            if not KIND_OF.keys() >= set(lines.last):
                reader.kinds(lines)  # names the first unknown label
            enrol = enrol_rows.of(enrol_index, reader.enrol_ids)
            test = test_rows.of(test_index, reader.test_ids)
            known = (enrol >= 0) & (test >= 0)
            if not known.all():
                at = int(known.argmin())
                who = enrol_rows.unknown(lines.enrol[at]) or test_rows.unknown(lines.test[at])
                first_missing = first_missing or f"{trials_path}:{lines.first_line + at}: {who}"
                missing += len(lines) - int(known.sum())
                if allow_missing:
                    left_out = left_out or files.enter_context(_replacing(missing_path))
                    left_out.write(lines.select(~known).text)
            if known.any() and (allow_missing or not missing):  # else the rest is only counted
                scores = np.asarray(score_block(enrol[known], test[known]))
                _refuse_unfit(trials_path, lines, np.flatnonzero(known), scores)
                output.write(_with_scores(lines if known.all() else lines.select(known), scores))
                scored += len(scores)
            pace.advance(len(lines), len(lines.text))
        pace.end()
        if missing and not allow_missing:
            raise WespkError(
                f"{first_missing}; {missing} trials cannot be scored: extract what they need, mend the list, "
                "or leave them out with --allow-missing"
            )
        if not scored:
            raise WespkError(f"{first_missing}; none of the {missing} trials can be scored")
        if not missing:
            missing_path.unlink(missing_ok=True)  # of an earlier run
    return ScoringSummary(scored, missing, time.monotonic() - start)


def iter_scored(trials_path: PathLike, scores_path: PathLike) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the kinds, as `Trials` has them, and the scores (float64) of a trial list, (k,) each, in blocks.

    Memory does not grow with the trials, except as `PairSet` says. Raises `WespkError` unless the score file
    has the trials of the list, line by line.
    """
    reader = TrialReader(trials_path)
    scored = _Lines(read_pair_lines(scores_path, FORM))
    pace = _Pace(f"reading {scores_path}", file_size(trials_path))
    for lines, _, _ in reader.lines():
        first_line = lines.first_line
        enrol, test, texts = scored.take(len(lines))
        if enrol != lines.enrol[: len(enrol)] or test != lines.test[: len(test)]:
            pairs = zip(enrol, test, lines.enrol, lines.test, strict=False)
            at = next(n for n, (one, other, left, right) in enumerate(pairs) if (one, other) != (left, right))
            pair = f"{shown(enrol[at])} {shown(test[at])}"
            raise WespkError(
                f"{scores_path}:{first_line + at}: has '{pair}' where {trials_path} has '{lines.pair(at)}'; "
                f"{SAME}"
            )
        if len(enrol) < len(lines):
            last = first_line + len(enrol) - 1
            raise WespkError(f"{scores_path}: ends after line {last}, and {trials_path} goes on; {SAME}")
        yield reader.kinds(lines), parse_scores(scores_path, texts, first_line)
        pace.advance(len(lines), len(lines.text))
    pace.end()
    if scored.take(1)[0]:
        raise WespkError(f"{scores_path}: has more lines than {trials_path}; {SAME}")


class _Rows:
    """The rows of the ids of one side, which are numbered by appearance; -1 for an id without row."""

    def __init__(self, side: str, place: Mapping[str, int]) -> None:
        self.side, self.place = side, place
        self.rows = np.zeros(0, dtype=np.intp)

    def of(self, index: np.ndarray, ids: list[str]) -> np.ndarray:
        new = [self.place.get(each, -1) for each in ids[len(self.rows) :]]
        if new:
            self.rows = np.append(self.rows, np.array(new, dtype=np.intp))
        return self.rows[index]

    def unknown(self, word: bytes) -> str:
        """Say that an id has no row; nothing if it has one."""
        known = word.decode("utf-8") in self.place
        return (
            "" if known else f"{self.side} '{shown(word)}' is not among the {len(self.place)} with embeddings"
        )


class _Lines:
    """Takes lines, as many as are wanted, from blocks of them."""

    def __init__(self, blocks: Iterator[PairLines]) -> None:
        self.blocks = blocks
        self.columns: tuple[list[bytes], list[bytes], list[bytes]] = ([], [], [])

    def take(self, count: int) -> tuple[list[bytes], list[bytes], list[bytes]]:
        while len(self.columns[0]) < count:
            block = next(self.blocks, None)
            if block is None:
                break
            for column, more in zip(self.columns, (block.enrol, block.test, block.last), strict=True):
                column += more
        taken = tuple(column[:count] for column in self.columns)
        for column in self.columns:
            del column[:count]
        return taken  # type: ignore[return-value]


class _Pace:
    """Shows how many trials are done, the rate and the time left, by the share of the file that is read."""

    def __init__(self, what: str, size: int) -> None:
        self.what, self.size = what, size
        self.ticker = Ticker()
        self.trials = self.bytes = 0

    def advance(self, trials: int, size: int) -> None:
        self.trials += trials
        self.bytes += size
        if self.ticker.due():
            seconds = time.monotonic() - self.ticker.start
            left = f", {clock(seconds * (self.size - self.bytes) / self.bytes)} left" if self.size else ""
            self.ticker.show(f"{self.what}: {self.trials} trials, {self.trials / seconds:,.0f}/s{left}")

    def end(self) -> None:
        self.ticker.clear()


@contextmanager
def _replacing(path: PathLike) -> Iterator[BinaryIO]:
    """Open a file for writing bytes that takes the place of `path` when it is complete."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    remove_stale(path)  # a killed run leaves as much as it had written
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        yield stream


def _refuse_unfit(path: PathLike, lines: PairLines, position: np.ndarray, scores: np.ndarray) -> None:
    if not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores)).argmax())
        at = int(position[bad])
        raise WespkError(
            f"{path}:{lines.first_line + at}: the score of '{lines.pair(at)}' is not finite ({scores[bad]}); "
            "see whether one of the two embeddings is zero or not finite"
        )


def _with_scores(lines: PairLines, scores: np.ndarray) -> bytes:
    """Return the lines with scores in place of their labels, in seven significant digits.

    The lines themselves become one format for all scores: several times as fast as a format a line.
    """
    template = lines.text.replace(b"%", b"%%")
    for label in set(lines.last) or {b""}:
        template = template.replace(b" %b\n" % label if label else b"\n", b" %.7g\n")
    return template % tuple(scores.tolist())
