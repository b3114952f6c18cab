import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wespk.features.cmvn
from wespk.core.config import parse_config
from wespk.core.errors import WespkError
from wespk.features.cmvn import SlidingCmnOptions, sliding_cmn, utterance_cmvn

# apply-cmvn-sliding --norm-vars=false --center=true --cmn-window=60 --min-cmn-window=30 of Kaldi (f400766)
GOLDEN = Path(__file__).parent / "golden/kaldi_vad_cmn.npz"


@st.composite
def sliding_options(draw):
    window, center = draw(st.integers(1, 40)), draw(st.booleans())
    shortest = draw(st.integers(1, window) if center else st.integers(0, 60))
    return SlidingCmnOptions(
        cmn_window=window, min_cmn_window=shortest, center=center, norm_vars=draw(st.booleans())
    )


def made_features(frames: int, seed: int, columns: int = 3) -> np.ndarray:
    """Features as loud as MFCC, whose columns drift and are constant at times."""
    generator = np.random.default_rng(seed)
    features = generator.normal(generator.normal(0, 20, columns), 5, (frames, columns))
    features += np.arange(frames)[:, None] * generator.normal(0, 0.5, columns)
    features[: frames // 3, 0] = -15.942385
    return features.astype(np.float32)


def slow_sliding_cmn(features: np.ndarray, options: SlidingCmnOptions) -> np.ndarray:
    """Kaldi's definition, frame by frame; exact sums, where Kaldi keeps running ones."""
    frames = len(features)
    normalised = []
    for frame in range(frames):
        if options.center:
            first = frame - options.cmn_window // 2
            last = first + options.cmn_window
        else:
            first, last = frame - options.cmn_window, frame + 1
        if first < 0:
            first, last = 0, last - first
        if not options.center and last > frame:
            last = max(frame + 1, options.min_cmn_window)
        if last > frames:
            first, last = max(first - (last - frames), 0), frames
        window = features[first:last].astype(np.float64)
        row = features[frame] - window.mean(axis=0)
        if options.norm_vars:
            row = row / np.sqrt(np.maximum(window.var(axis=0), 1e-10)) if len(window) > 1 else row * 0
        normalised.append(row)
    return np.array(normalised).reshape(features.shape)


@given(st.integers(0, 90), sliding_options(), st.integers(0, 1000), st.sampled_from([1, 7, 4096]))
def test_sliding_cmn_equals_the_literal_definition(frames, options, seed, block):
    features = made_features(frames, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wespk.features.cmvn, "BLOCK_FRAMES", block)  # the results hang together over blocks
        ours = sliding_cmn(features, options)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, slow_sliding_cmn(features, options), atol=2e-5, rtol=1e-6)


@pytest.mark.parametrize("sound", ["made_noise", "made_voice"])
def test_sliding_cmn_equals_kaldi(sound):
    golden = np.load(GOLDEN)
    options = SlidingCmnOptions(cmn_window=60, min_cmn_window=30, center=True)
    # Kaldi's text tables have seven digits.
    np.testing.assert_allclose(
        sliding_cmn(golden[f"{sound}_mfcc"], options), golden[f"{sound}_cmn"], atol=2e-5, rtol=1e-6
    )


def test_defaults_are_those_of_apply_cmvn_sliding():
    assert SlidingCmnOptions().model_dump() == {
        "cmn_window": 600,
        "min_cmn_window": 100,
        "center": False,
        "norm_vars": False,
    }


def test_causal_window_holds_the_frame_and_a_window_before_it():
    features = np.arange(10, dtype=np.float32)[:, None] ** 2
    normalised = sliding_cmn(features, SlidingCmnOptions(cmn_window=2, min_cmn_window=1))
    assert normalised[6, 0] == pytest.approx(36 - (16 + 25 + 36) / 3)
    assert normalised[0, 0] == 0


def test_first_frames_of_a_causal_window_look_ahead():
    features = np.arange(10, dtype=np.float32)[:, None] ** 2
    normalised = sliding_cmn(features, SlidingCmnOptions(cmn_window=4, min_cmn_window=3))
    np.testing.assert_allclose(normalised[:3, 0], np.array([0, 1, 4]) - 5 / 3, rtol=1e-6)
    assert normalised[3, 0] == pytest.approx(9 - 14 / 4)


