"""Made-up speakers: what makes two of them sound different, as an espeak-ng voice variant.

The spreads below decide how hard the corpus is. espeak-ng can make speakers far apart; these stay close
together, and the sexes overlap in pitch, so that neither the pitch nor an average spectrum settles a trial.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NUM_FORMANTS = 9  # espeak-ng counts 0..8; 0 is the glottal resonance


@dataclass(frozen=True)
class Population:
    """The distribution that the voices of one sex are drawn from."""

    pitch_hz: float  # median over speakers
    vocal_tract: float  # mean factor on all formant frequencies


POPULATIONS = {"m": Population(128.0, 0.985), "f": Population(168.0, 1.05)}
PITCH_SPREAD = 0.13  # standard deviation of log pitch over speakers of one sex
PITCH_LIMITS_HZ = (85.0, 250.0)
VOCAL_TRACT_SPREAD = 0.033
FORMANT_SPREAD = 0.027  # each formant about the common factor
HEIGHT_SPREAD = 0.19  # log of a formant's amplitude factor
WIDTH_SPREAD = 0.15  # log of a formant's bandwidth factor


@dataclass(frozen=True)
class Voice:
    """One speaker: pitch in Hz, factors in percent, the rest in espeak-ng's own units."""

    gender: str
    pitch_hz: int
    top_pitch_hz: int
    formants: tuple[tuple[int, int, int], ...]  # (frequency, height, width) in percent, NUM_FORMANTS of them
    flutter: int
    roughness: int
    voicing: int
    consonants: tuple[int, int]
    breath: tuple[int, ...]
    words_per_minute: int


def draw_voice(gender: str, random: np.random.Generator) -> Voice:
    """Draw a speaker of sex `gender`, m or f."""
    population = POPULATIONS[gender]
    pitch = float(np.clip(population.pitch_hz * np.exp(random.normal(0, PITCH_SPREAD)), *PITCH_LIMITS_HZ))
    tract = population.vocal_tract + random.normal(0, VOCAL_TRACT_SPREAD)
    frequency = tract * (1 + random.normal(0, FORMANT_SPREAD, NUM_FORMANTS))
    height = np.exp(random.normal(0, HEIGHT_SPREAD, NUM_FORMANTS))
    width = np.exp(random.normal(0, WIDTH_SPREAD, NUM_FORMANTS))
    percent = np.rint(100 * np.stack([frequency, height, width], axis=1)).astype(int)
    return Voice(
        gender=gender,
        pitch_hz=round(pitch),
        top_pitch_hz=round(pitch * random.uniform(1.25, 1.5)),
        formants=tuple((int(f), int(h), int(w)) for f, h, w in percent),
        flutter=int(random.integers(0, 8)),
        roughness=int(random.integers(0, 4)),
        voicing=int(random.integers(85, 116)),
        consonants=(int(random.integers(80, 121)), int(random.integers(80, 121))),
        breath=(0, *(int(b) for b in random.integers(0, 4, NUM_FORMANTS - 2))),
        words_per_minute=int(random.integers(158, 183)),
    )


def variant_file(name: str, voice: Voice) -> str:
    """Return the content of espeak-ng's voice file `voices/!v/NAME`."""
    formants = (f"formant {i} {f} {h} {w}" for i, (f, h, w) in enumerate(voice.formants))
    lines = [
        "language variant",
        f"name {name}",
        f"gender {'male' if voice.gender == 'm' else 'female'}",
        f"pitch {voice.pitch_hz} {voice.top_pitch_hz}",
        *formants,
        f"flutter {voice.flutter}",
        f"roughness {voice.roughness}",
        f"voicing {voice.voicing}",
        f"consonants {voice.consonants[0]} {voice.consonants[1]}",
        "breath " + " ".join(map(str, voice.breath)),
    ]
    return "\n".join(lines) + "\n"
