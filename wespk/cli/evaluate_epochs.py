"""Compute the EER of each epoch's weights on development trials, to see when training was best.

Usage:   wespk evaluate-epochs [options] EXP DATA
Example: wespk evaluate-epochs exp/ecapa data/dev
         wespk evaluate-epochs --epochs 5,10,15 --nj 4 exp/ecapa data/dev

The embeddings of DATA are extracted by the weights of EXP/checkpoints/epoch-*.pt, and the trials are scored
by the cosine after subtraction of the mean over DATA: no training embeddings are needed, and no label is
used. The figures go to EXP/epochs.json, for `wespk report`. An epoch is not done again while its weights, the
features and the lists are the same; one whose weights are gone keeps the figures it has.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable
from contextlib import redirect_stdout
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from wespk.backend import average_per_model, cosine_scores, subtract_mean
from wespk.cli import extract
from wespk.cli.options import add_max_rejected, positive
from wespk.core.errors import WespkError
from wespk.core.files import digest, file_digest, read_json, read_text, write_json
from wespk.core.locks import exclusive
from wespk.core.progress import say
from wespk.core.rejections import Rejections
from wespk.core.script import doc_parser
from wespk.data.archives import read_vectors
from wespk.data.trial_speakers import enrolment_beside
from wespk.data.trials import Trials, flat_enrolment, read_enrolment, read_trials
from wespk.metrics import ScoreSet
from wespk.metrics.epochs import EpochResult, best_epoch, epochs_table
from wespk.metrics.table import as_text

SCORING = "cosine, mean of the set subtracted"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("exp", type=Path, metavar="EXP", help="folder of a training run")
    parser.add_argument("data", type=Path, metavar="DATA", help="data directory with feats.scp")
    parser.add_argument("--trials", type=Path, metavar="LIST", help="trials (DATA/trials)")
    parser.add_argument(
        "--enrol",
        type=Path,
        metavar="LIST",
        help="lines `model-id utt utt ...` (DATA/enrol for DATA/trials, enrol_3 for trials_3; where there is "
        "none, an enrol-id is itself an utterance)",
    )
    parser.add_argument(
        "--epochs", type=_epochs, default=(), metavar="N,N|all", help="which epochs (all that have weights)"
    )
    parser.add_argument("--nj", type=positive, default=1, metavar="N", help="processes that extract (1)")
    parser.add_argument(
        "--trust-code", action="store_true", help="import a network that is not part of wespk, named by EXP"
    )
    add_max_rejected(parser, 0.01)


def run(args: Namespace) -> None:
    """Evaluate the epochs that are not up to date, and print the table."""
    from wespk.train.checkpoint import epoch_checkpoints

    checkpoints = {_number(path): path for path in epoch_checkpoints(args.exp / "checkpoints")}
    trials, enrolment, inputs = _lists(args)
    record = args.exp / "epochs.json"
    with exclusive(args.exp / ".epochs.lock", str(record)):
        found, name = _read(record), _list_name(Path(trials.source))
        others = [each for each in found if each.trials != name]
        of_list = {each.epoch: each for each in found if each.trials == name}
        known = {n: each for n, each in of_list.items() if _is_current(each, inputs, checkpoints.get(n))}
        if len(known) < len(of_list):
            changed = _ranges(sorted(of_list.keys() - known.keys()))
            say(f"the figures of {changed} do not hold: weights, features or lists have changed since")
        chosen = args.epochs or sorted({*checkpoints, *known})
        _require(chosen, checkpoints, known, args.exp)
        wanted = [epoch for epoch in chosen if epoch not in known]
        if len(wanted) < len(chosen):
            say(f"{len(chosen) - len(wanted)} of {len(chosen)} epochs are up to date")
        for epoch in wanted:
            scores = _scores(args, checkpoints[epoch], trials, enrolment)
            facts = {"weights": file_digest(checkpoints[epoch]), "inputs": inputs}
            known[epoch] = EpochResult.from_scores(epoch, scores, trials=name, scoring=SCORING, **facts)
            done = sorted((*others, *known.values()), key=lambda each: (each.trials, each.epoch))
            write_json(record, [each.to_json() for each in done])
            say(str(known[epoch]))
    _show(args, [known[epoch] for epoch in chosen], trials, set(known))


def _is_current(result: EpochResult, inputs: str, weights: Path | None) -> bool:
    """Whether a result is of the same inputs and weights; of weights that are gone it is all there is."""
    return result.inputs == inputs and (weights is None or result.weights == file_digest(weights))


def _show(args: Namespace, results: list[EpochResult], trials: Trials, known: set[int]) -> None:
    say(f"{trials}; {SCORING}")
    say(as_text(epochs_table(results)))
    missing = sorted(set(range(1, max(known) + 1)) - known)
    if missing and not args.epochs:
        say(
            f"nothing is known of {_ranges(missing)}: their weights are gone, since the training keeps only "
            "the last epochs (keep_epochs)"
        )
    say(f"best: {best_epoch(results)}; {args.exp / 'epochs.json'}")


def _lists(args: Namespace) -> tuple[Trials, dict[str, list[str]], str]:
    """Return the trials, the enrolment, and a digest of all that the figures depend on but the weights."""
    from wespk.inference.model_dir import CONFIG, MANIFEST

    trials_path = args.trials or args.data / "trials"
    trials = read_trials(trials_path)
    enrol_path = args.enrol or enrolment_beside(trials_path)
    if enrol_path is None:
        enrolment = {utt: [utt] for utt in trials.enrol_ids}
    else:
        enrolment = read_enrolment(enrol_path)
        unknown = [model for model in trials.enrol_ids if model not in enrolment]
        if unknown:
            raise WespkError(
                f"{trials_path}: enrol-id '{unknown[0]}' is not in {enrol_path} ({len(unknown)} are not); "
                "give the list that belongs to the trials by --enrol"
            )
    described = [args.data / "feats.json", args.exp / CONFIG, args.exp / MANIFEST]
    lists = [trials_path, *([enrol_path] if enrol_path else [])]
    return trials, enrolment, digest(SCORING, *map(read_text, described), *map(file_digest, lists))


def _scores(args: Namespace, weights: Path, trials: Trials, enrolment: dict[str, list[str]]) -> ScoreSet:
    """Extract the embeddings by one epoch's weights and score the trials."""
    with TemporaryDirectory(prefix="wespk-epoch-") as folder:
        scp = _extract(args, weights, Path(folder))
        keys, matrix = read_vectors(scp)
        rejected = Rejections.read(scp.with_name("rejected.txt")).reasons
    place = {utt: row for row, utt in enumerate(keys)}
    used, owner = flat_enrolment(enrolment[model] for model in trials.enrol_ids)
    for utt in (*used, *trials.test_ids):
        if utt not in place:
            why = rejected.get(utt, f"it is not in {args.data}")
            raise WespkError(f"{trials.source}: utterance '{utt}' has no embedding: {why}; mend the list")
    centred = subtract_mean(matrix, matrix.mean(axis=0, dtype=np.float64))
    models, _ = average_per_model(centred[[place[utt] for utt in used]], owner, len(trials.enrol_ids))
    tests = centred[[place[utt] for utt in trials.test_ids]]
    scores = cosine_scores(models, tests, trials.enrol_index, trials.test_index)
    return ScoreSet.from_labels(scores, trials.is_target)


