"""How the recipe gets speech from espeak-ng: by way of speak.py, one fresh process for each speaker."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from channels import SAMPLE_RATE
from plan import Speaker
from scipy import signal
from speak import SAMPLE_RATE as ESPEAK_RATE
from voices import variant_file

from wespk.core.errors import WespkError

SPEAK = Path(__file__).resolve().parent / "speak.py"
LANGUAGE_VOICES = {"en": "en-us", "cmn": "cmn"}
# Two of its hundred languages: copying all would take 19 MB and let it search among them.
DATA_FILES = (
    *("phondata", "phonindex", "phontab", "intonations", "en_dict", "cmn_dict"),
    *("lang/gmw/en-US", "lang/sit/cmn"),
)
NEUTRAL_PITCH = 50  # the middle of espeak-ng's scale
TRIM_LEVEL = 0.01  # of the peak; less than this at either end is silence
UP, DOWN = SAMPLE_RATE // 50, ESPEAK_RATE // 50
ANTI_ALIAS = signal.firwin(20 * DOWN + 1, 1 / DOWN, window=("kaiser", 5.0))  # resample_poly's own, made once


@dataclass(frozen=True)
class Espeak:
    """Where espeak-ng's library is, and a folder with an espeak-ng-data that knows our voices."""

    library: str
    data_folder: str


def espeak_package() -> Any:
    """Return the module that knows where espeak-ng is. Raises `WespkError` when it is not installed."""
    try:
        import espeakng_loader
    except ImportError:
        raise WespkError("espeak-ng is missing; install it: pip install 'espeakng-loader>=0.2.4'") from None
    return espeakng_loader


@contextmanager
def espeak_with_voices(package: Any, speakers: Sequence[Speaker]) -> Iterator[Espeak]:
    """Copy what espeak-ng needs for two languages to a temporary folder, and put our voices in it."""
    with tempfile.TemporaryDirectory(prefix="wespk-mini-") as folder:
        data = Path(folder) / "espeak-ng-data"
        for name in DATA_FILES:
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(package.get_data_path()) / name, data / name)
        variants = data / "voices" / "!v"
        variants.mkdir(parents=True)
        for speaker in speakers:
            (variants / speaker.spk).write_text(variant_file(speaker.spk, speaker.voice), "utf-8")
        yield Espeak(package.get_library_path(), folder)


def read_aloud(speaker: Speaker, espeak: Espeak) -> Iterator[np.ndarray]:
    """Yield the clean speech of each utterance at 16 kHz, in [-1, 1], without silence at its ends."""
    sentences = [
        {
            "voice": f"{LANGUAGE_VOICES[utterance.language]}+{speaker.spk}",
            "rate": round(speaker.voice.words_per_minute * session.rate_factor),
            "pitch": NEUTRAL_PITCH + session.pitch_shift,
            "range": NEUTRAL_PITCH + session.pitch_range,
            "text": utterance.text,
        }
        for utterance in speaker.utterances
        for session in [speaker.sessions[utterance.session]]
    ]
    # The folder by its shortest name: espeak-ng cuts a path to its data off after 160 bytes.
    request = {"library": espeak.library, "data": ".", "sentences": sentences}
    command = [sys.executable, "-I", str(SPEAK)]
    done = subprocess.run(
        command, input=json.dumps(request).encode(), capture_output=True, cwd=espeak.data_folder
    )
    if done.returncode != 0:
        last_line = (done.stderr.decode(errors="replace").strip() or "no reason given").splitlines()[-1]
        raise WespkError(f"espeak-ng failed on speaker {speaker.spk} ({done.returncode}): {last_line}")
    position = 0
    for _ in sentences:
        count = int.from_bytes(done.stdout[position : position + 4], "little")
        samples = np.frombuffer(done.stdout, dtype="<i2", count=count, offset=position + 4)
        position += 4 + 2 * count
        speech = signal.resample_poly(samples / 32768, UP, DOWN, window=ANTI_ALIAS)
        loud = np.flatnonzero(np.abs(speech) > TRIM_LEVEL * np.abs(speech).max())
        yield speech[loud[0] : loud[-1] + 1]
