"""Shell scripts under test: written into a temporary folder and run there, without a terminal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # as path.sh would set it
INHERITED = {name: value for name, value in os.environ.items() if name not in ("WESPK_VENV", "PYTHON")}
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return REPOSITORY


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a command in the temporary folder; keyword arguments become environment variables."""

    def run(*command: str | Path, cwd: Path | None = None, **environment: str):
        return subprocess.run(
            [str(part) for part in command],
            cwd=cwd or tmp_path,
            env={**INHERITED, "PATH": PATH, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the checkout's shell side, with a stub of the package and two recipes that only echo."""
    copy = tmp_path / "checkout"
    shutil.copytree(REPOSITORY / "tools", copy / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("run.sh", "path.sh", "setup.py"):
        shutil.copy(REPOSITORY / name, copy / name)
    (copy / "wespk").mkdir()
    (copy / "wespk/__init__.py").write_text('__version__ = "0"\n')
    for recipe in ("mini", "an4"):
        folder = copy / "egs" / recipe
        folder.mkdir(parents=True)
        (folder / "run.sh").write_text(
            "set -euo pipefail\n"
            'cd "$(dirname "$0")"\n'
            "nj=4      # jobs side by side\n"
            "corpus=   # where the recordings are\n"
            f'help_message="Usage: bash run.sh of {recipe}"\n'
            ". ../../tools/parse_options.sh\n"
            f'echo "{recipe}: nj=$nj corpus=$corpus venv=${{WESPK_VENV:-}}"\n'
        )
    return copy
