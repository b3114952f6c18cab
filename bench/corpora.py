"""From five real corpora to features, in two commands each: what was found and used, and how long it took.

    WESPK_REAL_DATA=/corpora python bench/corpora.py

The folder holds an4, aishell_sample, timit_sample, fsdd and librispeech_sample. Seconds are those of the
whole commands, with the start of Python; features are computed by two jobs. Exits with an error unless files
found = utterances + files not used, and utterances = matrices + utterances rejected.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from wespk.core.errors import WespkError
from wespk.core.rejections import Rejections
from wespk.core.script import errors_for_people
from wespk.data.datadir import load_data_dir
from wespk.data.tables import read_table

JOBS = 2
# Corpus, sample rate, options of prepare-data; {corpus} stands for its folder.
CORPORA = (
    ("an4", 16000, "--genders {corpus}/speakers.tsv"),
    ("aishell_sample", 16000, ""),
    ("timit_sample", 16000, ""),
    ("fsdd", 8000, "--genders {corpus}/speakers.tsv"),
    ("librispeech_sample", 16000, "--speaker-level 2 --genders {corpus}/SPEAKERS.TXT"),
)
HEADS = (
    "corpus",
    "files",
    "utts",
    "speakers",
    "hours",
    "unused",
    "rejected",
    "frames",
    "prepare s",
    "fbank s",
)


def main() -> None:
    home = os.environ.get("WESPK_REAL_DATA")
    if not home:
        raise WespkError("set WESPK_REAL_DATA to the folder of the five corpora")
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, rate, options in CORPORA:
            rows.append(measure(Path(home, name), rate, options, Path(scratch, name)))
            print(f"{name}: done", file=sys.stderr, flush=True)
    totals = [sum(float(row[n]) for row in rows) for n in range(1, len(HEADS))]
    digits = [2 if head == "hours" or head.endswith(" s") else 0 for head in HEADS[1:]]
    rows.append(["all", *(f"{total:.{places}f}" for total, places in zip(totals, digits, strict=True))])
    for row in (HEADS, *rows):
        print(f"{row[0]:18s}" + "".join(f"{cell:>11s}" for cell in row[1:]))


def measure(corpus: Path, rate: int, options: str, out: Path) -> list[str]:
    """Prepare one corpus and compute its features; return a row of the table."""
    prepare_s = timed("prepare-data", *options.format(corpus=corpus).split(), corpus, out)
    fbank_s = timed(
        *("compute-fbank", "--nj", JOBS, f"--sample-frequency={rate}", "--num-mel-bins=80", "--dither=0", out)
    )
    data = load_data_dir(out)
    unused, rejected = (Rejections.read(out / name) for name in ("not_prepared.txt", "rejected.txt"))
    files = sum(len(names) for _, _, names in os.walk(corpus))
    frames = {utt: int(count) for utt, count in read_table(out / "utt2num_frames").items()}
    if files != len(data.utterances) + len(unused):
        raise WespkError(f"{corpus}: {files} files, {len(data.utterances)} used and {len(unused)} not")
    rejected.reconcile(str(corpus), data.utterances, frames)
    hours = sum(map(float, read_table(out / "utt2dur").values())) / 3600
    counts = (files, len(data.utterances), len(data.speakers))
    return [
        corpus.name,
        *map(str, counts),
        f"{hours:.2f}",
        *map(str, (len(unused), len(rejected), sum(frames.values()))),
        f"{prepare_s:.2f}",
        f"{fbank_s:.2f}",
    ]


def timed(*command: object) -> float:
    """Run a wespk command and return its seconds."""
    start = time.perf_counter()
    words = [sys.executable, "-m", "wespk", *map(str, command)]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode:
        raise WespkError(f"wespk {command[0]} failed: {done.stderr.strip()[-500:]}")
    return time.perf_counter() - start


if __name__ == "__main__":
    with errors_for_people():
        main()
