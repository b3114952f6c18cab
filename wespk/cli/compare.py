"""Set two experiments, or two systems, side by side, with the significance of their difference.

Usage:   wespk compare [options] EXP[:SYSTEM] EXP[:SYSTEM]
Example: wespk compare exp/ecapa exp/resnet34
         wespk compare --list test exp/ecapa:cosine exp/ecapa:plda

Reads EXP/results/LIST.json of `wespk evaluate --results` and the score files that it names, for the lists
that both have; without SYSTEM, for the systems that both have. The measures are computed from the scores.
Their differences have 95 % intervals and two-sided p-values by a bootstrap over speakers that draws the same
speakers for both (p: how probable a difference of this size were, if the two were equally good).
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wespk.cli.experiment import read_list_results
from wespk.cli.options import count, positive
from wespk.core.errors import WespkError
from wespk.core.files import write_text
from wespk.core.progress import say
from wespk.data.scores import read_scores
from wespk.data.trial_speakers import SpeakerTables, speakers_of_trials
from wespk.data.trials import Trials, read_trials
from wespk.metrics.bootstrap import FEW_SPEAKERS
from wespk.metrics.comparison import Comparison, compare, comparison_markdown, comparison_table
from wespk.metrics.error_rates import EER_RULES
from wespk.metrics.records import json_text
from wespk.metrics.resampling import SpeakerPairs
from wespk.metrics.systems import ListResults, SystemResult
from wespk.metrics.table import as_text

OUTPUTS = ("json",)


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: an experiment, and one of its systems, "" for all."""

    folder: Path
    system: str

    @staticmethod
    def of(text: str, system: str) -> Side:
        """Read EXP or EXP:SYSTEM; `system` holds for one without."""
        if Path(text).is_dir():
            return Side(Path(text), system)
        folder, _, own = text.rpartition(":")
        if not folder or not Path(folder).is_dir():
            raise WespkError(f"{folder or text}: no such experiment")
        return Side(Path(folder), own)

    def lists(self) -> list[str]:
        """Return the names of the trial lists that have results."""
        return [path.stem for path in sorted((self.folder / "results").glob("*.json"))]

    def results(self, name: str) -> ListResults:
        """Read the results on the list `name`."""
        path = self.folder / "results" / f"{name}.json"
        results = read_list_results(path)
        if not Path(results.trials).is_file():
            raise WespkError(
                f"{path}: names the trials {results.trials}, which are not there; run this in the folder in "
                "which `wespk evaluate` ran"
            )
        return results


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("a", metavar="EXP[:SYSTEM]", help="folder of an experiment, and one of its systems")
    parser.add_argument("b", metavar="EXP[:SYSTEM]", help="another one")
    parser.add_argument("--list", action="append", metavar="LIST", help="only this list; may be repeated")
    parser.add_argument("--system", default="", metavar="SYSTEM", help="only this system of both")
    parser.add_argument("--rule", choices=EER_RULES, default=EER_RULES[0], help="of the EER (interpolated)")
    parser.add_argument("--draws", type=positive, default=1000, metavar="N", help="of the bootstrap (1000)")
    parser.add_argument("--seed", type=count, default=0, metavar="S", help="of the bootstrap (0)")
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="leave out trials of which one of the two has no score; counted",
    )
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")


def run(args: Namespace) -> None:
    """Compare the systems on each list that both have; print the table."""
    a, b = Side.of(args.a, args.system), Side.of(args.b, args.system)
    lists = args.list or [name for name in a.lists() if name in b.lists()]
    if not lists:
        raise WespkError(f"{a.folder} and {b.folder} have no list in common; run `wespk evaluate --results`")
    found = [each for name in lists for each in _compare_list(args, name, a, b)]
    say(comparison_markdown(found) if args.markdown else as_text(comparison_table(found)))
    few = min(each.num_speakers for each in found)
    if few == 0:
        say("no intervals and p-values: the results do not say who speaks; see `wespk evaluate --utt2spk`")
    else:
        say(f"95 % intervals and p-values: paired bootstrap over speakers, {args.draws} draws")
    if 0 < few < FEW_SPEAKERS:
        say(f"warning: {few} speakers: an interval from fewer than {FEW_SPEAKERS} is rough")
    if args.json:
        write_text(args.json, json_text([each.to_json() for each in found]))


def _compare_list(args: Namespace, name: str, a: Side, b: Side) -> list[Comparison]:
    of_a, of_b = a.results(name), b.results(name)
    trials = read_trials(of_a.trials)
    if of_b.trials != of_a.trials:
        _require_same(trials, read_trials(of_b.trials))
    speakers = None
    if of_a.speakers:
        tables = SpeakerTables(
            Path(of_a.speakers.utt2spk), Path(of_a.speakers.enrol) if of_a.speakers.enrol else None
        )
        speakers = speakers_of_trials(trials, tables)
    found = []
    for left, right in _systems(name, (a, of_a), (b, of_b)):
        scores = [
            read_scores(each.score_file, trials, allow_missing=args.allow_missing) for each in (left, right)
        ]
        both = ~np.isnan(scores[0]) & ~np.isnan(scores[1])
        if not both.all():
            missing = f"{(~both).sum()} of {len(both)} trials have no score of one of the two"
            say(f"{name}: {left.system}, {right.system}: {missing} and are left out")
        points = [cost.point for cost in left.evaluation.costs]
        pairs = SpeakerPairs.of(speakers.enrol[both], speakers.test[both]) if speakers else None
        labels = (_label(a, left, b.folder), _label(b, right, a.folder))
        kept = (scores[0][both], scores[1][both])
        options = {"rule": args.rule, "draws": args.draws, "seed": args.seed}
        found.append(compare(name, labels, kept, trials.is_target[both], points, pairs, **options))
    return found


def _systems(
    name: str, a: tuple[Side, ListResults], b: tuple[Side, ListResults]
) -> Sequence[tuple[SystemResult, SystemResult]]:
    """Return the pairs of systems to compare on a list."""
    of_a, of_b = ({each.system: each for each in results.systems} for _, results in (a, b))
    for (side, _), known in ((a, of_a), (b, of_b)):
        if side.system and side.system not in known:
            there = ", ".join(known)
            raise WespkError(f"{side.folder}: no system '{side.system}' on {name}; there are: {there}")
    if a[0].system and b[0].system:
        return [(of_a[a[0].system], of_b[b[0].system])]
    if a[0].system or b[0].system:
        raise WespkError("name a system of both, EXP:SYSTEM EXP:SYSTEM, or of neither")
    common = [system for system in of_a if system in of_b]
    if not common:
        raise WespkError(f"no system of both on {name}: {', '.join(of_a)} and {', '.join(of_b)}")
    return [(of_a[system], of_b[system]) for system in common]


def _label(side: Side, result: SystemResult, other: Path) -> str:
    """Return the system's name, with as much of the experiment's as tells it from the other one's."""
    if side.folder == other:
        return result.system
    return f"{side.folder if side.folder.name == other.name else side.folder.name}:{result.system}"


def _require_same(a: Trials, b: Trials) -> None:
    same = a.enrol_ids == b.enrol_ids and a.test_ids == b.test_ids
    arrays = ((a.enrol_index, b.enrol_index), (a.test_index, b.test_index), (a.kind, b.kind))
    if not same or not all(np.array_equal(left, right) for left, right in arrays):
        raise WespkError(
            f"{a.source} and {b.source} are different trials ({len(a)} and {len(b)}): systems are comparable "
            "on the same trials only"
        )
