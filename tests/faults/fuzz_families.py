"""The families of cases, and how often each comes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fuzz_archives
import fuzz_audio
import fuzz_data
import fuzz_jobs
import fuzz_lists
import fuzz_options
import fuzz_results
import numpy as np
import soxr
from fuzz_bytes import Random
from fuzz_case import Case

FAMILIES: dict[str, tuple[int, Callable[[Random, Path], Case]]] = {  # name: share in percent, maker of a case
    "audio": (36, fuzz_audio.prepare),
    "archives": (17, fuzz_archives.prepare),
    "data": (15, fuzz_data.prepare),
    "options": (10, fuzz_options.prepare),
    "trials": (5, fuzz_lists.prepare_trials),
    "corpus": (6, fuzz_lists.prepare_corpus),
    "jobs": (5, fuzz_jobs.prepare),
    "results": (6, fuzz_results.prepare),
}


def family_of(rng: Random) -> str:
    """Draw the family of a case: the first thing that is drawn."""
    names = [name for name, (share, _) in FAMILIES.items() for _ in range(share)]
    return names[int(rng.integers(len(names)))]


def warm_up() -> None:
    """Make what is made at its first use, so that no case is charged with it."""
    sound = soxr.resample(np.zeros(16000, np.float32), 16000, 8000)
    fuzz_jobs.EXTRACTOR.archived(sound, "utt")
    fuzz_results.warm_up()
