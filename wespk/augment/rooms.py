"""Simulated rooms: the image-source method for a shoebox (Allen and Berkley, JASA 65(4), 1979).

Sizes are those of the simulated rooms of Ko et al. (ICASSP 2017), from which Kaldi's RIRS_NOISES was made:
small 1 to 10 m, medium 10 to 30 m, large 30 to 50 m wide and long, 2 to 5 m high, absorption 0.2 to 0.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from wespk.core.errors import WespkError

RoomSize = Literal["small", "medium", "large"]
WIDTHS: dict[RoomSize, tuple[float, float]] = {"small": (1, 10), "medium": (10, 30), "large": (30, 50)}
HEIGHTS = (2.0, 5.0)
ABSORPTIONS = (0.2, 0.8)
WALL_DISTANCE = 0.3  # metres that talker and microphone keep from the walls
NEAREST = 0.3  # metres between talker and microphone

SPEED_OF_SOUND = 343.0  # m/s at 20 degrees Celsius
DECAY_DB = 60.0  # how far a response is followed
DIRECTIONS, TIMES = 24, 500  # resolution of the predicted decay
STEPS = 32  # time steps a sample: arrivals are placed between them by linear interpolation
HALF_WIDTH = 32  # samples on each side of the windowed sinc
HIGH_PASS_HZ = 50.0  # Allen and Berkley: all images are positive and would pile up to a slow swell


@dataclass(frozen=True)
class Room:
    """A shoebox: its size, the talker's and the microphone's place in metres, and its walls' absorption."""

    size: tuple[float, float, float]
    source: tuple[float, float, float]
    microphone: tuple[float, float, float]
    absorption: float  # share of the energy that a wall keeps, above 0 and at most 1 (no echo at all)

    def __post_init__(self) -> None:
        inside = all(
            0 < place < side
            for point in (self.source, self.microphone)
            for place, side in zip(point, self.size, strict=True)
        )
        if not inside or not 0 < self.absorption <= 1 or self.distance == 0:
            raise WespkError(
                f"{self}: talker and microphone lie inside the room, apart; absorption is above 0, at most 1"
            )

    @property
    def distance(self) -> float:
        """Metres between talker and microphone."""
        return float(np.linalg.norm(np.subtract(self.source, self.microphone)))

    @property
    def rt60(self) -> float:
        """Expected reverberation time in seconds (T30 of `decay_times`).

        That of the response is within some 5 % of it in rooms of usual proportions, and up to 40 % longer in
        a wide hall of 2 m height, where few images are left in the end (see `reverberation_time`).
        """
        early, late = decay_times(self.size, self.absorption, np.array([5.0, 35.0]))
        return float(2 * (late - early))


def absorption_for(rt60: float, size: tuple[float, float, float]) -> float:
    """Return the absorption of walls that give a room the reverberation time `rt60` in seconds.

    Times are inversely proportional to -log(1 - absorption), in `decay_times` as in Eyring's formula.
    """
    if rt60 <= 0:
        raise WespkError(f"RT60 of {rt60:g} s: it is above 0")
    early, late = decay_times(size, -np.expm1(-1.0), np.array([5.0, 35.0]))
    return float(-np.expm1(-2 * (late - early) / rt60))


def decay_times(size: tuple[float, float, float], absorption: float, decibels: np.ndarray) -> np.ndarray:
    """Return the times in seconds (K,) at which a room's Schroeder curve has fallen by `decibels` (K,).

    Sabine's and Eyring's formulas presume that sound comes from everywhere alike, which it does not in a
    shoebox: what runs along the floor of a flat room lives two to three times as long. Sound that travels in
    direction u is reflected c * sum(abs(u_i) / L_i) times a second; the energy that is left at time t is the
    mean over all directions (Lehmann and Johansson, JASA 124(1), 2008, reason alike).
    """
    if absorption == 1:
        return np.zeros(len(decibels))
    # An even spread over the eighth of the sphere that stands for all: z and the angle are both uniform.
    grid = (np.arange(DIRECTIONS) + 0.5) / DIRECTIONS
    z, angle = np.meshgrid(grid, np.pi / 2 * grid)
    flat = np.sqrt(1 - z**2)
    rate = flat * np.cos(angle) / size[0] + flat * np.sin(angle) / size[1] + z / size[2]
    rate = (-np.log1p(-absorption) * SPEED_OF_SOUND) * rate.ravel()
    # No direction decays slower than the slowest, so the last time is past the lowest decibel.
    times = np.linspace(0, (np.max(decibels) / 10 + 3) * np.log(10) / rate.min(), TIMES)
    left = np.exp(-np.outer(times, rate)) @ (1 / rate)
    return np.interp(decibels, -10 * np.log10(left / left[0]), times)


