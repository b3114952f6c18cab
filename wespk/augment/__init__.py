"""Augmentation as pure functions with an explicit random generator."""

from wespk.augment.specaugment import SpecAugmentOptions, spec_augment

__all__ = ["SpecAugmentOptions", "spec_augment"]
