"""Learn calibration, fusions and thresholds on development trials, or apply them.

Usage:   wespk calibrate [options] CALIBRATION DEV-TRIALS SCORES ...
         wespk calibrate --apply [options] CALIBRATION TRIALS SCORES ...
Example: cd exp/ecapa
         wespk calibrate --fuse both=cosine,plda --fuse long=cosine,duration \\
           --quality quality.dev --enrol ../../data/dev/enrol \\
           final/calibration.json ../../data/dev/trials scores/dev.{cosine,plda}.score
         wespk calibrate --apply --quality quality.test --enrol ../../data/test/enrol \\
           final/calibration.json ../../data/test/trials scores/test.{cosine,plda}.score

A score file is named LIST.SYSTEM.score. Learning finds, for each system, the map from scores to natural-log
likelihood ratios: a scale and an offset by prior-weighted logistic regression, or a rising step map (PAV).
Each --fuse NAME=INPUT,INPUT,... becomes one ratio too, a weighted sum of inputs: systems among SCORES, and
columns of --quality tables (`wespk compute-quality`), of which a trial has the lower and the higher value of
its two sides, and the logarithm of duration and voiced. The thresholds at the EER, at minDCF of each --point,
and at false-alarm rates of 1 % and 0.1 % are noted, on scores and on ratios. Applying writes LIST.SYSTEM.llr
beside each score file, and LIST.NAME.llr for each fusion whose systems are all among SCORES.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wespk.backend.calibration import PavCalibration, train_linear_calibration, train_pav_calibration
from wespk.backend.fusion import LinearFusion, train_fusion
from wespk.cli.calibration_file import (
    Measure,
    SystemCalibration,
    apply_map,
    as_written,
    column_names,
    read_calibrations,
    stack_inputs,
    write_calibrations,
)
from wespk.cli.fusion_inputs import QualityTables, parse_fusions
from wespk.cli.options import add_points
from wespk.cli.score_files import LLR, by_system, system_name
from wespk.core.errors import WespkError
from wespk.core.progress import say
from wespk.data.scores import read_scores, write_scores
from wespk.data.trials import read_trials
from wespk.metrics.costs import cllr, min_dcf
from wespk.metrics.curves import step_curve
from wespk.metrics.error_rates import eer
from wespk.metrics.pav import pav
from wespk.metrics.points import EmpiricalPoint, OperatingPoint
from wespk.metrics.scores import ScoreSet
from wespk.metrics.thresholds import find_thresholds

Points = tuple[OperatingPoint | EmpiricalPoint, ...]

METHODS = ("linear", "pav")
P_TARGET = 0.01
DEFAULT_POINTS: Points = (OperatingPoint(0.01), OperatingPoint(0.05))
OUTPUTS = ("calibration",)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "calibration", type=Path, metavar="CALIBRATION", help="JSON file; output when learning"
    )
    parser.add_argument("trials", type=Path, metavar="TRIALS", help="trial list of the scores")
    parser.add_argument("scores", type=Path, nargs="+", metavar="SCORES", help="files LIST.SYSTEM.score")
    parser.add_argument("--apply", action="store_true", help="apply instead of learning")
    parser.add_argument(
        "--method",
        choices=METHODS,
        help="the map of a single system (linear); fusions are linear always",
    )
    parser.add_argument(
        "--fuse",
        action="append",
        default=[],
        metavar="NAME=INPUTS",
        help="learn this fusion too; with --apply just NAME: fail when this fusion cannot be written",
    )
    parser.add_argument(
        "--quality",
        action="append",
        default=[],
        type=Path,
        metavar="TABLE",
        help="quality measures of utterances, as `wespk compute-quality` writes them",
    )
    parser.add_argument(
        "--enrol", type=Path, metavar="LIST", help="lines `model-id utt utt ...`, for the quality of models"
    )
    parser.add_argument(
        "--p-target", type=float, metavar="P", help=f"prior that the fit is weighted for ({P_TARGET})"
    )
    add_points(parser, "operating point whose threshold is noted", "0.01 and 0.05")


def run(args: Namespace) -> None:
    """Learn from, or apply to, each score file."""
    if args.enrol is not None and not args.quality:
        raise WespkError("--enrol is for the quality of models; give --quality TABLE too, or leave it away")
    if not args.apply:
        args.method = args.method or METHODS[0]
        args.p_target = P_TARGET if args.p_target is None else args.p_target
        _learn(args)
    elif args.method or args.p_target is not None or args.point:
        raise WespkError("--method, --p-target and --point are for learning; leave them away with --apply")
    else:
        _apply(args)


def _learn(args: Namespace) -> None:
    files = by_system(args.scores, _raw_system)
    tables = QualityTables(args.quality)
    fusions = parse_fusions(args.fuse, files, tables)
    trials = read_trials(args.trials)
    scores = {system: read_scores(path, trials) for system, path in files.items()}
    measures = sorted({measure for _, some in fusions.values() for measure in some})
    quality = tables.of_trials(measures, trials, args.enrol)
    learnt: dict[str, SystemCalibration] = {}
    figures: dict[str, _Figures] = {}
    for system, path in files.items():
        try:
            raw = ScoreSet.from_labels(scores[system], trials.is_target)
            found = _calibrated(raw, args)
        except WespkError as error:
            raise WespkError(f"{path}: {error}") from None
        ratios = ScoreSet.from_labels(apply_map(found, scores[system][:, None]), trials.is_target)
        learnt[system] = _record(args, (system,), (), found, ratios, raw)
        figures[system] = _Figures.of(ratios, args)
        say(f"{system}: {learnt[system]}; dev {figures[system].after(_Figures.of(raw, args))}")
    for name, (systems, some) in fusions.items():
        inputs = stack_inputs(systems, some, scores, quality)
        columns = [f"values of {column}" for column in column_names(systems, some)]
        try:
            fused = train_fusion(inputs[trials.is_target], inputs[~trials.is_target], args.p_target, columns)
        except WespkError as error:
            raise WespkError(f"{args.trials}: fusion '{name}': {error}") from None
        ratios = ScoreSet.from_labels(fused.apply(inputs), trials.is_target)
        learnt[name] = _record(args, systems, some, fused, ratios, None)
        best = min(systems, key=lambda system: figures[system].cllr)
        gained = _Figures.of(ratios, args).after(figures[best])
        say(f"{name}: {learnt[name]}; dev, from {best} alone: {gained}")
    write_calibrations(args.calibration, learnt)


def _apply(args: Namespace) -> None:
    files = by_system(args.scores, _raw_system)
    tables = QualityTables(args.quality)
    learnt = read_calibrations(args.calibration)
    for system in files:
        if system not in learnt or learnt[system].is_fusion:
            known = ", ".join(name for name, each in learnt.items() if not each.is_fusion)
            raise WespkError(f"{args.calibration}: no calibration of '{system}'; there are: {known}")
    fusions = {name: each for name, each in learnt.items() if each.is_fusion}
    for name in args.fuse:
        if name not in fusions:
            known = ", ".join(fusions) or "none"
            raise WespkError(f"{args.calibration}: no fusion '{name}'; there are: {known}")
    lacking = {name: sorted(set(each.inputs) - files.keys()) for name, each in fusions.items()}
    for name, systems in lacking.items():
        if systems and name in args.fuse:
            raise WespkError(f"fusion '{name}' needs the scores of {', '.join(systems)}; give them too")
    fused = {name: each for name, each in fusions.items() if not lacking[name]}
    trials = read_trials(args.trials)
    scores = {system: read_scores(path, trials) for system, path in files.items()}
    measures = sorted({measure for each in fused.values() for measure in each.quality})
    quality = tables.of_trials(measures, trials, args.enrol)
    outputs = {system: path.with_suffix(LLR) for system, path in files.items()}
    outputs.update({name: _fused_path([files[each] for each in fused[name].inputs], name) for name in fused})
    for name, path in outputs.items():
        write_scores(path, trials, learnt[name].apply(scores, quality))
    say(f"{args.trials}: log-likelihood ratios of {', '.join(outputs)}")
    for name, systems in lacking.items():
        if systems:
            say(f"{args.trials}: no fusion '{name}', which needs the scores of {', '.join(systems)} too")


def _raw_system(path: Path) -> str:
    """Return the system of a file of scores, LIST.SYSTEM.score."""
    if path.suffix == LLR:
        raise WespkError(
            f"{path}: holds ratios that are calibrated already; give the scores, {path.stem}.score"
        )
    return system_name(path)


def _calibrated(raw: ScoreSet, args: Namespace) -> LinearFusion | PavCalibration:
    """Return the map of one system's scores by the method asked for."""
    linear = train_linear_calibration(raw.target, raw.nontarget, args.p_target)
    if args.method == "linear":
        return LinearFusion(np.array([linear.scale]), linear.offset)
    pools = pav(raw)  # only after the linear fit, which refuses scores in reverse
    return train_pav_calibration(pools.score_low, pools.score_high, pools.targets, pools.nontargets)


