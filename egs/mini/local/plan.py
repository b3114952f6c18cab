"""The whole corpus on paper: who says what, in which session. A pure function of the options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from channels import Session, draw_session
from sentences import LANGUAGES, draw_sentence
from voices import Voice, draw_voice

SETS = ("train", "dev", "test")
NUM_SESSIONS = 4
GENDERS = ("m", "f")


@dataclass(frozen=True)
class Options:
    """What the corpus is made from. Equal options give equal bytes."""

    num_train: int = 64
    num_dev: int = 12
    num_test: int = 24
    train_utts: int = 24
    eval_utts: int = 12
    seed: int = 1

    def size(self, set_name: str) -> tuple[int, int]:
        """Return the number of speakers of a set, and of utterances each."""
        if set_name == "train":
            return self.num_train, self.train_utts
        return (self.num_dev if set_name == "dev" else self.num_test), self.eval_utts


@dataclass(frozen=True)
class Utterance:
    utt: str
    session: int  # index into the speaker's sessions
    language: str
    text: str
    noise_seed: tuple[int, ...]


@dataclass(frozen=True)
class Speaker:
    spk: str
    set_name: str
    voice: Voice
    sessions: tuple[Session, ...]
    utterances: tuple[Utterance, ...]


def make_plan(options: Options) -> list[Speaker]:
    """Return all speakers: train, then dev, then test, numbered through.

    A voice depends on the seed, its set and its place in the set only: adding training speakers leaves the
    voices of the other sets as they are. No sentence occurs twice in the corpus.
    """
    said: set[str] = set()
    places = [(name, i) for name in SETS for i in range(options.size(name)[0])]
    return [
        _make_speaker(f"mini{number:03d}", set_name, place, options, said)
        for number, (set_name, place) in enumerate(places, 1)
    ]


def _make_speaker(spk: str, set_name: str, place: int, options: Options, said: set[str]) -> Speaker:
    seed = (options.seed, SETS.index(set_name), place)
    random = np.random.default_rng(seed)
    voice = draw_voice(GENDERS[place % len(GENDERS)], random)
    sessions = tuple(draw_session(random) for _ in range(NUM_SESSIONS))
    utterances = []
    for i in range(options.size(set_name)[1]):
        session, number = i % NUM_SESSIONS, i // NUM_SESSIONS
        language = LANGUAGES[(session + number) % len(LANGUAGES)]
        utterances.append(
            Utterance(
                utt=f"{spk}-s{session + 1}-{number + 1:02d}",
                session=session,
                language=language,
                text=next(text for text in _sentences(language, random) if text not in said),
                noise_seed=(*seed, i),
            )
        )
        said.add(utterances[-1].text)
    return Speaker(spk, set_name, voice, sessions, tuple(sorted(utterances, key=lambda u: u.utt)))


def _sentences(language: str, random: np.random.Generator) -> Iterator[str]:
    while True:
        yield draw_sentence(language, random)
