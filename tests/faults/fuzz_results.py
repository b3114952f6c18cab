"""Damaged files of the back-end and of results: calibrations, chains of transforms, tables of values, counts
of enrolment utterances, and the records that reports are made of.

What is accepted is of use: it is written back to the same values, applied, drawn.
"""

from __future__ import annotations

import io
import json
from argparse import Namespace
from collections.abc import Callable
from contextlib import redirect_stdout
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_bytes import Random
from fuzz_case import Case, attempt, is_untouched, law, pick
from fuzz_mutate import mutate_text

from wespk.cli.calibration_file import read_calibrations, write_calibrations
from wespk.cli.experiment import read_results
from wespk.cli.report import run as run_report
from wespk.cli.scoring import load_sides
from wespk.cli.transforms import load_chain, save_chain
from wespk.data.columns import read_columns
from wespk.data.trial_groups import group_trials
from wespk.data.trial_speakers import SpeakerTables, speakers_of_trials
from wespk.data.trials import read_trials
from wespk.metrics.records import json_text
from wespk.metrics.svg import drawing, to_svg

BASE = Path("base/exp")
NOTHING_TO_ADD = {"enrol": None, "average": "raw", "allow_missing": False}
NO_STEPS = {"transforms": (), "domain_means": None, "utt2domain": None}
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 7, 0.5, -0.0, 1e-320, 1e308, -1e308, 1e400, -1e400, 10**19, 10**400),
    *(float("nan"), "", "x", "nan", "1", "../../x", "/dev/zero", "eer", "linear", "pav", "affine", "\u2028"),
    *([], [[]], [1], [0.0, 1.0], [[0.0, 1.0]], [None], {}, {"x": 1}, {"steps": []}, [[1.0, 2.0, "u", "s"]]),
)


def prepare(rng: Random, folder: Path) -> Case:
    """Damage one file of an experiment, or a table beside it."""
    files = sorted(path for path in BASE.rglob("*") if path.is_file())
    names = [str(path.relative_to(BASE)) for path in files]
    damaged = pick(rng, names)
    made = ["nothing"]
    untouched = is_untouched(rng)
    for path, name in zip(files, names, strict=True):
        data = path.read_bytes()
        if name == damaged and not untouched:
            data, made = _damage(rng, path, data, names)
        place = folder / "exp" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def check() -> str:
        refusal = CHECKS[damaged.partition("/")[0]](folder / "exp", damaged)
        law(not (untouched and refusal), f"an undamaged {damaged} is read, not refused ({refusal})")
        return refusal

    return Case(f"{BASE}/{damaged}", made, check)


def _damage(rng: Random, path: Path, data: bytes, names: list[str]) -> tuple[bytes, list[str]]:
    if path.suffix != ".json" or rng.random() < 0.3:
        return mutate_text(rng, data, lambda: (BASE / pick(rng, names)).read_bytes())
    value, made = json.loads(data), []
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        value, what = _changed(rng, value)
        made.append(what)
    return json.dumps(value, indent=1).encode(), made


def _changed(rng: Random, value: Any) -> tuple[Any, str]:
    """Change an entry somewhere below a value: to another value, to none, or to one more."""
    if not isinstance(value, (dict, list)) or not value or rng.random() < 0.15:
        return deepcopy(pick(rng, VALUES)), "a value"
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = pick(rng, keys)
    what = float(rng.random())
    if what < 0.75:
        value[key], told = _changed(rng, value[key])
        return value, f"{str(key)[:20]}: {told}"
    if what < 0.85:
        del value[key]
        return value, f"{str(key)[:20]} left out"
    if isinstance(value, dict):
        value[pick(rng, ("x", "eer", "", "1"))] = deepcopy(pick(rng, VALUES))
    else:
        value.append(deepcopy(value[key] if rng.random() < 0.5 else pick(rng, VALUES)))
    return value, "an entry more"