def _record(
    args: Namespace,
    systems: tuple[str, ...],
    measures: tuple[Measure, ...],
    found: LinearFusion | PavCalibration,
    ratios: ScoreSet,
    raw: ScoreSet | None,
) -> SystemCalibration:
    """Return what is noted of one system or fusion; thresholds are those of ratios as files hold them."""
    written = ScoreSet(as_written(ratios.target), as_written(ratios.nontarget))
    return SystemCalibration(
        systems,
        measures,
        found,
        None if isinstance(found, PavCalibration) else args.p_target,
        str(args.trials),
        find_thresholds(written, _points(args)),
        None if raw is None else find_thresholds(raw, _points(args)),
    )


class _Figures(NamedTuple):
    """What is printed of scores: the equal error rate, minDCF at the first point, and Cllr."""

    eer: float
    min_dcf: float
    cllr: float
    point: str

    @staticmethod
    def of(scores: ScoreSet, args: Namespace) -> _Figures:
        point, curve = _points(args)[0], step_curve(scores)
        return _Figures(eer(curve).value, min_dcf(curve, point).value, cllr(scores), point.name)

    def after(self, before: _Figures) -> str:
        return (
            f"EER {100 * before.eer:.2f} -> {100 * self.eer:.2f} %, "
            f"minDCF({self.point}) {before.min_dcf:.3f} -> {self.min_dcf:.3f}, "
            f"Cllr {before.cllr:.3f} -> {self.cllr:.3f}"
        )


def _points(args: Namespace) -> Points:
    return tuple(args.point or DEFAULT_POINTS)


def _fused_path(files: Sequence[Path], name: str) -> Path:
    """Return LIST.NAME.llr beside the first of a fusion's score files, which must all be of one LIST."""
    (first, *others), lists = files, [path.name.split(".")[0] for path in files]
    for path, of_list in zip(others, lists[1:], strict=True):
        if of_list != lists[0]:
            raise WespkError(f"fusion '{name}': {first} and {path} are of two lists; give scores of one")
    return first.with_name(f"{lists[0]}.{name}.llr")