def test_centred_window_moves_inwards_at_the_edges():
    features = np.arange(10, dtype=np.float32)[:, None] ** 2
    normalised = sliding_cmn(features, SlidingCmnOptions(cmn_window=5, min_cmn_window=5, center=True))
    np.testing.assert_allclose(normalised[:3, 0], np.array([0, 1, 4]) - 30 / 5, rtol=1e-6)
    np.testing.assert_allclose(normalised[7:, 0], np.array([49, 64, 81]) - 255 / 5, rtol=1e-6)


@given(st.integers(1, 60), st.booleans(), st.integers(0, 100))
def test_a_window_of_the_whole_utterance_is_utterance_cmvn(frames, norm_vars, seed):
    features = made_features(frames, seed)
    options = SlidingCmnOptions(cmn_window=60, min_cmn_window=60, center=True, norm_vars=norm_vars)
    if norm_vars and frames == 1:
        return  # 0 by one definition, 0 divided by a floor by the other
    np.testing.assert_allclose(
        sliding_cmn(features, options), utterance_cmvn(features, norm_vars), atol=1e-4, rtol=1e-5
    )


def test_long_windows_lose_no_digits():
    # An hour with a mean of 1e4 times the deviation: running sums of squares in float32 would be noise, and
    # E[x^2] - E[x]^2 without centring would lose eight digits.
    generator = np.random.default_rng(0)
    features = (generator.normal(0, 0.01, (360_000, 1)) + 100).astype(np.float32)
    options = SlidingCmnOptions(cmn_window=300, center=True, norm_vars=True)
    normalised = sliding_cmn(features, options)
    for frame in (0, 4095, 4096, 200_001, 359_999):
        first = min(max(frame - 150, 0), len(features) - 300)
        window = features[first : first + 300].astype(np.float64)
        expected = (features[frame] - window.mean()) / window.std()
        np.testing.assert_allclose(normalised[frame], expected, rtol=1e-6)


@given(st.integers(2, 50), st.floats(0.1, 10), st.floats(-50, 50), st.integers(0, 100))
def test_cmvn_does_not_see_gain_and_offset(frames, gain, offset, seed):
    features = np.random.default_rng(seed).normal(0, 1, (frames, 3))
    moved = (gain * features + offset).astype(np.float32)
    np.testing.assert_allclose(
        utterance_cmvn(moved, norm_vars=True),
        utterance_cmvn(features.astype(np.float32), norm_vars=True),
        atol=1e-2,
    )


@given(st.integers(2, 50), st.integers(0, 100))
def test_utterance_cmvn_gives_mean_zero_and_variance_one(frames, seed):
    features = np.random.default_rng(seed).normal(30, 4, (frames, 5)).astype(np.float32)
    normalised = utterance_cmvn(features, norm_vars=True).astype(np.float64)
    np.testing.assert_allclose(normalised.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(normalised.var(axis=0), 1, rtol=1e-5)
    np.testing.assert_allclose(
        utterance_cmvn(features), features - features.mean(axis=0, dtype=np.float64), atol=1e-5
    )


def test_a_column_that_does_not_vary_gives_zero():
    features = np.full((100, 2), -15.942385, dtype=np.float32)
    assert not utterance_cmvn(features, norm_vars=True).any()
    assert not sliding_cmn(features, SlidingCmnOptions(norm_vars=True)).any()


def test_a_window_of_one_frame_gives_zero_with_variances():
    features = made_features(
        200, 3
    )  # sums over earlier frames are rounded, which a floored variance magnifies
    options = SlidingCmnOptions(cmn_window=1, min_cmn_window=1, center=True, norm_vars=True)
    assert not sliding_cmn(features, options).any()


def test_input_is_left_as_it_was():
    features = made_features(50, 1)
    features.flags.writeable = False  # as a memory-mapped archive is
    before = features.copy()
    sliding_cmn(features, SlidingCmnOptions())
    utterance_cmvn(features, norm_vars=True)
    np.testing.assert_array_equal(features, before)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"cmn_window": 0}, "'cmn_window'"),
        ({"center": True, "cmn_window": 50}, "min_cmn_window must lie from 1 to cmn_window (50), not at 100"),
        ({"center": True, "min_cmn_window": 0}, "min_cmn_window must lie"),
        ({"min_cmn_window": -1}, "'min_cmn_window'"),
    ],
)
def test_impossible_options_are_refused(values, message):
    with pytest.raises(WespkError, match=re.escape(message)):
        parse_config(SlidingCmnOptions, values, "cmn.conf")