def _calibration(exp: Path, name: str) -> str:
    path = exp / name
    found = attempt(lambda: read_calibrations(path), [str(path)])
    for each in (found.value or {}).values():
        law(str(each) and len(each.columns) >= 1, "a calibration can be shown")
        scores = {system: np.linspace(-3, 3, 7) for system in each.inputs}
        measures = {measure.name: np.ones((7, 2)) for measure in each.quality}
        ratios = each.apply(scores, measures)
        law(ratios.shape == (7,) and not np.isnan(ratios).any(), "a ratio for each score")
    if found.value is not None:
        write_calibrations(exp / "again.json", found.value)
        again = read_calibrations(exp / "again.json")
        law(
            [each.to_json() for each in again.values()] == [each.to_json() for each in found.value.values()],
            "as written",
        )
    return found.refusal


def _chain(exp: Path, name: str) -> str:
    folder = str(exp / "chain")
    chain = attempt(lambda: load_chain(exp / "chain/chain.json"), [folder])
    if chain.value is not None:
        dim = chain.value.input_dim or 3
        rows = attempt(lambda: chain.value.apply(np.ones((2, dim), np.float32)))
        law(rows.value is None or rows.value.shape[0] == 2, "a row for each row")
        save_chain(exp / "again/chain.json", chain.value)
        law(
            len(load_chain(exp / "again/chain.json").steps) == len(chain.value.steps),
            "as many steps as saved",
        )
    return chain.refusal


def _tables(exp: Path, name: str) -> str:
    path = exp / name
    columns = attempt(lambda: read_columns(path), [str(path)])
    if columns.value is None:
        return columns.refusal
    law(str(columns.value) and columns.value.names, "columns have names")
    keys = {frozenset(columns.value.values[each]) for each in columns.value.names}
    law(len(keys) == 1 and all(keys), "each column has a value of each key")
    trials = read_trials("base/scores/trials")
    speakers = speakers_of_trials(trials, SpeakerTables(BASE / "utt2spk", None))
    by = columns.value.names[0]
    groups = attempt(lambda: group_trials(by, columns.value, trials, speakers), [str(path)])
    if groups.value is not None:
        within = (groups.value.index >= 0) & (groups.value.index < len(groups.value.names))
        law(groups.value.index.shape == (len(trials),) and within.all(), "each trial is in one group")
    return groups.refusal


def _counts(exp: Path, name: str) -> str:
    path = exp / name
    vectors = "base/ark/vectors.scp"
    args = Namespace(embeddings=vectors, enrol_vectors=vectors, num_utts=path, **NOTHING_TO_ADD, **NO_STEPS)
    sides = attempt(lambda: load_sides(args), [str(path)])
    if sides.value is not None:
        law((sides.value.num_utts >= 1).all(), "a model is of one utterance or more")
    return sides.refusal


def _report(exp: Path, name: str) -> str:
    """What `wespk report` does."""
    results = attempt(lambda: read_results(exp), [str(exp)])
    if results.value is not None:
        for each in results.value.systems:
            again = type(each).from_json(json.loads(json_text(each.to_json())))
            law(json_text(again.to_json()) == json_text(each.to_json()), "a result that is written is read")
    page = attempt(lambda: _silent_report(exp), [str(exp)])
    law(page.accepted == (exp / "report/table.txt").exists(), "a page and its table, or neither")
    if page.accepted:
        numbers = (exp / "report/report.json").read_text()
        law("NaN" not in numbers and "Infinity" not in numbers, "report.json holds numbers that JSON has not")
    return results.refusal or page.refusal


def _silent_report(exp: Path) -> None:
    with redirect_stdout(io.StringIO()):
        run_report(Namespace(exp=[exp]))


def warm_up() -> None:
    """Draw something, so that no case is charged with what this loads."""
    with drawing() as figure_class:
        figure = figure_class()
        figure.add_subplot().plot([0, 1])
        to_svg(figure, "a line")


CHECKS: dict[str, Callable[[Path, str], str]] = {
    "calibration.json": _calibration,
    "chain": _chain,
    "tables": _tables,
    "num_utts": _counts,
    "utt2spk": _tables,
    **dict.fromkeys(
        ("results", "identification", "epochs.json", "embedding_map.json", "history.json"), _report
    ),
}
