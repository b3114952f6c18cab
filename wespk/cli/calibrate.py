"""Learn calibration and thresholds on development trials, or apply them.

Usage:   wespk calibrate [options] CALIBRATION DEV-TRIALS SCORES ...
         wespk calibrate --apply CALIBRATION TRIALS SCORES ...
Example: cd exp/ecapa
         wespk calibrate final/calibration.json ../../data/dev/trials scores/dev.*.score
         wespk calibrate --apply final/calibration.json ../../data/test/trials scores/test.*.score

A score file is named LIST.SYSTEM.score. Learning fits, for each system, the scale and offset that turn
scores into natural-log likelihood ratios (prior-weighted logistic regression), and notes the thresholds at
the EER and at minDCF. Applying writes LIST.SYSTEM.llr beside each score file.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from wespk.backend import LinearCalibration, train_linear_calibration
from wespk.core.errors import WespkError
from wespk.core.files import read_json, write_json
from wespk.core.progress import say
from wespk.data.trials import read_scores, read_trials, write_scores
from wespk.metrics import ScoreSet, evaluate


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "calibration", type=Path, metavar="CALIBRATION", help="JSON file; output when learning"
    )
    parser.add_argument("trials", type=Path, metavar="TRIALS", help="trial list of the scores")
    parser.add_argument("scores", type=Path, nargs="+", metavar="SCORES", help="files LIST.SYSTEM.score")
    parser.add_argument("--apply", action="store_true", help="apply instead of learning")
    parser.add_argument(
        "--p-target", type=float, default=0.01, help="prior that the fit is weighted for (0.01)"
    )


def run(args: Namespace) -> None:
    """Learn from, or apply to, each score file."""
    (_apply if args.apply else _learn)(args)


def system_name(path: Path) -> str:
    """Return SYSTEM of a file named LIST.SYSTEM.score or LIST.SYSTEM.llr."""
    parts = path.name.split(".")
    if len(parts) != 3 or parts[2] not in ("score", "llr"):
        raise WespkError(f"{path}: name score files LIST.SYSTEM.score, such as test.cosine.score")
    return parts[1]


def _learn(args: Namespace) -> None:
    trials = read_trials(args.trials)
    learnt: dict[str, Any] = {}
    for path in args.scores:
        system = system_name(path)
        if system in learnt:
            raise WespkError(f"{path}: '{system}' has been given before; one development list a system")
        raw = ScoreSet.from_labels(read_scores(path, trials), trials.is_target)
        try:
            calibration = train_linear_calibration(raw.target, raw.nontarget, args.p_target)
        except WespkError as error:
            raise WespkError(f"{path}: {error}") from None
        ratios = ScoreSet(calibration.apply(raw.target), calibration.apply(raw.nontarget))
        learnt[system] = {
            "scale": calibration.scale,
            "offset": calibration.offset,
            "p_target": args.p_target,
            "dev_trials": str(args.trials),
            "thresholds": evaluate(ratios).thresholds.to_json(),
            "score_thresholds": evaluate(raw).thresholds.to_json(),
        }
        at_eer = learnt[system]["score_thresholds"]["eer"]
        line = f"llr = {calibration.scale:.3f} score + {calibration.offset:.3f}"
        say(f"{system}: {line}; score at the EER: {at_eer:.4f}")
    write_json(args.calibration, learnt)


def _apply(args: Namespace) -> None:
    trials = read_trials(args.trials)
    learnt = read_json(args.calibration)
    for path in args.scores:
        system = system_name(path)
        if system not in learnt:
            raise WespkError(
                f"{args.calibration}: no calibration of '{system}'; there are: {', '.join(learnt)}"
            )
        calibration = LinearCalibration(learnt[system]["scale"], learnt[system]["offset"])
        write_scores(path.with_suffix(".llr"), trials, calibration.apply(read_scores(path, trials)))
    say(f"{args.trials}: calibrated {', '.join(map(system_name, args.scores))}")
