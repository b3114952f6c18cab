"""One task of a job that slurm.py has submitted; the batch script runs this on the node.

The command comes from a file rather than through a shell, so that every argument arrives as it was given.
Standard output is the task's log, which Slurm has opened; Slurm's own last words follow in it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from launcher import Call, Job, cannot_start, exit_code


def main(order: Path, token: str) -> int:
    """Run the task of the order, unless that is not the one this job was submitted with."""
    try:
        settings = json.loads(order.read_text())
    except FileNotFoundError:
        settings = {"token": None}
    if settings.pop("token") != token:
        print("slurm.py: this job has been replaced: its log was submitted again")
        return 1
    call = Call(**settings)
    job = call.job(int(os.environ["SLURM_ARRAY_TASK_ID"])) if call.array else call.jobs()[0]
    os.write(sys.stdout.fileno(), job.header())
    begin = time.monotonic()
    code = run(job, {**os.environ, "OMP_NUM_THREADS": threads(call), "WESPK_PARALLEL_JOBS": "1"})
    job.end_log(code, time.monotonic() - begin)
    return code


def threads(call: Call) -> str:
    """Return how many threads the task may use: what was asked for, else what Slurm has given it here."""
    given = os.environ.get("SLURM_CPUS_PER_TASK") or os.environ.get("SLURM_CPUS_ON_NODE") or "1"
    return str(call.num_threads or given)


def run(job: Job, environment: dict[str, str]) -> int:
    try:
        process = subprocess.Popen(job.process(), stdin=subprocess.DEVNULL, env=environment)
    except OSError as error:
        code, message = cannot_start(job.process(), error)
        os.write(sys.stdout.fileno(), message)
        return code

    def pass_on(number: int, _frame: object) -> None:
        """Let the command know what Slurm, on most sites, tells the batch script alone."""
        if os.getpgrp() == os.getpid():  # all of the batch script's processes are in one group, and this too
            signal.signal(number, signal.SIG_IGN)
            os.killpg(0, number)
        else:
            process.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    return exit_code(process.wait())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
