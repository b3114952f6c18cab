"""Reading the lines of trial lists and score files in blocks: millions of lines a second, memory flat."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, line_blocks
from wespk.data.tables import UNFIT_BETWEEN, unfit_character

BLOCK_BYTES = 1 << 18  # some 8000 lines, whose words stay in a core's cache
RUN = 1024  # lines that may hold one id, or ids in the order in which they came before
MOST_LINE_BYTES = 1 << 20
NOT_SPACES = bytes({*range(256)} - {*range(33), 127})  # nor control characters


@dataclass(frozen=True)
class PairLines:
    """Some lines of a file, k of them: the first word of each, the second, and the third.

    `last` is empty where the lines are of two words. `text` is the lines with one space between words and
    Unix line ends; `first_line` is the number of the first line in the file, from 1.
    """

    first_line: int
    text: bytes
    enrol: list[bytes]
    test: list[bytes]
    last: list[bytes]

    def __len__(self) -> int:
        return len(self.enrol)

    def select(self, chosen: np.ndarray) -> PairLines:
        """Return some of the lines, by (k,) booleans; `first_line` stays."""
        keep = chosen.tolist()
        text = b"".join(compress(self.text.splitlines(keepends=True), keep))
        enrol, test, last = (list(compress(words, keep)) for words in (self.enrol, self.test, self.last))
        return PairLines(self.first_line, text, enrol, test, last)

    def pair(self, position: int) -> str:
        """Return ``enrol-id test-id`` of one of the lines, for a message."""
        return f"{shown(self.enrol[position])} {shown(self.test[position])}"


def read_pair_lines(path: PathLike, form: str, words: Sequence[int] = (3,)) -> Iterator[PairLines]:
    """Yield the lines of a file in order, each of as many words as the first one: one of the numbers `words`.

    Spaces, tabs and Windows line ends are all one. Raises `WespkError` with file and line for a line of more
    or fewer words (`form` says what was expected), a control character and an empty file.
    """
    line, number = 1, 0
    for block in line_blocks(path, BLOCK_BYTES, MOST_LINE_BYTES):
        if not block.endswith(b"\n"):
            block += b"\n"
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        if b"\t" in block:
            block = block.replace(b"\t", b" ")
        if not number:
            number = len(block.partition(b"\n")[0].split())
            if number not in words:
                _complain(path, line, block, form, words)
        lines = block.count(b"\n")
        fields = block.split()
        # What is left without the words shows that no line has more words than it should; their sum, that
        # none has fewer.
        if len(fields) != number * lines or block.translate(None, NOT_SPACES) != _gaps(number) * lines:
            fields = _split_unevenly(path, line, block, form, (number,))
            rows = [fields[start::number] for start in range(number)]
            block = b"\n".join(map(b" ".join, zip(*rows, strict=True))) + b"\n"
        last = fields[2::number] if number > 2 else []
        yield PairLines(line, block, fields[0::number], fields[1::number], last)
        line += lines
    if not number:
        raise WespkError(f"{path}: is empty; expected lines `{form}`")


class IdNumbers(dict[bytes, int]):
    """Numbers ids in the order in which they appear; `ids` are they, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self._words: list[bytes] = []

    def __missing__(self, word: bytes) -> int:
        text = word.decode("utf-8")
        unfit = None if text.isascii() else unfit_character(text)
        if unfit:
            raise _UnfitId(word, unfit)
        number = self[word] = len(self.ids)
        self.ids.append(text)
        self._words.append(word)
        return number

    def number(self, words: list[bytes], path: PathLike, first_line: int) -> np.ndarray:
        """Return the numbers of the ids on some lines, int32.

        Raises `WespkError` with file and line for an id that is not UTF-8 or holds an unfit character.
        """
        try:
            return numbers_of(words, self, self._words, np.int32)
        except UnicodeDecodeError as error:
            line = first_line + words.index(error.object)
            raise WespkError(f"{path}:{line}: not valid UTF-8; convert the file to UTF-8") from None
        except _UnfitId as error:
            raise _unfit_in(path, first_line + words.index(error.word), error.character) from None


def numbers_of(
    words: list[bytes], number: Mapping[bytes, int], known: Sequence[bytes], dtype: type
) -> np.ndarray:
    """Return the number of each word, (k,). Raises `KeyError` for a word without one.

    In most lists a model stands on many lines in a row, and is tested by the same utterances in the same
    order as the one before. Comparing a run of words with that guess takes a fifth of looking them all up;
    `known` are words in the order of their numbers 0, 1, ....
    """
    numbers: np.ndarray = np.empty(len(words), dtype=dtype)
    for start in range(0, len(words), RUN):
        run = words[start : start + RUN]
        first = number[run[0]]
        if run.count(run[0]) == len(run):
            numbers[start : start + RUN] = first
        elif run == known[first : first + len(run)]:
            numbers[start : start + RUN] = np.arange(first, first + len(run))
        else:
            numbers[start : start + RUN] = np.fromiter(map(number.__getitem__, run), dtype, len(run))
    return numbers


class _UnfitId(Exception):
    def __init__(self, word: bytes, character: str) -> None:
        super().__init__(word, character)
        self.word, self.character = word, character


def shown(word: bytes) -> str:
    """Return a word as text for a message, whatever its bytes are."""
    return word.decode("utf-8", "replace")


def file_size(path: PathLike) -> int:
    """Return the size of a file in bytes, 0 where it has none that is known (a pipe, a missing file)."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _gaps(words: int) -> bytes:
    return b" " * (words - 1) + b"\n"


def _split_unevenly(
    path: PathLike, first_line: int, block: bytes, form: str, words: Sequence[int]
) -> list[bytes]:
    """Return the words of lines that have more spaces than they need."""
    rows = [row.split() for row in block.split(b"\n")[:-1]]
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError as error:
        line = first_line + block.count(b"\n", 0, error.start)
        raise WespkError(f"{path}:{line}: not valid UTF-8; convert the file to UTF-8") from None
    unfit = UNFIT_BETWEEN.search(text)
    if unfit:
        raise _unfit_in(path, first_line + text.count("\n", 0, unfit.start()), unfit[0])
    if b"\r" in block or not set(map(len, rows)) <= set(words):
        _complain(path, first_line, block, form, words)
    return [word for row in rows for word in row]


def _complain(path: PathLike, first_line: int, block: bytes, form: str, words: Sequence[int]) -> None:
    """Raise for the first line of a block with a wrong number of words."""
    for line, row in enumerate(block.split(b"\n")[:-1], first_line):
        count = len(row.split())
        if count not in words or b"\r" in row:
            hint = "; there is no label" if count == 2 and form.endswith("nontarget") else ""
            raise WespkError(f"{path}:{line}: expected `{form}`{hint}")


def _unfit_in(path: PathLike, line: int, character: str) -> WespkError:
    return WespkError(f"{path}:{line}: an id may not hold the character {character!r}; remove it")
