"""What `wespk extract` says at its end, which the process of --nj reads again in the logs of its jobs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Only the counts that are not 0 are said.
SPECIAL = {"cut": "cut to --max-duration", "averaged": "averaged over chunks", "repeated": "repeated"}

_LINE = re.compile(r"(\d+) utterances, ([\d.]+) h, in ([\d.]+) s: ")


@dataclass(frozen=True)
class ExtractionRate:
    """Utterances, hours of frames, seconds of work, and how many utterances were treated in a special way."""

    utterances: int
    hours: float
    took: float
    cut: int = 0
    averaged: int = 0
    repeated: int = 0

    def __str__(self) -> str:
        """Return the line that `parse` reads."""
        took = max(self.took, 0.01)
        speeds = f"{self.utterances / took:.1f} utterances/s, {3600 * self.hours / took:.0f} x real time"
        counts = [f"; {getattr(self, name)} {told}" for name, told in SPECIAL.items() if getattr(self, name)]
        return f"{self.utterances} utterances, {self.hours:.4f} h, in {took:.2f} s: {speeds}{''.join(counts)}"

    @staticmethod
    def parse(line: str) -> ExtractionRate | None:
        """Read what `str` gave; None for another line, such as that of a job that was up to date."""
        found = _LINE.match(line)
        if not found:
            return None
        counts = {name: re.search(rf"; (\d+) {told}", line) for name, told in SPECIAL.items()}
        return ExtractionRate(
            int(found[1]),
            float(found[2]),
            float(found[3]),
            **{name: int(count[1]) for name, count in counts.items() if count},
        )

    @staticmethod
    def of_jobs(lines: Sequence[str]) -> ExtractionRate | None:
        """Return the sum over jobs that worked side by side, by their lines; None where none worked."""
        rates = [rate for line in lines if (rate := ExtractionRate.parse(line))]
        if not rates:
            return None
        counts = {name: sum(getattr(rate, name) for rate in rates) for name in SPECIAL}
        hours, took = sum(rate.hours for rate in rates), max(rate.took for rate in rates)
        return ExtractionRate(sum(rate.utterances for rate in rates), hours, took, **counts)
