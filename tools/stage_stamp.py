#!/usr/bin/env python3
"""Decide whether a stage of a recipe is out of date, and record that it has run. For tools/stages.sh.

Usage: stage_stamp.py begin <stage> <title> <forced> [--out PATH ...] [--in PATH ...] [--set TEXT ...]
       stage_stamp.py end < what-begin-printed

  stage_stamp.py begin 2 features false --out data/train/feats.scp --in conf/fbank.conf data/train/wav.scp

`begin` prints `run` or `skip`, then the reason, then a JSON description of the stage for `end`, a line each.
Before a run it removes the old stamp, so that a run that is cut short is not taken for a finished one. `end`
checks that the outputs exist and writes the stamp `.<stage>.<title>.stage.json` in the first output's folder:
the digests of the inputs and the settings. Standard library only, as it runs many times in a recipe.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["end"] and len(arguments) == 1:
        return end(json.load(sys.stdin))
    if arguments[:1] == ["begin"] and len(arguments) > 3:
        stage, title, forced, *lists = arguments[1:]
        return begin(stage, title, forced == "true", parse_lists(lists))
    print(__doc__.strip())
    sys.exit(0 if arguments in (["--help"], ["-h"]) else 1)


def begin(stage: str, title: str, forced: bool, lists: dict[str, list[str]]) -> None:
    outputs, settings = lists["--out"], " ".join(lists["--set"])
    if not outputs:
        sys.exit(f"begin_stage {stage}: --out is missing: name a file or folder that the stage makes")
    now: dict[str, Any] = {"stage": stage, "title": title, "outputs": outputs, "settings": settings}
    before = read_stamp(now)
    now["by_products"] = before["by_products"] if before else []
    now["inputs"] = digests(lists["--in"], outputs + now["by_products"])
    reason = "forced by --stage" if forced else out_of_date(before, now)
    if reason:
        for place in stamps(now):
            place.unlink(missing_ok=True)
    print("run" if reason else "skip", reason, sep="\n")
    print(json.dumps({**now, "input_paths": lists["--in"], "began": time.time()}))


def end(stage: dict[str, Any]) -> None:
    for output in stage["outputs"]:
        if not os.path.exists(output):
            sys.exit(f"stage {stage['stage']} ({stage['title']}) has ended without making {output}")
    began, paths = stage.pop("began"), stage.pop("input_paths")
    # The digests stay those from before the run: an input edited meanwhile must count as changed. What has
    # appeared in a folder among the inputs is the stage's own work.
    stage["by_products"] = sorted({*stage["by_products"], *input_files(paths)} - {*stage["inputs"]})
    stage["finished"] = time.strftime("%Y-%m-%d %H:%M:%S %z")
    stage["seconds"] = round(time.time() - began, 1)
    stamp = stamps(stage)[0]
    temporary = stamp.with_name(f"{stamp.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(stage, indent=1, sort_keys=True) + "\n", "utf-8")
    os.replace(temporary, stamp)


def parse_lists(arguments: list[str]) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {"--out": [], "--in": [], "--set": []}
    chosen = ""
    for argument in arguments:
        if chosen == "--set":  # one text, which may look like an option itself
            lists[chosen].append(argument)
            chosen = ""
        elif argument in lists:
            chosen = argument
        elif not chosen or argument.startswith("--"):
            sys.exit(f"begin_stage: {argument}: expected --out, --in or --set")
        else:
            lists[chosen].append(argument)
    return lists


def out_of_date(before: dict[str, Any] | None, now: dict[str, Any]) -> str:
    """Return why the stage must run, or an empty string."""
    missing = [output for output in now["outputs"] if not os.path.exists(output)]
    if before is None:
        return "never run" if missing else "no record of a finished run"
    if missing:
        return f"output {missing[0]} missing"
    if before["settings"] != now["settings"]:
        return f"setting changed: {difference(before['settings'], now['settings'])}"
    for path in sorted({*before["inputs"], *now["inputs"]}):
        old, new = before["inputs"].get(path), now["inputs"].get(path)
        if old != new:
            what = "new" if old is None else "missing" if new in (None, "missing") else "changed"
            return f"input {path} {what}"
    return ""


def difference(before: str, now: str) -> str:
    """Name the first word that differs: ``nj=8 (was nj=4)``."""
    old, new = before.split(), now.split()
    for was, word in zip(old, new, strict=False):
        if was != word:
            return f"{word} (was {was})"
    longer = old[len(new) :] or new[len(old) :] or [now]
    return f"{longer[0]} {'removed' if len(old) > len(new) else 'added'}"


def digests(paths: list[str], made: list[str]) -> dict[str, str]:
    """Map every input file to the SHA-256 of its content, or to ``missing``.

    What the stage makes is not its input, even when it lies in a folder that is.
    """
    real = {os.path.realpath(path) for path in made}
    return {
        file: file_digest(file)
        for file in input_files(paths)
        if os.path.realpath(file) not in real and os.path.dirname(os.path.realpath(file)) not in real
    }


def input_files(paths: list[str]) -> list[str]:
    """Return the files; a folder stands for those directly in it, hidden ones excepted."""
    files = []
    for path in paths:
        if os.path.isdir(path):
            names = sorted(name for name in os.listdir(path) if not name.startswith("."))
            files += [file for name in names if os.path.isfile(file := os.path.join(path, name))]
        else:
            files.append(path)
    return files


def file_digest(path: str) -> str:
    total = hashlib.sha256()
    try:
        with open(path, "rb") as stream:
            while block := stream.read(1 << 20):
                total.update(block)
    except FileNotFoundError:
        return "missing"
    return total.hexdigest()


def stamps(stage: dict[str, Any]) -> list[Path]:
    """Where the stamp is, or was before the first output appeared or disappeared: in it, or beside it."""
    slug = re.sub(r"[^a-z0-9]+", "-", stage["title"].lower()).strip("-")
    name = f".{stage['stage']}.{slug}.stage.json"
    first = Path(stage["outputs"][0])
    return [first / name, first.parent / name] if first.is_dir() else [first.parent / name]


def read_stamp(stage: dict[str, Any]) -> dict[str, Any] | None:
    try:
        stamp = json.loads(stamps(stage)[0].read_text("utf-8"))
        return stamp if {"settings", "inputs", "by_products"} <= stamp.keys() else None
    except (OSError, ValueError, AttributeError):  # no stamp, or not one of ours: the stage simply runs
        return None


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.exit(f"stage_stamp.py: {error.filename}: {error.strerror}")
