"""The rejection ledger: items in = items out + items rejected, each rejected one with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from wespk.core.errors import WespkError
from wespk.core.files import PathLike, read_text, write_text


@dataclass
class Rejections:
    """What a job could not use: an ordered map from the item's id to a reason of one line."""

    reasons: dict[str, str] = field(default_factory=dict)

    def add(self, item: str, reason: str) -> None:
        """Record one rejected item; a line break in the reason becomes a space."""
        self.reasons[item] = " ".join(reason.split())

    def __len__(self) -> int:
        return len(self.reasons)

    def __contains__(self, item: object) -> bool:
        return item in self.reasons

    def reconcile(self, what: str, wanted: Iterable[str], made: Iterable[str]) -> None:
        """Check that every wanted item was either made or rejected, and none both or from nowhere."""
        wanted, made = set(wanted), set(made)
        lost = sorted(wanted - made - set(self.reasons))
        extra = sorted((made | set(self.reasons)) - wanted)
        both = sorted(made & set(self.reasons))
        for items, problem in ((lost, "lost"), (extra, "not asked for"), (both, "both made and rejected")):
            if items:
                raise WespkError(
                    f"{what}: {len(items)} {problem}, first {items[0]}; delete the output and run again"
                )

    def enforce(self, what: str, total: int, most: float) -> None:
        """Raise when more were rejected than `most` allows: a count, or a fraction of `total` if below 1."""
        allowed = most * total if most < 1 else most
        if len(self) > allowed:
            item, reason = next(iter(self.reasons.items()))
            raise WespkError(
                f"{what}: {len(self)} of {total} rejected, --max-rejected {most:g} allows {int(allowed)}; "
                f"first {item}: {reason}"
            )

    def summary(self, what: str, total: int) -> str:
        """Return a line for the screen, such as ``feats: 97 of 100, 3 rejected (2 empty, 1 silent)``."""
        kinds = Counter(reason.split(":")[0] for reason in self.reasons.values())
        detail = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        return f"{what}: {total - len(self)} of {total}, {len(self)} rejected" + (
            f" ({detail})" if detail else ""
        )

    def write(self, path: PathLike) -> None:
        """Write ``id reason`` lines, sorted by id; an empty file states that nothing was rejected."""
        write_text(path, "".join(f"{item} {self.reasons[item]}\n" for item in sorted(self.reasons)))

    @staticmethod
    def read(path: PathLike) -> Rejections:
        """Read what `write` wrote."""
        reasons = {}
        for number, line in enumerate(read_text(path).splitlines(), 1):
            item, _, reason = line.partition(" ")
            if not reason:
                raise WespkError(f"{path}:{number}: expected `id reason`")
            reasons[item] = reason
        return Rejections(reasons)
