"""What two data directories share: speakers, utterance ids, recordings, and the sound itself."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from wespk.core.progress import track
from wespk.core.rejections import Rejections
from wespk.data.audio import AudioError, AudioOptions, sample_at
from wespk.data.datadir import DataDir
from wespk.data.durations import read_durations
from wespk.data.parallel import cores, map_threads

ID_KINDS = {"speaker": "speakers", "utterance": "utterance ids"}
SOUND_KINDS = {"recording": "audio files", "audio": "utterances of equal sound"}


@dataclass(frozen=True)
class Shared:
    """One thing that is in two directories: its id in each."""

    kind: str
    here: str
    there: str


class Size(NamedTuple):
    """What two equal sounds have in common before they are decoded."""

    sample_rate: int
    samples: int


def shared_ids(here: DataDir, there: DataDir) -> list[Shared]:
    """Return the speakers and the utterance ids that are in both."""
    speakers = sorted({*here.utt2spk.values()} & {*there.utt2spk.values()})
    utts = sorted(here.utt2spk.keys() & there.utt2spk.keys())
    return [Shared("speaker", spk, spk) for spk in speakers] + [Shared("utterance", u, u) for u in utts]


@dataclass(frozen=True)
class Sounds:
    """What the headers of a directory's recordings say: enough to know what need not be compared.

    `files` maps what identifies a file on this machine to the recording's id; `lost` lists the utterances
    that cannot be compared.
    """

    data: DataDir
    sizes: Mapping[str, Size]
    files: Mapping[object, str]
    lost: Rejections


def read_sounds(data: DataDir) -> Sounds:
    """Read the headers of all recordings."""
    lost = Rejections()
    return Sounds(data, _sizes(data, lost), _files(data), lost)


def shared_audio(here: Sounds, there: Sounds) -> tuple[list[Shared], Rejections]:
    """Return the files and the utterances of equal sound that are in both, and what could not be compared.

    Two utterances sound equal when their decoded samples are equal, whatever the container or the header: a
    FLAC file equals the WAV file it was made from, a lossy copy does not. Of an utterance with a segment the
    part counts; a file that both use is found whatever parts of it they use, also through links. Only
    utterances whose rate and number of samples occur in both directories are decoded.
    """
    lost = Rejections({**here.lost.reasons, **there.lost.reasons})
    found = [
        Shared("recording", name, there.files[identity])
        for identity, name in here.files.items()
        if identity in there.files
    ]
    sizes = set(here.sizes.values()) & set(there.sizes.values())
    ours, theirs = (_hashes(side, sizes, lost) for side in (here, there))
    owner: dict[str, str] = {}
    for utt, value in theirs.items():
        owner.setdefault(value, utt)
    found += [Shared("audio", utt, owner[value]) for utt, value in ours.items() if value in owner]
    return found, lost


def _sizes(data: DataDir, lost: Rejections) -> dict[str, Size]:
    """Return the size of each utterance's sound, by the headers."""
    durations = read_durations(data, headers=True)
    lost.reasons.update(durations.unknown.reasons)
    sizes = {}
    for utt in durations.seconds:
        segment = data.segments[utt] if data.segments else None
        info = durations.headers[segment.recording if segment else utt]
        samples = info.num_samples
        if segment and segment.end is not None:
            samples = min(samples, sample_at(segment.end, info.sample_rate))
        if segment:
            samples -= sample_at(segment.start, info.sample_rate)
        sizes[utt] = Size(info.sample_rate, samples)
    return sizes


def _files(data: DataDir) -> dict[object, str]:
    """Return what identifies each recording's file on this machine -> the recording's id."""
    files: dict[object, str] = {}
    for name, entry in data.recordings.items():
        path, _, offset = entry.rpartition(":")
        place = (path, offset) if offset.isdecimal() and path else (entry, "")
        try:
            state = os.stat(place[0])
            identity: object = (state.st_dev, state.st_ino, place[1])
        except (OSError, ValueError):
            identity = entry  # a pipe: equal commands give equal sound
        files.setdefault(identity, name)
    return files


def _hashes(side: Sounds, sizes: Collection[Size], lost: Rejections) -> dict[str, str]:
    """Return utterance -> a hash of its samples, for the utterances of these sizes."""
    utts = [utt for utt, size in side.sizes.items() if size in sizes]
    work = map_threads(lambda utt: _sound_hash(side.data, utt, side.sizes[utt]), utts, cores())
    hashes = {}
    for utt, (value, fault) in zip(utts, track(work, len(utts), f"comparing {side.data.path}"), strict=True):
        if fault:
            lost.add(utt, fault)
        else:
            hashes[utt] = value
    return hashes


def _sound_hash(data: DataDir, utt: str, size: Size) -> tuple[str, str]:
    """Return the hash of an utterance's samples, or why there is none."""
    try:
        samples = data.audio(utt, AudioOptions(sample_rate=size.sample_rate, channel="mix"))
    except AudioError as error:
        return "", str(error)
    return hashlib.blake2b(samples.tobytes(), digest_size=16).hexdigest(), ""
