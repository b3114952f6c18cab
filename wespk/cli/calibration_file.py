"""calibration.json: what `wespk calibrate` learns of each system and fusion, read back with checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wespk.backend.calibration import LinearCalibration, PavCalibration
from wespk.backend.fusion import LinearFusion
from wespk.core.errors import WespkError
from wespk.core.files import PathLike, read_json, write_json
from wespk.metrics.thresholds import EER, Thresholds


@dataclass(frozen=True, order=True)
class Measure:
    """A quality measure as an input of a fusion: its column, and whether its logarithm is taken."""

    name: str
    log: bool


@dataclass(frozen=True, eq=False)
class SystemCalibration:
    """How a trial's inputs become its log-likelihood ratio, and the thresholds found on development trials.

    `inputs` are the systems whose scores go in, `quality` the measures, two columns each: the lower and the
    higher of both sides. A system calibrated alone has itself as its one input, and `score_thresholds` on its
    scores; for a fusion they are None. `p_target` is None where the method does not depend on it.
    """

    inputs: tuple[str, ...]
    quality: tuple[Measure, ...]
    map: LinearFusion | PavCalibration
    p_target: float | None
    dev_trials: str
    thresholds: Thresholds
    score_thresholds: Thresholds | None

    @property
    def is_fusion(self) -> bool:
        """True for what has a name of its own, other than that of a system."""
        return self.score_thresholds is None

    @property
    def columns(self) -> list[str]:
        """The inputs of the map, in words, in the order of its weights."""
        return column_names(self.inputs, self.quality)

    def apply(self, scores: Mapping[str, np.ndarray], quality: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the ratios (K,) of trials from the systems' scores (K,) and the measures (K, 2)."""
        return apply_map(self.map, stack_inputs(self.inputs, self.quality, scores, quality))

    def __str__(self) -> str:
        if isinstance(self.map, PavCalibration):
            steps, llrs = len(np.unique(self.map.llrs)), self.map.llrs
            return f"llr by PAV, {steps} steps from {llrs[0]:.3f} to {llrs[-1]:.3f}"
        names = self.columns if self.is_fusion else ["score"]
        terms = [f"{weight:.4g} {name}" for weight, name in zip(self.map.weights, names, strict=True)]
        return "llr = " + " + ".join([*terms, f"{self.map.offset:.4g}"]).replace("+ -", "- ")

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        if isinstance(self.map, PavCalibration):
            learnt = {"method": "pav", "scores": self.map.scores.tolist(), "llrs": self.map.llrs.tolist()}
        else:
            weights = self.map.weights.tolist()
            learnt = {"method": "linear", "weights": weights, "offset": self.map.offset}
        return {
            **learnt,
            "inputs": list(self.inputs),
            "quality": [{"measure": each.name, "log": each.log} for each in self.quality],
            "p_target": self.p_target,
            "dev_trials": self.dev_trials,
            "thresholds": self.thresholds.to_json(),
            "score_thresholds": None if self.score_thresholds is None else self.score_thresholds.to_json(),
        }

    @staticmethod
    def from_json(value: Any) -> SystemCalibration:
        """Read what `to_json` returned. Raises `WespkError` for anything else."""
        try:
            inputs = tuple(value["inputs"])
            quality = tuple(Measure(str(each["measure"]), bool(each["log"])) for each in value["quality"])
            of_scores, p_target = value["score_thresholds"], value["p_target"]
            found = SystemCalibration(
                inputs,
                quality,
                _read_map(value),
                None if p_target is None else float(p_target),
                str(value["dev_trials"]),
                Thresholds.from_json(value["thresholds"]),
                None if of_scores is None else Thresholds.from_json(of_scores),
            )
        except KeyError as error:
            raise WespkError(f"lacks {error}") from None
        except (TypeError, ValueError):
            raise WespkError("is not in the form of a calibration") from None
        columns = 1 if isinstance(found.map, PavCalibration) else len(found.map.weights)
        if not inputs or len(found.columns) != columns:
            raise WespkError(f"has {columns} weights for {len(found.columns)} inputs")
        for each in (found.thresholds, found.score_thresholds):
            if each is not None and EER not in each.values:
                raise WespkError("lacks the threshold 'eer'")
        return found


def column_names(systems: tuple[str, ...], measures: tuple[Measure, ...]) -> list[str]:
    """Return the columns of `stack_inputs` in words."""
    sides = [f"{side} {'log ' * each.log}{each.name}" for each in measures for side in ("lower", "higher")]
    return [*systems, *sides]


def apply_map(learnt: LinearFusion | PavCalibration, inputs: np.ndarray) -> np.ndarray:
    """Return the log-likelihood ratios (K,) of inputs (K, N)."""
    return learnt.apply(inputs[:, 0] if isinstance(learnt, PavCalibration) else inputs)


def as_written(values: np.ndarray) -> np.ndarray:
    """Return the numbers (K,) that are read back from a score file, which holds 7 significant digits.

    A threshold is often the very ratio of a trial: one found on more digits would decide that trial another
    way when it comes from the file, and with PAV all trials of a step.
    """
    size = np.floor(np.log10(np.abs(values), where=values != 0, out=np.zeros(len(values))))
    unit = 10.0 ** np.clip(6 - size, 0, 300)
    return np.round(values * unit) / unit


def stack_inputs(
    systems: tuple[str, ...],
    measures: tuple[Measure, ...],
    scores: Mapping[str, np.ndarray],
    quality: Mapping[str, np.ndarray],
) -> np.ndarray:
    """Return the inputs (K, N) of a map: a column a system, then two columns a measure."""
    return np.column_stack([*(scores[each] for each in systems), *(quality[each.name] for each in measures)])


def write_calibrations(path: PathLike, learnt: Mapping[str, SystemCalibration]) -> None:
    """Write calibration.json atomically."""
    write_json(path, {name: each.to_json() for name, each in learnt.items()})


def read_calibrations(path: PathLike) -> dict[str, SystemCalibration]:
    """Read calibration.json. Raises `WespkError` naming the file and the system that is at fault."""
    value = read_json(path)
    if not isinstance(value, dict) or not value:
        raise WespkError(f"{path}: holds no calibration; it is written by `wespk calibrate`")
    learnt = {}
    for name, each in value.items():
        try:
            found = learnt[name] = SystemCalibration.from_json(each)
            if not found.is_fusion and (found.inputs != (name,) or found.quality):
                raise WespkError("is no fusion, and has other inputs than its own scores")
        except WespkError as error:
            raise WespkError(f"{path}: '{name}' {error}; run `wespk calibrate` again") from None
    return learnt


def _read_map(value: Mapping[str, Any]) -> LinearFusion | PavCalibration:
    if value["method"] == "pav":
        return PavCalibration(value["scores"], value["llrs"])
    if value["method"] != "linear":
        raise ValueError(f"method {value['method']}")
    weights, offset = value["weights"], float(value["offset"])
    if value["score_thresholds"] is not None and len(weights) == 1:
        LinearCalibration(float(weights[0]), offset)  # refuses a scale that is not positive
    return LinearFusion(weights, offset)
