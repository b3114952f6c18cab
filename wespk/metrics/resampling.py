"""Drawing speakers with replacement, and what that makes of the weights of trials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.core.errors import WespkError

Index = NDArray[np.intp]
BLOCK = 1 << 22  # weights in memory at once


@dataclass(frozen=True, eq=False)
class SpeakerPairs:
    """The pairs of speakers between whom there are trials, in either order; all weights hang on these alone.

    `low` and `high` (U,) are the speakers of each pair, numbered from 0 to `num_speakers` - 1, all of whom
    occur; equal where both sides are one speaker. `of_trial` (K,) is the pair of each trial.
    """

    num_speakers: int
    low: Index
    high: Index
    of_trial: Index

    @staticmethod
    def of(enrol_speaker: ArrayLike, test_speaker: ArrayLike) -> SpeakerPairs:
        """Find the pairs of the trials from the speakers of both sides, (K,) numbers from 0."""
        enrol, test = (np.asarray(side, dtype=np.intp) for side in (enrol_speaker, test_speaker))
        if enrol.ndim != 1 or enrol.shape != test.shape or not len(enrol):
            raise WespkError(f"speakers of {enrol.shape} enrol sides and {test.shape} test sides")
        occurring = np.zeros(max(enrol.max(), test.max()) + 1, dtype=bool)
        occurring[enrol] = occurring[test] = True
        number = np.cumsum(occurring) - 1
        low, high = number[np.minimum(enrol, test)], number[np.maximum(enrol, test)]
        num_speakers = int(occurring.sum())
        codes, of_trial = np.unique(low * num_speakers + high, return_inverse=True)
        return SpeakerPairs(num_speakers, codes // num_speakers, codes % num_speakers, of_trial)

    def __len__(self) -> int:
        return len(self.low)

    def weights(self, counts: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the weight (U, B) of a trial of each pair, where draw b has speaker s `counts[s, b]` times.

        Between two speakers it is the product of their counts: each copy of the one meets each copy of the
        other. Within one speaker it is the count, not its square: a speaker drawn twice brings its target
        trials twice. To pair the utterances of one copy with those of the other would make target trials of
        an utterance with itself, and nontarget trials within one speaker, which no test set contains.
        """
        other = np.where((self.low == self.high)[:, None], np.int32(1), counts[self.high])
        return counts[self.low] * other

    def draws(self, is_target: NDArray[np.bool_], draws: int, seed: int) -> Iterator[Draws]:
        """Yield blocks of weights until there are `draws` in which both classes are there.

        Draw after draw depends on nothing but the seed and the number of speakers.
        """
        random = np.random.default_rng(seed)
        present = np.stack(
            [
                np.bincount(self.of_trial, weights=each, minlength=len(self)) > 0
                for each in (is_target, ~is_target)
            ]
        )
        if not present.any(axis=1).all():
            raise WespkError("a bootstrap needs target and nontarget trials")
        at_once = max(1, min(draws, BLOCK // max(len(self), self.num_speakers)))
        done = 0
        while done < draws:
            counts = np.stack([self._draw(random) for _ in range(min(at_once, draws - done))], axis=1)
            weights = self.weights(counts)
            usable = ((present @ (weights > 0)) > 0).all(axis=0)
            done += int(usable.sum())
            yield Draws(np.ascontiguousarray(weights[:, usable]), int((~usable).sum()))

    def _draw(self, random: np.random.Generator) -> NDArray[np.int32]:
        chosen = random.integers(self.num_speakers, size=self.num_speakers)
        return np.bincount(chosen, minlength=self.num_speakers).astype(np.int32)


@dataclass(frozen=True, eq=False)
class Draws:
    """The `weights` (U, B) of the pairs in B draws; `redrawn` more had no trial of one of the classes."""

    weights: NDArray[np.int32]
    redrawn: int
