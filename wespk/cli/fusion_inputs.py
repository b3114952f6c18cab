"""What goes into a fusion: the systems and quality measures that --fuse names, and the measures of trials."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from wespk.backend.quality import LOG_MEASURES, model_quality, trial_quality
from wespk.cli.calibration_file import Measure
from wespk.core.errors import WespkError, nearest
from wespk.data.columns import finite_number, read_columns
from wespk.data.trials import Trials, flat_enrolment, read_enrolment


class QualityTables:
    """The columns of some utterance tables, `names`, and what trials take from them."""

    def __init__(self, tables: Sequence[Path]) -> None:
        self._source: dict[str, Path] = {}
        self._values: dict[str, Mapping[str, str]] = {}
        for path in tables:
            columns = read_columns(path)
            if columns.key_kind != "utterance":
                raise WespkError(f"{path}: is a table of {columns.key_kind}s; qualities are of utterances")
            for name in columns.names:
                if name in self._source:
                    raise WespkError(f"{path}: column '{name}' is in {self._source[name]} too; leave one out")
                self._source[name], self._values[name] = path, columns.values[name]

    @property
    def names(self) -> list[str]:
        """The names of all columns."""
        return list(self._source)

    def of_trials(
        self, measures: Sequence[Measure], trials: Trials, enrol: Path | None
    ) -> dict[str, np.ndarray]:
        """Return (K, 2) for each measure: the lower and the higher value of both sides of each trial.

        A model's is the mean over its utterances in the list `enrol`; without the list a model is an
        utterance. Raises `WespkError` naming the table and the utterance without a value, or with one that is
        no number.
        """
        if not measures:
            return {}
        enrolment = {utt: [utt] for utt in trials.enrol_ids} if enrol is None else read_enrolment(enrol)
        unknown = [model for model in trials.enrol_ids if model not in enrolment]
        if unknown:
            raise WespkError(f"{enrol}: no model '{unknown[0]}' of {trials.source} ({len(unknown)} so)")
        models = [enrolment[model] for model in trials.enrol_ids]
        used, owner = flat_enrolment(models)
        found = {}
        for measure in measures:
            of_utts = self._read(measure, used)
            of_models = model_quality(of_utts, owner, len(models))
            of_tests = self._read(measure, trials.test_ids)
            if measure.log:
                of_models, of_tests = np.log(of_models), np.log(of_tests)
            found[measure.name] = trial_quality(of_models, of_tests, trials.enrol_index, trials.test_index)
        return found

    def _read(self, measure: Measure, utts: Sequence[str]) -> np.ndarray:
        name = measure.name
        if name not in self._source:
            raise WespkError(f"the fusion takes the quality measure '{name}'; give its table by --quality")
        table, path = self._values[name], self._source[name]
        missing = [utt for utt in utts if utt not in table]
        if missing:
            raise WespkError(
                f"{path}: no {name} of '{missing[0]}' ({len(missing)} utterances lack it); "
                "run `wespk compute-quality` for this set"
            )
        values = np.array([finite_number(table[utt]) for utt in utts], dtype=np.float64)  # None: NaN
        usable = values > 0 if measure.log else np.isfinite(values)
        if not usable.all():
            utt = utts[int(np.argmin(usable))]
            needed = "a positive number, whose logarithm is taken" if measure.log else "a number"
            raise WespkError(f"{path}: {name} of '{utt}' is '{table[utt]}'; it must be {needed}")
        return values


def parse_fusions(
    wanted: Sequence[str], systems: Collection[str], tables: QualityTables
) -> dict[str, tuple[tuple[str, ...], tuple[Measure, ...]]]:
    """Return the systems and the measures of each fusion NAME=INPUT,INPUT,..."""
    fusions: dict[str, tuple[tuple[str, ...], tuple[Measure, ...]]] = {}
    for text in wanted:
        name, _, listed = text.partition("=")
        inputs = listed.split(",")
        if not re.fullmatch(r"[^\s./=,]+", name) or not all(inputs):
            raise WespkError(f"--fuse '{text}': write NAME=INPUT,INPUT,..., without dots in NAME")
        if name in systems or name in fusions:
            raise WespkError(f"--fuse '{text}': the name '{name}' is taken; choose another one")
        for each in inputs:
            if each not in systems and each not in tables.names:
                known = nearest(each, [*systems, *tables.names])
                raise WespkError(f"--fuse '{text}': '{each}' is no system and no quality measure; {known}")
            if inputs.count(each) > 1 or (each in systems and each in tables.names):
                raise WespkError(f"--fuse '{text}': '{each}' names two inputs; name each once, differently")
        scored = tuple(each for each in inputs if each in systems)
        if not scored:
            raise WespkError(f"--fuse '{text}': quality knows no speaker; name a system too")
        measures = tuple(Measure(each, each in LOG_MEASURES) for each in inputs if each not in systems)
        fusions[name] = scored, measures
    unused = set(tables.names) - {each.name for _, some in fusions.values() for each in some}
    if tables.names and len(unused) == len(tables.names):
        raise WespkError(f"--quality: no --fuse names a column; there are: {', '.join(tables.names)}")
    return fusions
