"""Dividing the trials of a list by a column of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from wespk.core.errors import WespkError
from wespk.data.columns import Columns, finite_number
from wespk.data.trial_speakers import TrialSpeakers
from wespk.data.trials import Trials

UNKNOWN = "unknown"
FEW_VALUES = 10  # so many different numbers are taken as they are, without bins
PARTS = 3  # bins of equally many ids where no edges are given


@dataclass(frozen=True, eq=False)
class TrialGroups:
    """K trials divided: `index` (K,) points into `names`. `without_value` are the ids the table lacks."""

    by: str
    names: list[str]
    index: np.ndarray
    without_value: list[str]


def group_trials(
    by: str,
    columns: Columns,
    trials: Trials,
    speakers: TrialSpeakers | None = None,
    edges: Sequence[float] | None = None,
) -> TrialGroups:
    """Divide the trials by the column `by` (or by the only one, whatever its name).

    A table of utterances groups trials by the test side; a table of speakers by both sides: the value they
    share, or `a / b` where they differ. Numbers are put into bins [edge, next edge) by `edges`, or else, when
    there are more than 10 different ones, into three bins of about equally many ids. Ids that the table does
    not have are in the group ``unknown``.

    Raises `WespkError` for an unknown column, a table that has none of the ids, edges for values that are not
    numbers, and a table of speakers without `speakers`.
    """
    if columns.key_kind == "speaker" and speakers is None:
        raise WespkError(
            f"{columns.source}: is a table of speakers, and who speaks is not known; see --utt2spk"
        )
    ids = speakers.names if columns.key_kind == "speaker" and speakers else trials.test_ids
    values = _column(by, columns)
    known = [key for key in ids if key in values]
    if not known:
        raise WespkError(
            f"{columns.source}: has no {columns.key_kind} of {trials.source}, such as '{ids[0]}'; keys are "
            "speakers in a table named spk2... or with a header `spk-id NAME`, else utterances"
        )
    label = _labels([values[key] for key in known], columns.source, edges)
    names = [*dict.fromkeys(label.values())]
    place = {name: index for index, name in enumerate(names)}
    of_id = np.array([place[label[values[key]]] if key in values else len(names) for key in ids])
    names.append(UNKNOWN)
    without = [key for key in ids if key not in values]
    if columns.key_kind == "utterance" or speakers is None:
        return TrialGroups(by, names, of_id[trials.test_index], without)
    return _both_sides(by, names, of_id[speakers.enrol], of_id[speakers.test], without)


def _column(by: str, columns: Columns) -> dict[str, str]:
    if by in columns.values:
        return dict(columns.values[by])
    if len(columns.names) > 1:
        raise WespkError(f"{columns.source}: has no column '{by}'; there are: {', '.join(columns.names)}")
    return dict(columns.values[columns.names[0]])


def _labels(values: list[str], source: str, edges: Sequence[float] | None) -> dict[str, str]:
    """Return the name of the group of each value, the groups in the order of the rows."""
    unique = sorted(set(values))
    numbers = {value: finite_number(value) for value in unique}
    words = [value for value, number in numbers.items() if number is None]
    if edges is None and (words or len(unique) <= FEW_VALUES):
        return {value: value for value in (unique if words else sorted(unique, key=float))}
    if words:
        raise WespkError(f"{source}: '{words[0]}' is not a number, so that --bins does not apply")
    of_ids = np.array(values, dtype=np.float64)
    if edges is None:
        edges = np.unique(np.quantile(of_ids, np.arange(1, PARTS) / PARTS)).tolist()
    names = _bin_names(edges)
    ordered = sorted(unique, key=float)
    bins = np.searchsorted(np.array(edges), np.array(ordered, dtype=np.float64), side="right")
    return {value: names[index] for value, index in zip(ordered, bins.tolist(), strict=True)}


def _bin_names(edges: Sequence[float]) -> list[str]:
    inner = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
    return [f"< {edges[0]:.4g}", *inner, f">= {edges[-1]:.4g}"]


def _both_sides(
    by: str, names: list[str], enrol: np.ndarray, test: np.ndarray, without: list[str]
) -> TrialGroups:
    low, high = np.minimum(enrol, test), np.maximum(enrol, test)
    # One value on both sides first, in the order of the values, then the pairs of different ones.
    codes = np.where(low == high, 0, (1 + low) * len(names)) + high
    found, index = np.unique(codes, return_inverse=True)
    pairs = [divmod(code, len(names)) for code in found.tolist()]
    texts = [f"{names[left - 1]} / {names[right]}" if left else names[right] for left, right in pairs]
    return TrialGroups(by, texts, index, without)
