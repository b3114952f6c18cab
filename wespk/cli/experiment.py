"""The results that an experiment's folder holds: what `report` and `results` read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from wespk.core.errors import WespkError
from wespk.core.files import read_json
from wespk.metrics.identification import Identification, IdentificationResult
from wespk.metrics.systems import ListResults, SystemResult


@dataclass(frozen=True)
class Results:
    """All results of the experiment `exp`, and the paths of the trial lists as the results name them.

    A list is called by the name of its file of results: EXP/results/test_3.json is of `test_3`.
    """

    exp: Path
    systems: tuple[SystemResult, ...]
    identification: tuple[IdentificationResult, ...]
    trials: tuple[Path, ...]

    @property
    def lists(self) -> list[str]:
        """The names of all trial lists that have results."""
        verified = [each.trials for each in self.systems]
        return list(dict.fromkeys([*verified, *(each.trials for each in self.identification)]))


def read_results(exp: Path) -> Results:
    """Read EXP/results/*.json of `wespk evaluate` and EXP/identification/*.json of `wespk identify`.

    No score is read. Raises `WespkError` when there is neither, and for a file of another form.
    """
    lists = {path: read_list_results(path) for path in sorted((exp / "results").glob("*.json"))}
    identified = {path: _identified(path) for path in sorted((exp / "identification").glob("*.json"))}
    if not lists and not identified:
        raise WespkError(f"{exp}: no results; run `wespk evaluate` or `wespk identify` with --results first")
    return Results(
        exp,
        tuple(replace(system, trials=path.stem) for path, each in lists.items() for system in each.systems),
        tuple(result for found, _ in identified.values() for result in found),
        tuple(Path(each.trials) for each in lists.values()) + tuple(path for _, path in identified.values()),
    )


def read_list_results(path: Path) -> ListResults:
    """Read one file of `wespk evaluate --results`. Raises `WespkError` for a file of another form."""
    record = read_json(path)
    try:
        return ListResults.from_json(record)
    except WespkError as error:
        raise WespkError(f"{path}: {error}; run `wespk evaluate --results {path}` again") from None


def _identified(path: Path) -> tuple[list[IdentificationResult], Path]:
    """Return the results of each system, and the path of the trial list."""
    record = read_json(path)
    try:
        found = [
            IdentificationResult(path.stem, str(system["system"]), Identification.from_json(system))
            for system in record["systems"]
        ]
        return found, Path(record["trials"])
    except (KeyError, TypeError):
        raise WespkError(f"{path}: not a record of `wespk identify --results`; run it again") from None
    except WespkError as error:
        raise WespkError(f"{path}: {error}") from None