def random_room(size: RoomSize, random: np.random.Generator) -> Room:
    """Return a room of the wanted class with talker and microphone at random places."""
    sides = np.array([*random.uniform(*WIDTHS[size], size=2), random.uniform(*HEIGHTS)])
    absorption = float(random.uniform(*ABSORPTIONS))
    source = microphone = sides / 2
    while np.linalg.norm(source - microphone) < NEAREST:
        source, microphone = random.uniform(WALL_DISTANCE, sides - WALL_DISTANCE, size=(2, 3))
    return Room(_point(sides), _point(source), _point(microphone), absorption)


def room_response(room: Room, sample_rate: int) -> np.ndarray:
    """Return the impulse response of a room: float32 (M,), followed until it has decayed by 60 dB.

    Each image source arrives at its distance over the speed of sound, between samples by a band-limited
    (windowed sinc) pulse, with amplitude (1 - absorption) ** (reflections / 2) / (4 pi distance).
    """
    from scipy import signal  # takes a second to import: only where it is used

    decay = float(decay_times(room.size, room.absorption, np.array([DECAY_DB]))[0])
    seconds = room.distance / SPEED_OF_SOUND + decay
    distance, reflections = image_sources(room, seconds * SPEED_OF_SOUND)
    gain = (1 - room.absorption) ** (reflections / 2) / (4 * np.pi * distance)
    # All arrivals are first gathered in steps of 1/STEPS sample; one filter then makes pulses of them.
    place = distance * (sample_rate * STEPS / SPEED_OF_SOUND)
    before = place.astype(np.int64)
    share = place - before
    length = int(np.ceil(seconds * sample_rate)) + 1 + HALF_WIDTH  # the last pulse is whole
    total = (length + HALF_WIDTH) * STEPS
    fine = np.bincount(before, gain * (1 - share), minlength=total)
    fine += np.bincount(before + 1, gain * share, minlength=total)
    pulse = np.sinc(np.arange(-HALF_WIDTH * STEPS, HALF_WIDTH * STEPS + 1) / STEPS)
    pulse *= signal.get_window(("kaiser", 8.0), len(pulse), fftbins=False)
    response = signal.upfirdn(pulse, fine, up=1, down=STEPS)[HALF_WIDTH : HALF_WIDTH + length]
    return signal.sosfilt(
        signal.butter(2, HIGH_PASS_HZ, "highpass", fs=sample_rate, output="sos"), response
    ).astype(np.float32)


def reverberation_time(response: np.ndarray, sample_rate: int) -> float:
    """Return the T30 of a response (M,) in seconds (ISO 3382): 60 dB by the slope from -5 to -35 dB.

    0 for a response that falls by more than 30 dB in a sample, such as one without echo.
    """
    left = np.cumsum(response[::-1].astype(np.float64) ** 2)[::-1]
    level = 10 * np.log10(np.maximum(left / left[0], 1e-12))
    early, late = int((level < -5).argmax()), int((level < -35).argmax())
    if late - early < 2:
        return 0.0
    return float(-60 / np.polyfit(np.arange(early, late) / sample_rate, level[early:late], 1)[0])


def image_sources(room: Room, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance in metres (K,) and the reflections (K,) of all images within `reach` metres.

    The images along one axis lie at ``(1 - 2q) x + 2 n L`` after ``|2n - q|`` reflections, with q 0 or 1 and
    any whole n (Allen and Berkley 1979, equations 9 and 10); a room's images combine those of its axes. Left
    out are those whose reflections alone take 60 dB: in a small room they are most.
    """
    most = DECAY_DB / (-10 * np.log10(1 - room.absorption)) if room.absorption < 1 else 0.0
    axes = []
    for side, source, microphone in zip(room.size, room.source, room.microphone, strict=True):
        count = int(min(reach / side + 2, most + 1) / 2) + 1
        turn = np.arange(-count, count + 1)[:, None]
        mirrored = np.arange(2)[None, :]
        offset = ((1 - 2 * mirrored) * source + 2 * turn * side - microphone).ravel()
        axes.append((offset**2, np.abs(2 * turn - mirrored).ravel()))
    # The floor plan first: what is out of reach there need not be combined with the heights.
    square, reflections = axes[0]
    for more, bounces in axes[1:]:
        square, reflections = np.add.outer(square, more).ravel(), np.add.outer(reflections, bounces).ravel()
        near = (square <= reach**2) & (reflections <= most)
        square, reflections = square[near], reflections[near]
    return np.sqrt(square), reflections


def _point(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
