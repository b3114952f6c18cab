"""The manifest: what an artefact was made from, by which code and on which machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import wespk

LIBRARIES = ("torch", "torchaudio", "kaldiio", "numpy", "scipy", "soundfile")


def manifest(**facts: Any) -> dict[str, Any]:
    """Return `facts` (data digest, seed, ...) with the code version, libraries, platform and command line."""
    return {
        **facts,
        "wespk": wespk.__version__,
        "git": _git_state(),
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "not installed"


def _git_state() -> str:
    root = Path(wespk.__file__).parents[1]
    if not (root / ".git").exists():
        return "not a git checkout"
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
