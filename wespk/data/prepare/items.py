"""What a corpus is made of, whatever it was found in: items, and the ledger of what cannot be one."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from wespk.core.errors import WespkError
from wespk.core.rejections import Rejections

# Kinds of things that nobody took for a usable recording: listed and counted, but no fault of the corpus.
NO_FAULT = ("hidden", "unfinished", "linked twice", "not audio", "outside the pattern", "repeated")
SHOWN_COLLISIONS = 5
MAX_PATH_BYTES = 4095  # what Linux opens


@dataclass(frozen=True, slots=True)
class Item:
    """One utterance as the corpus tells of it."""

    where: str  # for people: a quoted path below the source, or `table.csv:17`
    path: str  # of the recording, absolute
    speaker: str  # as the corpus writes it
    name: str | None = None  # of the utterance; None: made of the path
    session: tuple[str, ...] = ()  # folders between speaker and file
    start: float | None = None  # seconds; None: the whole recording is the utterance
    end: float | None = None
    gender: str = ""
    text: str | None = None


@dataclass
class Found:
    """The items of a source, and what it holds beside them with the reasons."""

    items: list[Item]
    unused: Rejections
    from_folder: bool = False  # names come from folders of sessions, not from a table
    notes: list[str] = field(default_factory=list)  # what was guessed, for the screen
    total: int = 0

    def __post_init__(self) -> None:
        self.total = len(self.items) + len(self.unused)

    def keep(self, verdicts: Iterable[tuple[Item, str]]) -> None:
        """Keep the items whose verdict is "", enter the others with theirs."""
        kept = []
        for item, reason in verdicts:
            if reason:
                self.unused.add(item.where, reason)
            else:
                kept.append(item)
        self.items = kept

    def reconcile(self) -> None:
        """Check that items found = items kept + items in the ledger."""
        if self.total != len(self.items) + len(self.unused):
            raise WespkError(
                f"{self.total} items found, {len(self.items)} used and {len(self.unused)} not: some are lost"
            )


def quoted(path: str) -> str:
    """Return a path as one printable word: white space, control characters and ``%`` become ``%20`` etc.

    Bytes of a name that are not UTF-8 (surrogates in Python's text) are written likewise.
    """
    return "".join(c if c.isprintable() and c not in " %" else _percent(c) for c in path)


def told_apart(one: str, other: str) -> tuple[str, str]:
    """Return both texts, with their code points where they would look alike (NFC and NFD of one name)."""
    if unicodedata.normalize("NFC", one) != unicodedata.normalize("NFC", other):
        return one, other
    return one.encode("unicode_escape").decode(), other.encode("unicode_escape").decode()


def first_few(collisions: Sequence[str]) -> str:
    """Return the first of several texts about pairs of items, and how many are left."""
    told = "; ".join(collisions[:SHOWN_COLLISIONS])
    left = len(collisions) - SHOWN_COLLISIONS
    return told + (f"; and {left} more" if left > 0 else "")


def times(collisions: Sequence[str]) -> str:
    """Return the beginning of a message about collisions: how many there are, "" for one."""
    return f"{len(collisions)} times: " if len(collisions) > 1 else ""


def faults(unused: Rejections) -> Rejections:
    """Return the part of the ledger that is a fault of the corpus (see `NO_FAULT`)."""
    return Rejections(
        {item: why for item, why in unused.reasons.items() if why.split(":")[0] not in NO_FAULT}
    )


def settle(found: Found) -> None:
    """Enter into the ledger the items whose path cannot stand in wav.scp, and those that repeat another.

    In a folder, two paths that lead to one file on the disk are repeats, too. Raises `WespkError` for a
    recording, not divided into segments, that is given to two speakers.
    """
    found.keep([(item, path_fault(item.path)) for item in found.items])
    found.keep(list(_judge_repeats(found.items, follow_links=found.from_folder)))


def path_fault(path: str) -> str:
    """Return why a path cannot be a value of wav.scp, or ""."""
    if len(path.encode("utf-8", "surrogatepass")) > MAX_PATH_BYTES:
        return f"bad path: it has over {MAX_PATH_BYTES} bytes; move the corpus, or shorten its names"
    if path.endswith("|"):
        return "bad path: it ends in |, which makes a shell command of it in wav.scp; rename the file"
    if path != path.rstrip():
        return "bad path: it ends in white space, which wav.scp does not keep; rename the file"
    for character in path:
        kind = unicodedata.category(character)
        if kind == "Cs":
            return "bad path: it is not UTF-8; rename the file"
        if kind in ("Cc", "Zl", "Zp"):
            return "bad path: it holds a line break or another control character; rename the file"
    return ""


def endings(paths: Iterable[str]) -> str:
    """Return the commonest endings of file names with their counts, as in ``948 .raw, 3 .txt``."""
    counts = Counter(os.path.splitext(path)[1].lower() or "without ending" for path in paths)
    return ", ".join(f"{count} {ending}" for ending, count in counts.most_common(4))


def _judge_repeats(items: Sequence[Item], follow_links: bool) -> Iterator[tuple[Item, str]]:
    """Yield each item with "", or with the earlier item that is the same recording or part of one."""
    seen: dict[object, Item] = {}
    of_two: list[str] = []
    for item in items:
        key: object = os.path.normpath(item.path)
        if follow_links:
            state = os.stat(item.path)
            key = (state.st_dev, state.st_ino)
        first = seen.setdefault((key, item.start, item.end), item)
        if first is item:
            yield item, ""
        elif first.speaker != item.speaker:
            of_two.append(
                f"{item.where} of speaker {item.speaker!r} is the same recording as {first.where} of speaker "
                f"{first.speaker!r}"
            )
        else:
            yield item, f"repeated: the same recording is {first.where}"
    if of_two:
        raise WespkError(f"{times(of_two)}{first_few(of_two)}; keep a recording with the one who speaks")


def _percent(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as Python keeps it
        return f"%{code - 0xDC00:02X}"
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
