"""One augmentation of one utterance: what is drawn, from where, and what was done."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from wespk.augment.coding import code, telephone
from wespk.augment.level import change_volume, clip_share, fit_peak
from wespk.augment.noise import Placed, add_noise, babble
from wespk.augment.options import ADDITIVE, MUSAN, AugmentOptions, Kind
from wespk.augment.reverb import reverberate
from wespk.augment.rooms import SPEED_OF_SOUND, random_room, reverberation_time, room_response
from wespk.augment.sources import RESPONSES, SoundFolder, background, passage
from wespk.augment.speed import change_speed, change_tempo
from wespk.core.errors import WespkError
from wespk.data.audio import AudioError

LEAST_S = 0.01  # shorter ends get no noise: a sample or two have no power of their own

Choice = TypeVar("Choice")
Facts = dict[str, Any]


class Augmenter:
    """Augments utterances as `options` say. Folders are listed, and their headers read, when it is made.

    The result depends on the samples, the generator and the folders' content only. It may be copied to worker
    processes.
    """

    def __init__(self, options: AugmentOptions) -> None:
        self.options = options
        wanted = [kind for kind, probability in options.kinds.items() if probability > 0]
        self.folders: dict[Kind, SoundFolder] = {}
        for kind in wanted:
            if kind in ADDITIVE and options.musan:
                self.folders[kind] = SoundFolder(Path(options.musan, MUSAN[kind]), f"{MUSAN[kind]} files")
            if kind == "reverb" and options.rirs:
                self.folders[kind] = SoundFolder(options.rirs, RESPONSES)
        for folder in self.folders.values():
            folder.check()

    def __call__(self, samples: np.ndarray, sample_rate: int, random: np.random.Generator) -> np.ndarray:
        """Return samples (N,) augmented by a kind drawn at random, or as they are: float32 in [-1, 1]."""
        point = float(random.random())
        for kind, probability in self.options.kinds.items():
            if point < probability:
                return self.apply(kind, samples, sample_rate, random)[0]
            point -= probability
        return samples

    def apply(
        self, kind: Kind, samples: np.ndarray, sample_rate: int, random: np.random.Generator
    ) -> tuple[np.ndarray, Facts]:
        """Return samples (N,) augmented by `kind`, and what was done, ready for JSON.

        A result beyond full scale is scaled down as a whole; the facts then have the factor as "scale".
        Raises `AudioError` for an utterance that cannot be augmented (one without power has no SNR), and
        `WespkError` naming a file of noise that cannot be used.
        """
        if len(samples) == 0:
            raise AudioError("empty: there are no samples")
        if kind in ADDITIVE and len(samples) < LEAST_S * sample_rate:
            raise AudioError(f"too short: {len(samples)} samples, noise is added from {LEAST_S:g} s on")
        made, facts = getattr(self, f"_{kind}")(samples, sample_rate, random)
        if not np.isfinite(made).all():
            raise AudioError("not finite: the augmented samples overflow")
        made, scale = fit_peak(made)
        facts = {"kind": kind, **facts}
        return made, facts if scale == 1.0 else {**facts, "scale": round(scale, 6)}

    def _noise(self, samples: np.ndarray, rate: int, random: np.random.Generator) -> tuple[np.ndarray, Facts]:
        """Noises one after the other with quiet between, as Kaldi's --fg-interval."""
        pause = round(self.options.noise_interval * rate)
        placed, told = list[Placed](), list[Facts]()
        start = 0
        while start <= len(samples) - LEAST_S * rate:
            noise, source = passage(self.folders["noise"], len(samples) - start, rate, random)
            snr = _uniform(self.options.noise_snr, random)
            placed.append(Placed(noise, snr, start))
            told.append({**source, "at": round(start / rate, 4), "snr": snr})
            start += len(noise) + pause
        return _add(samples, *placed), {"noises": told}

    def _music(self, samples: np.ndarray, rate: int, random: np.random.Generator) -> tuple[np.ndarray, Facts]:
        noise, source = background(self.folders["music"], len(samples), rate, random)
        snr = _uniform(self.options.music_snr, random)
        return _add(samples, Placed(noise, snr)), {**source, "snr": snr}

    def _babble(
        self, samples: np.ndarray, rate: int, random: np.random.Generator
    ) -> tuple[np.ndarray, Facts]:
        fewest, most = self.options.babble_talkers
        count = int(random.integers(fewest, most + 1))
        talkers = [background(self.folders["babble"], len(samples), rate, random) for _ in range(count)]
        snr = _uniform(self.options.babble_snr, random)
        mixed = _add(samples, Placed(babble([voice for voice, _ in talkers]), snr))
        return mixed, {"talkers": [source for _, source in talkers], "snr": snr}

    def _reverb(
        self, samples: np.ndarray, rate: int, random: np.random.Generator
    ) -> tuple[np.ndarray, Facts]:
        if "reverb" in self.folders:
            folder = self.folders["reverb"]
            name = folder.draw(random)
            try:
                response = folder.read(name, rate)
            except AudioError as error:
                raise WespkError(f"{folder.folder / name}: {error}; repair or remove it") from None
            return reverberate(samples, response), {"file": name}
        size = _choose(self.options.rooms, random)
        room = random_room(size, random)
        response = room_response(room, rate)
        direct = round(room.distance / SPEED_OF_SOUND * rate)
        facts = {
            "room": size,
            "size": [round(side, 3) for side in room.size],
            "source": [round(place, 3) for place in room.source],
            "microphone": [round(place, 3) for place in room.microphone],
            "absorption": round(room.absorption, 4),
            "rt60": round(reverberation_time(response, rate), 3),
        }
        return reverberate(samples, response, direct), facts

    def _speed(self, samples: np.ndarray, rate: int, random: np.random.Generator) -> tuple[np.ndarray, Facts]:
        factor = _choose(self.options.speeds, random)
        return change_speed(samples, factor), {"factor": factor}

    def _tempo(self, samples: np.ndarray, rate: int, random: np.random.Generator) -> tuple[np.ndarray, Facts]:
        factor = _choose(self.options.tempos, random)
        return change_tempo(samples, factor, rate), {"factor": factor}

    def _volume(
        self, samples: np.ndarray, rate: int, random: np.random.Generator
    ) -> tuple[np.ndarray, Facts]:
        gain = _uniform(self.options.volume_db, random)
        return change_volume(samples, gain), {"gain_db": gain}

    def _telephone(
        self, samples: np.ndarray, rate: int, random: np.random.Generator
    ) -> tuple[np.ndarray, Facts]:
        law = _choose(self.options.telephones, random)
        return telephone(samples, rate, law), {"code": law}

    def _codec(self, samples: np.ndarray, rate: int, random: np.random.Generator) -> tuple[np.ndarray, Facts]:
        codec = _choose(self.options.codecs, random)
        compression = _uniform(self.options.compression, random)
        return code(samples, rate, codec, compression), {"codec": codec, "compression": compression}

    def _clip(self, samples: np.ndarray, rate: int, random: np.random.Generator) -> tuple[np.ndarray, Facts]:
        share = _uniform(self.options.clipped, random)
        return clip_share(samples, share), {"share": share}


def _add(samples: np.ndarray, *placed: Placed) -> np.ndarray:
    try:
        return add_noise(samples, *placed)
    except WespkError as error:  # the noises were drawn with power: it is the utterance that has none
        raise AudioError(str(error)) from None


def _uniform(limits: tuple[float, float], random: np.random.Generator) -> float:
    """Draw from a range, rounded so that what is written down is what was done."""
    return round(float(random.uniform(*limits)), 4)


def _choose(choices: tuple[Choice, ...], random: np.random.Generator) -> Choice:
    return choices[int(random.integers(len(choices)))]
