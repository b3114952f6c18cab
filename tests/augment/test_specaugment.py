import numpy as np

from wespk.augment import SpecAugmentOptions, spec_augment

ALWAYS = SpecAugmentOptions(time_masks=2, max_frames=10, frequency_masks=2, max_bins=5, probability=1.0)


def test_masks_are_stripes_within_the_limits():
    features = np.ones((100, 40), dtype=np.float32)
    for seed in range(50):
        masked = spec_augment(features, ALWAYS, np.random.default_rng(seed))
        frames, bins = (masked == 0).all(axis=1).sum(), (masked == 0).all(axis=0).sum()
        assert frames <= 20 and bins <= 10
        assert (masked == 0).sum() == frames * 40 + bins * 100 - frames * bins
    assert (features == 1).all()


def test_masks_are_a_function_of_the_generator():
    features = np.random.default_rng(0).normal(size=(50, 20)).astype(np.float32)
    one, again, other = (spec_augment(features, ALWAYS, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_probability_zero_changes_nothing_and_short_input_is_fine():
    features = np.ones((3, 2), dtype=np.float32)
    never = ALWAYS.model_copy(update={"probability": 0.0})
    assert spec_augment(features, never, np.random.default_rng(0)) is features
    assert spec_augment(features, ALWAYS, np.random.default_rng(0)).shape == (3, 2)
