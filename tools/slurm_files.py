"""What slurm.py writes beside the log of a call, in the folder q: the batch script and what it needs."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import secrets
import shlex
import sys
from pathlib import Path

from launcher import ANY_BYTES, Call

TASK = Path(__file__).resolve().with_name("slurm_task.py")


@dataclasses.dataclass(frozen=True)
class Files:
    """The files of a call, all of one name."""

    name: str  # also the job's
    script: Path  # what sbatch gets
    order: Path  # the call, for slurm_task.py
    job: Path  # the id, as long as the job may be alive

    @staticmethod
    def of(call: Call) -> Files:
        log = Path(call.log)
        folder = log.parent
        while call.array and call.array in str(folder):  # exp/JOB/x.log: one place for all
            folder = folder.parent
        name = re.sub(r"[^\w.+-]", "_", str(log.relative_to(folder)).removesuffix(".log"))
        beside = here() / folder / "q"
        return Files(name, beside / f"{name}.sh", beside / f"{name}.json", beside / f"{name}.job")

    def write(self, call: Call) -> None:
        """Write the script and the order. The token says that they belong together.

        A job of an earlier submission that Slurm still holds, unknown to us, then finds that it has been
        replaced, and does not write what the new one writes.
        """
        self.script.parent.mkdir(parents=True, exist_ok=True)
        token = secrets.token_hex(8)
        self.order.write_text(json.dumps({"token": token, **dataclasses.asdict(call)}, indent=1) + "\n")
        self.script.write_bytes(self.batch_script(token).encode(*ANY_BYTES))

    def batch_script(self, token: str) -> str:
        """Return what runs on the node: the recipe's environment, then the task."""
        venv = os.environ.get("WESPK_VENV")  # a site may submit with --export=NONE
        return "\n".join(
            [
                "#!/bin/bash",
                f"cd {shlex.quote(str(here()))} || exit 1",
                f"export WESPK_VENV={shlex.quote(venv)}" if venv else "unset WESPK_VENV",
                "[ ! -e ./path.sh ] || . ./path.sh",
                f"python={shlex.quote(sys.executable)}",
                '[ -x "$python" ] || python=python3',
                f'exec "$python" {shlex.quote(str(TASK))} {shlex.quote(str(self.order))} {token}',
                "",
            ]
        )

    def belong_to(self, record: str) -> bool:
        """Tell whether one of scontrol's records is of a job with this script."""
        return f" Command={self.script} " in record


def here() -> Path:
    """Return this folder by the name the user knows it by: the real one may exist on this machine only."""
    named = Path(os.environ.get("PWD", ""))
    same = named.is_absolute() and named.exists() and named.samefile(".")
    return named if same else Path.cwd()
