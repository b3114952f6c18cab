"""What an augmentation is, declared: which kinds, how often, from which folders, how strongly."""

from __future__ import annotations

import math
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from wespk.augment.coding import Codec, TelephoneCode
from wespk.augment.rooms import RoomSize
from wespk.augment.speed import FASTEST, SLOWEST
from wespk.core.config import StrictModel

Kind = Literal["noise", "music", "babble", "reverb", "speed", "tempo", "volume", "telephone", "codec", "clip"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ADDITIVE: tuple[Kind, ...] = ("noise", "music", "babble")
MUSAN = {"noise": "noise", "music": "music", "babble": "speech"}  # kind -> folder of MUSAN


def _ordered(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise ValueError("a range is written from the lower to the higher end")
    return pair


Finite = Annotated[float, Field(ge=-100, le=100)]
Decibels = Annotated[tuple[Finite, Finite], AfterValidator(_ordered)]
Share = Annotated[float, Field(ge=0, le=1)]
Shares = Annotated[tuple[Share, Share], AfterValidator(_ordered)]
Count = Annotated[int, Field(ge=1)]
Counts = Annotated[tuple[Count, Count], AfterValidator(_ordered)]
Factor = Annotated[float, Field(ge=SLOWEST, le=FASTEST)]


class AugmentOptions(StrictModel):
    """What may happen to an utterance: one kind at most, drawn by `kinds`, or nothing.

    Ranges are drawn from uniformly. Levels of noise are those of Kaldi's voxceleb recipe.
    """

    kinds: dict[Kind, Share]  # kind -> probability; what is missing to 1 leaves the utterance as it is

    musan: str | None = None  # a folder with noise/, music/, speech/
    noise_snr: Decibels = (0.0, 15.0)  # of short noises, one after the other
    noise_interval: float = Field(1.0, ge=0, le=3600)  # seconds of quiet between them
    music_snr: Decibels = (5.0, 15.0)  # under the whole utterance
    babble_snr: Decibels = (13.0, 20.0)  # of all voices together
    babble_talkers: Counts = (3, 7)

    rirs: str | None = None  # a folder of room impulse responses
    rooms: tuple[RoomSize, ...] = ()  # or simulated rooms, of one of these sizes

    speeds: tuple[Factor, ...] = (0.9, 1.1)
    tempos: tuple[Factor, ...] = (0.9, 1.1)
    volume_db: Decibels = (-12.0, 6.0)
    telephones: tuple[TelephoneCode, ...] = ("mu-law", "a-law")
    codecs: tuple[Codec, ...] = ("vorbis", "mp3", "opus")
    compression: Shares = (0.5, 0.95)  # libsndfile's level of a lossy codec: 1 is fewest bits
    clipped: Shares = (0.005, 0.1)  # share of samples at the clipping level

    @model_validator(mode="after")
    def _check(self) -> AugmentOptions:
        if math.fsum(self.kinds.values()) > 1 + 1e-9:
            raise ValueError("the probabilities of all kinds add up to more than 1")
        wanted = {kind for kind, probability in self.kinds.items() if probability > 0}
        if wanted & set(ADDITIVE) and not self.musan:
            raise ValueError("noise, music and babble need `musan`, a folder with noise/, music/ and speech/")
        if "reverb" in wanted and bool(self.rirs) == bool(self.rooms):
            raise ValueError("reverb needs one of `rirs`, a folder of responses, and `rooms` to simulate")
        choices = {
            "speed": self.speeds,
            "tempo": self.tempos,
            "telephone": self.telephones,
            "codec": self.codecs,
        }
        for kind, choice in choices.items():
            if kind in wanted and not choice:
                raise ValueError(f"{kind} has nothing to choose from")
        return self
