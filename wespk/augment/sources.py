"""Folders of noises, voices and room responses: listed once, read in parts."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from wespk.augment.noise import cycle, is_silent
from wespk.core.errors import WespkError
from wespk.core.files import PathLike
from wespk.data.audio import AudioError, AudioInfo, AudioOptions, audio_info, read_audio
from wespk.data.corpus import audio_files

SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".sph")
ATTEMPTS = 20  # a folder in which twenty draws are silent is no folder of noises


class SoundFolder:
    """The audio files below a folder, in an order that depends on nothing but their names.

    Raises `WespkError` for a folder that is missing or holds no audio. A file that cannot be read is an error
    by its name when it is drawn, never a reason to drop an utterance.
    """

    def __init__(self, folder: PathLike, what: str) -> None:
        self.folder = Path(folder)
        self.what = what
        if not self.folder.is_dir():
            raise WespkError(f"{self.folder}: no such folder; it should hold {what}")
        names = (path.relative_to(self.folder) for path in audio_files(self.folder, SUFFIXES))
        # RIRS_NOISES keeps responses and noises side by side; nothing may be reverberated with a noise.
        kept = [n for n in names if what != RESPONSES or not _is_noise(n)]
        self.names = sorted(name.as_posix() for name in kept)
        if not self.names:
            raise WespkError(f"{self.folder}: no audio of {what} there ({', '.join(SUFFIXES)})")

    def __len__(self) -> int:
        return len(self.names)

    def __str__(self) -> str:
        return f"{self.folder}: {len(self)} files of {self.what}"

    def check(self) -> None:
        """Read all headers. Raises `WespkError` naming the first file that cannot be used."""
        for name in self.names:
            self.info(name)

    def stamps(self) -> list[str]:
        """Return a line for each file that changes when the file does."""
        return [f"{n} {s.st_size} {s.st_mtime_ns}" for n in self.names for s in [self._path(n).stat()]]

    def draw(self, random: np.random.Generator) -> str:
        """Return a random file's name below the folder."""
        return self.names[int(random.integers(len(self.names)))]

    def info(self, name: str) -> AudioInfo:
        """Return what a file's header says."""
        return _info(str(self._path(name)), self.what)

    def read(self, name: str, sample_rate: int, start: float = 0.0, end: float | None = None) -> np.ndarray:
        """Return samples (N,) of a file's first channel at the rate, or of the part from start to end (s).

        Raises `AudioError` for a part that is silent, `WespkError` for a file that cannot be used.
        """
        options = AudioOptions(sample_rate=sample_rate, channel=0, allow_downsample=True, allow_upsample=True)
        path = str(self._path(name))
        try:
            return read_audio(path, options, start=start, end=end)
        except AudioError as error:
            if str(error).startswith("silent"):
                raise
            raise _unusable(path, self.what, error) from None

    def _path(self, name: str) -> Path:
        return self.folder / name


RESPONSES = "room impulse responses"


def background(
    folder: SoundFolder, length: int, sample_rate: int, random: np.random.Generator
) -> tuple[np.ndarray, dict[str, object]]:
    """Return `length` samples of a random file and where they are from.

    A longer file is cut at a random place, a shorter one repeated from a random place on. Silent parts are
    drawn again.
    """
    seconds = length / sample_rate
    for _ in range(ATTEMPTS):
        name = folder.draw(random)
        whole = folder.info(name).seconds
        start = float(random.random())
        try:
            if whole > seconds:
                begin = start * (whole - seconds)
                noise = cycle(folder.read(name, sample_rate, begin, begin + seconds), length)
            else:
                begin = start * whole
                noise = cycle(folder.read(name, sample_rate), length, round(begin * sample_rate))
        except AudioError:
            continue
        if not is_silent(noise):
            return noise, {"file": name, "from": round(begin, 4)}
    raise _all_silent(folder)


def passage(
    folder: SoundFolder, longest: int, sample_rate: int, random: np.random.Generator
) -> tuple[np.ndarray, dict[str, object]]:
    """Return at most `longest` samples of a random file: all of it, or a part at a random place."""
    for _ in range(ATTEMPTS):
        name = folder.draw(random)
        whole = folder.info(name).seconds
        begin = float(random.random()) * max(0.0, whole - longest / sample_rate)
        try:
            noise = folder.read(name, sample_rate, begin, begin + min(whole, longest / sample_rate))[:longest]
        except AudioError:
            continue
        if not is_silent(noise):
            return noise, {"file": name, "from": round(begin, 4)}
    raise _all_silent(folder)


@lru_cache(maxsize=100_000)
def _info(path: str, what: str) -> AudioInfo:
    try:
        info = audio_info(path)
    except AudioError as error:
        raise _unusable(path, what, error) from None
    if info.num_samples == 0:
        raise _unusable(path, what, AudioError("empty: there are no samples"))
    return info


def _is_noise(name: Path) -> bool:
    return "noise" in name.name.lower() or "pointsource_noises" in name.parts


def _unusable(path: str, what: str, error: AudioError) -> WespkError:
    return WespkError(f"{path}: cannot be used among the {what} ({error}); repair or remove it")


def _all_silent(folder: SoundFolder) -> WespkError:
    return WespkError(
        f"{folder.folder}: {ATTEMPTS} random parts of its {folder.what} are silent; see its files"
    )
