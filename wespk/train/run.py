"""A training run's folder: begun with a description of the run, checked when the run is continued."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from wespk.core.config import first_difference
from wespk.core.errors import WespkError
from wespk.core.files import read_json, read_text
from wespk.core.manifest import manifest
from wespk.core.progress import say
from wespk.inference.model_dir import CONFIG, MANIFEST, describe_model, save_model
from wespk.train.checkpoint import LAST, average_weights, epoch_checkpoints, epoch_path
from wespk.train.config import TrainConfig
from wespk.train.dataset import TrainingSet


def begin_run(out: Path, config: TrainConfig, data: TrainingSet) -> None:
    """Describe the run in `out`, or check that the run begun there has the same settings and data.

    A run is begun when it has a checkpoint. Raises `WespkError` naming the first setting that differs:
    continuing it would mix two trainings.
    """
    if not _is_begun(out):
        facts = manifest(seed=config.seed, data_digest=data.digest, data=data.source)
        describe_model(out, config, data.spec, data.speakers, facts)
        return
    remedy = f"give the new run a folder of its own (--exp), or delete {out}"
    begun_with = yaml.safe_load(read_text(out / CONFIG))
    difference = first_difference(_what_matters(begun_with), _what_matters(config.model_dump(mode="json")))
    if difference:
        key, begun, wanted = difference
        raise WespkError(f"{out} was begun with {key}: {begun}, not {wanted}; {remedy}")
    if read_json(out / MANIFEST)["data_digest"] != data.digest:
        raise WespkError(f"{out} was begun on other data or features than {data.source} holds now; {remedy}")


def begun_precision(out: Path) -> str | None:
    """Return the precision of the run begun in `out`, which `auto` keeps anywhere; None without one."""
    if not _is_begun(out):
        return None
    return yaml.safe_load(read_text(out / CONFIG))["precision"]


def _is_begun(out: Path) -> bool:
    return (out / "checkpoints" / LAST).exists()


def _what_matters(config: dict[str, Any]) -> dict[str, Any]:
    """Leave out the settings that change nothing of what is learnt."""
    data = {key: value for key, value in config["data"].items() if key != "num_workers"}
    rest = {key: value for key, value in config.items() if key not in ("save_every_steps", "keep_epochs")}
    return {**rest, "data": data}


def average_models(run: Path, out: Path, last: int) -> None:
    """Average the network's weights of the last epochs of `run` into the model directory `out`.

    Raises `WespkError` when the run has fewer epochs than `last`, unless it is an untrained network.
    """
    folder = run / "checkpoints"
    found = epoch_checkpoints(folder)
    config = yaml.safe_load(read_text(run / CONFIG))
    if not found or (config["epochs"] and found[-1] != epoch_path(folder, config["epochs"])):
        raise WespkError(f"{run}: training has not finished its {config['epochs']} epochs; run stage 3 again")
    chosen = found[-last:]
    if len(chosen) < last and config["epochs"]:
        raise WespkError(
            f"{run}: {len(found)} epochs are kept, fewer than {last}; raise keep_epochs or average fewer"
        )
    facts = {**read_json(run / MANIFEST), "averaged": [path.stem for path in chosen]}
    save_model(out, run, average_weights(chosen), facts)
    say(f"{out}: average of {', '.join(path.stem for path in chosen)}")
