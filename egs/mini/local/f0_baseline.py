#!/usr/bin/env python3
"""The plainest speaker recogniser: how high does the voice go, and how much does it move?

Usage:   python local/f0_baseline.py <data-dir> <trials> <scores>
Example: python local/f0_baseline.py data/test data/test/trials exp/f0.score

An utterance becomes the mean and standard deviation of log F0 over its voiced frames, each divided by its
spread over the data directory. The score of a trial is minus the distance. A system that has learned
anything about voices must do better than this.
"""

from __future__ import annotations

import numpy as np
from scipy import fft, signal

from wespk.core.errors import WespkError
from wespk.core.progress import say, track
from wespk.core.script import doc_parser, errors_for_people
from wespk.data.datadir import load_data_dir
from wespk.data.scores import write_scores
from wespk.data.trials import read_trials

SAMPLE_RATE = 16000
DECIMATION = 8  # F0 and two harmonics at least lie below 1 kHz
RATE = SAMPLE_RATE // DECIMATION
LAG_STEPS = 8  # lags a sample: between samples a short period's peak would be missed for a multiple's
FRAME, SHIFT = RATE * 50 // 1000, RATE // 100  # 50 ms: three periods of the lowest voice
PITCH_HZ = (70.0, 350.0)
VOICED_CORRELATION = 0.6
LOUD = 0.1  # of the loud frames' amplitude; what is softer is not trusted
OCTAVE_COST = 0.06  # correlation an octave must gain to be preferred: the first of equal peaks is the period
MIN_VOICED_FRAMES = 5


def main() -> None:
    parser = doc_parser(__doc__)
    parser.add_argument("data", help="data directory with the utterances of the trials")
    parser.add_argument("trials", help="lines `enrol-utt test-utt target|nontarget`")
    parser.add_argument("scores", help="file to write: lines `enrol-utt test-utt score`")
    arguments = parser.parse_args()
    with errors_for_people():
        score_trials(arguments.data, arguments.trials, arguments.scores)


def score_trials(data_dir: str, trials_file: str, scores_file: str) -> None:
    """Score each trial by minus the distance of the two utterances' pitch statistics."""
    data, trials = load_data_dir(data_dir), read_trials(trials_file)
    utts = data.utterances
    place = {utt: i for i, utt in enumerate(utts)}
    unknown = [utt for utt in (*trials.enrol_ids, *trials.test_ids) if utt not in place]
    if unknown:
        raise WespkError(f"{trials_file}: '{unknown[0]}' is not an utterance of {data_dir}")
    statistics = []
    for utt in track(utts, len(utts), "pitch"):
        log_f0 = np.log(track_f0(data.audio(utt, SAMPLE_RATE)))
        if len(log_f0) < MIN_VOICED_FRAMES:
            raise WespkError(f"'{utt}': {len(log_f0)} voiced frames; is it speech?")
        statistics.append((log_f0.mean(), log_f0.std()))
    points = np.array(statistics)
    points /= points.std(axis=0) + np.finfo(float).tiny
    enrol = points[[place[utt] for utt in trials.enrol_ids]][trials.enrol_index]
    test = points[[place[utt] for utt in trials.test_ids]][trials.test_index]
    write_scores(scores_file, trials, -np.linalg.norm(enrol - test, axis=1))
    say(f"{scores_file}: {len(trials)} trials scored by pitch alone")


def track_f0(samples: np.ndarray) -> np.ndarray:
    """Return F0 in Hz of the voiced frames of samples at 16 kHz, shape (N,) -> (voiced frames,).

    Normalised autocorrelation after Boersma (1993, Accurate short-term analysis of the fundamental
    frequency): a window's own autocorrelation is divided out of the frame's, so that peaks of a periodic
    signal stand at 1 whatever their lag; maxima are refined by a parabola.
    """
    frames = _frames(samples)
    if not len(frames):
        return np.empty(0)
    shortest, longest = (round(RATE * LAG_STEPS / pitch) for pitch in reversed(PITCH_HZ))
    lags = np.arange(shortest, longest + 1)
    correlation = _autocorrelation(frames, longest + 2)
    here, before, after = (correlation[:, lags + step] for step in (0, -1, 1))
    is_peak = (here >= before) & (here > after)
    merit = np.where(is_peak, here - OCTAVE_COST * np.log2(lags / shortest), -np.inf)
    best = merit.argmax(axis=1)[:, np.newaxis]
    here, before, after = (np.take_along_axis(side, best, axis=1)[:, 0] for side in (here, before, after))
    loudness = np.sqrt(np.mean(frames**2, axis=1))
    is_voiced = is_peak.any(axis=1) & (here > VOICED_CORRELATION)
    is_voiced &= loudness > LOUD * np.quantile(loudness, 0.95)
    curvature = np.where(is_voiced, before - 2 * here + after, -1.0)
    period = lags[best[:, 0]] + 0.5 * (before - after) / curvature
    return (RATE * LAG_STEPS / period)[is_voiced]


def _frames(samples: np.ndarray) -> np.ndarray:
    """Return Hann-windowed frames without mean, shape (N,) -> (T, FRAME), at the reduced rate."""
    low = signal.resample_poly(samples.astype(np.float64), 1, DECIMATION)
    if len(low) < FRAME:
        return np.empty((0, FRAME))
    frames = np.lib.stride_tricks.sliding_window_view(low, FRAME)[::SHIFT]
    return (frames - frames.mean(axis=1, keepdims=True)) * signal.get_window("hann", FRAME)


def _autocorrelation(frames: np.ndarray, num_lags: int) -> np.ndarray:
    """Return the autocorrelation of windowed frames, 1 at lag 0: shape (T, FRAME) -> (T, num_lags).

    Lags are in steps of 1 / (RATE * LAG_STEPS) s: the power spectrum is padded with zeros.
    """
    size = fft.next_fast_len(2 * FRAME, real=True)

    def correlate(x: np.ndarray) -> np.ndarray:
        raw = fft.irfft(np.abs(fft.rfft(x, size)) ** 2, LAG_STEPS * size)[..., :num_lags]
        return raw / np.maximum(raw[..., :1], np.finfo(float).tiny)

    return correlate(frames) / correlate(signal.get_window("hann", FRAME))


if __name__ == "__main__":
    main()