def _extract(args: Namespace, weights: Path, folder: Path) -> Path:
    """Run `wespk extract` with a model directory of these weights; return the scp of the embeddings."""
    from wespk.inference.model_dir import MANIFEST, save_model
    from wespk.train.checkpoint import average_weights

    model, out = folder / weights.stem, folder / "embeddings"
    facts = {**read_json(args.exp / MANIFEST), "averaged": [weights.stem]}
    save_model(model, args.exp, average_weights([weights]), facts)
    parser = doc_parser(extract.__doc__, "wespk extract")
    extract.add_arguments(parser)
    options = ["--nj", str(args.nj), "--max-rejected", str(args.max_rejected)]
    argv = [*options, *["--trust-code"] * args.trust_code, *map(str, (model, args.data, out))]
    log = args.exp / "log" / "evaluate-epochs.log"
    log.parent.mkdir(exist_ok=True)
    with open(log, "a", encoding="utf-8") as stream, redirect_stdout(stream):
        extract.run(parser.parse_args(argv, Namespace(verb="extract", argv=argv)))
    return out / "xvector.scp"


def _read(path: Path) -> list[EpochResult]:
    if not path.exists():
        return []
    records = read_json(path)
    try:
        return [EpochResult.from_json(each) for each in (records if isinstance(records, list) else [None])]
    except WespkError as error:
        raise WespkError(f"{path}: {error}; delete it and run again") from None


def _require(chosen: Iterable[int], checkpoints: dict[int, Path], known: dict, exp: Path) -> None:
    if not chosen:
        raise WespkError(f"{exp / 'checkpoints'}: no epoch-*.pt; is {exp} the folder of a training run?")
    missing = [epoch for epoch in chosen if epoch not in checkpoints and epoch not in known]
    if missing:
        kept = f"those of {_ranges(sorted(checkpoints))} are kept" if checkpoints else "none are kept"
        raise WespkError(
            f"{exp / 'checkpoints'}: no weights of {_ranges(missing)}; {kept}: choose among them, or train "
            "with a larger keep_epochs"
        )


def _list_name(trials: Path) -> str:
    """Return the name of a list as recipes have it: data/dev/trials_3 is ``dev_3``."""
    is_usual = trials.name.startswith("trials")
    return trials.resolve().parent.name + trials.name.removeprefix("trials") if is_usual else trials.name


def _number(checkpoint: Path) -> int:
    return int(checkpoint.stem.removeprefix("epoch-"))


def _ranges(numbers: Iterable[int]) -> str:
    """Write ascending numbers as ``epochs 1 to 3, 7``."""
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    ]
    texts = [f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    single = len(runs) == 1 and len(runs[0]) == 1
    return f"epoch{'' if single else 's'} {', '.join(texts)}"


def _epochs(text: str) -> tuple[int, ...]:
    if text == "all":
        return ()
    numbers = text.split(",")
    if not all(number.isdecimal() for number in numbers):
        raise ArgumentTypeError(f"'{text}' is neither `all` nor numbers such as 5,10,15")
    return tuple(sorted(set(map(int, numbers))))
