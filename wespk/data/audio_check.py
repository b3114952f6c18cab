"""Decoding every utterance of a data directory, in processes side by side, to find those of no use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from wespk.core.rejections import Rejections
from wespk.data.audio import AudioError, AudioOptions
from wespk.data.datadir import DataDir
from wespk.data.parallel import map_processes

UTTS_AT_ONCE = 64  # that a process is given
Track = Callable[[Iterable[tuple[str, str]], int, str], Iterable[tuple[str, str]]]


def check_audio(
    data: DataDir, options: AudioOptions | int, *, processes: int = 1, track: Track | None = None
) -> Rejections:
    """Decode all utterances; return those that cannot be used, with reasons.

    The result does not depend on the number of processes. `track` shows the progress.
    """
    faults = _faults(data, options, processes)
    total = len(data.utt2spk)
    rejections = Rejections()
    seen = []
    for utt, fault in track(faults, total, f"decoding {data.path}") if track else faults:
        seen.append(utt)
        if fault:
            rejections.add(utt, fault)
    usable = [utt for utt in seen if utt not in rejections]
    rejections.reconcile(f"{data.path} audio", data.utterances, usable)
    return rejections


def _faults(data: DataDir, options: AudioOptions | int, processes: int) -> Iterator[tuple[str, str]]:
    """Yield each utterance with what is wrong with it, "" for nothing."""
    utts = data.utterances
    parts = (data.restricted(utts[at : at + UTTS_AT_ONCE]) for at in range(0, len(utts), UTTS_AT_ONCE))
    processes = min(processes, -(-len(utts) // UTTS_AT_ONCE))
    for faults in map_processes(partial(_decode, options), parts, processes):
        yield from faults


def _decode(options: AudioOptions | int, part: DataDir) -> list[tuple[str, str]]:
    faults = []
    for utt in part.utt2spk:
        fault = ""
        try:
            part.audio(utt, options)
        except AudioError as error:
            fault = str(error)
        faults.append((utt, fault))
    return faults
