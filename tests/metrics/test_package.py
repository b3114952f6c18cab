"""What `import wespk.metrics` and `import wespk.backend` bring, and what they leave out."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = {"matplotlib", "rich", "scipy", "sklearn", "torch"}


@pytest.mark.parametrize("package", ["wespk.backend", "wespk.metrics"])
def test_measures_and_scorers_load_no_more_than_numpy(package):
    code = f"import sys, {package}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not SLOW & set(loaded.split())
