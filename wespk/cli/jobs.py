"""Verbs that make an archive: one job's share with --job, or everything, in --nj processes, with a merge."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from wespk.cli.options import add_max_rejected, positive
from wespk.core.errors import WespkError
from wespk.core.process import die_with_parent
from wespk.core.progress import Ticker, say, track
from wespk.data.jobs import Job, Piece, merge_jobs

PROGRESS = re.compile(r"(\d+)/(\d+) \(\d+ %\)")


def add_jobs(parser: ArgumentParser, max_rejected: float = 0.01) -> None:
    """Add --nj, --job and --max-rejected."""
    parser.add_argument(
        "--nj", type=positive, default=1, metavar="N", help="processes side by side on this machine (1)"
    )
    parser.add_argument(
        "--job",
        metavar="JOB/N",
        help="do this share of the items only, for a job of a cluster; `wespk merge-jobs` joins them",
    )
    add_max_rejected(parser, max_rejected)


def run_jobs(args: Namespace, folder: Path, name: str, piece: Callable[[], Piece]) -> None:
    """Make `folder`/`name`.scp of the items of `piece()`: one share with --job, else all, and merged."""
    if args.job:
        piece().run(Job.parse(args.job), track)
        return
    if args.nj == 1:
        piece().run(Job(1, 1), track)
    else:
        run_side_by_side(args, folder / "log", args.nj)
    say(merge_jobs(folder, name, args.max_rejected))


def run_side_by_side(args: Namespace, logs: Path, count: int) -> None:
    """Run this verb again in `count` processes, each with its --job; logs are `logs`/VERB.JOB.log."""
    logs.mkdir(parents=True, exist_ok=True)
    paths = [logs / f"{args.verb}.{job}.log" for job in range(1, count + 1)]
    command = [sys.executable, "-m", "wespk", args.verb, *args.argv]
    environment = {"OMP_NUM_THREADS": "1", **os.environ}  # the processes share the cores
    processes = []
    try:
        for job, path in enumerate(paths, 1):
            with open(path, "wb") as log:
                processes.append(
                    subprocess.Popen(
                        [*command, "--job", f"{job}/{count}"],
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        env=environment,
                        preexec_fn=die_with_parent,
                    )
                )
        _watch(processes, paths, args.verb)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    for job, (process, path) in enumerate(zip(processes, paths, strict=True), 1):
        if process.returncode:
            lines = path.read_text("utf-8", "replace").strip().splitlines() or ["no output"]
            last = lines[-1].removeprefix(f"wespk {args.verb}: error: ")
            status = f"job {job} of {count} failed with status {process.returncode}"
            raise WespkError(f"{status}: {last} (log: {path})")
    for path in paths:
        say(path.read_text("utf-8", "replace").strip().splitlines()[-1])


def _watch(processes: list[subprocess.Popen[bytes]], logs: list[Path], verb: str) -> None:
    """Wait for all processes, or for the first failure, showing how many of their items are done."""
    ticker = Ticker()
    while any(process.poll() is None for process in processes) and not any(p.returncode for p in processes):
        time.sleep(0.05)
        if ticker.due():
            found = [PROGRESS.findall(log.read_text("utf-8", "replace")) for log in logs]
            done = [tuple(map(int, counts[-1])) for counts in found if counts]
            ticker.show(f"{verb}: {sum(d for d, _ in done)}/{sum(t for _, t in done)} in {len(logs)} jobs")
    ticker.clear()
