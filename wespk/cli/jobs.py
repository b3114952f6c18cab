"""Verbs that make an archive: one job's share with --job, or everything, in --nj processes, with a merge."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from wespk.cli.options import add_max_rejected, positive
from wespk.core.errors import WespkError
from wespk.core.locks import exclusive
from wespk.core.process import die_with_parent
from wespk.core.progress import Ticker, say, track
from wespk.data.jobs import Job, Piece, merge_jobs

PROGRESS = re.compile(r"(\d+)/(\d+) \(\d+ %\)")


def add_jobs(parser: ArgumentParser, each_gpu: bool = False) -> None:
    """Add --nj, --job and --max-rejected; with `each_gpu`, --nj is None by default."""
    parser.add_argument(
        "--nj",
        type=positive,
        default=None if each_gpu else 1,
        metavar="N",
        help=f"processes side by side on this machine ({'one for each GPU, or 1' if each_gpu else '1'})",
    )
    parser.add_argument(
        "--job",
        metavar="JOB/N",
        help="do this share of the items only, for a job of a cluster; `wespk merge-jobs` joins them",
    )
    add_max_rejected(parser, 0.01)


def run_jobs(args: Namespace, folder: Path, name: str, piece: Callable[[], Piece]) -> list[str]:
    """Make `folder`/`name`.scp of the items of `piece()`: one share with --job, else all, and merged.

    Return what the processes of --nj said last, a line each.
    """
    if args.job:
        job = Job.parse(args.job)
        with exclusive(
            folder / "jobs" / f".{name}.{job.index}.lock", f"job {args.job} of {folder}/{name}.scp"
        ):
            piece().run(job, track)
        return []
    if not args.data.is_dir():
        raise WespkError(f"{args.data}: no such data directory; run the stage that prepares it")
    with exclusive(folder / "jobs" / f".{name}.lock", f"{folder}/{name}.scp"):
        lines = []
        if args.nj == 1:
            piece().run(Job(1, 1), track)
        else:
            lines = run_side_by_side(args, folder / "log", args.nj)
            kept = sum("up to date" in line for line in lines)
            if kept:
                say(f"{kept} of {args.nj} jobs are up to date")
        say(merge_jobs(folder, name, args.max_rejected))
    return lines


def run_side_by_side(args: Namespace, logs: Path, count: int) -> list[str]:
    """Run this verb again in `count` processes, each with its --job; logs are `logs`/VERB.JOB.log.

    Return each one's last line. At the first failure the others are stopped, and it is raised.
    """
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
        statuses = _watch(processes, paths, args.verb)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    lines = [path.read_text("utf-8", "replace").strip().splitlines() for path in paths]
    for job, (status, said, path) in enumerate(zip(statuses, lines, paths, strict=True), 1):
        if status < 0:
            how = f"killed by {signal.Signals(-status).name}; was memory short? Finished jobs are kept"
            raise WespkError(f"job {job} of {count} was {how} (log: {path})")
        if status:
            told = said[-1].removeprefix(f"wespk {args.verb}: error: ") if said else f"status {status}"
            raise WespkError(f"job {job} of {count} failed: {told} (log: {path})")
    return [said[-1] if said else "" for said in lines]


def _watch(processes: list[subprocess.Popen[bytes]], logs: list[Path], verb: str) -> list[int]:
    """Wait for all processes, or for the first failure, showing how many of their items are done.

    Return the statuses, 0 for a process that is still running.
    """
    ticker = Ticker()
    while True:
        statuses = [process.poll() for process in processes]
        if None not in statuses or any(statuses):
            ticker.clear()
            return [status or 0 for status in statuses]
        time.sleep(0.05)
        if ticker.due():
            ticker.show(f"{verb}: {_progress(logs)}, {len(logs)} jobs")


def _progress(logs: list[Path]) -> str:
    found = [PROGRESS.findall(log.read_text("utf-8", "replace")) for log in logs]
    done = [(int(counts[-1][0]), int(counts[-1][1])) for counts in found if counts]
    return f"{sum(d for d, _ in done)}/{sum(t for _, t in done)} done" if done else "starting"
