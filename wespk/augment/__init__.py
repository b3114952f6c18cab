"""Augmentation as pure functions with an explicit random generator."""

from wespk.augment.augmenter import Augmenter
from wespk.augment.coding import code, telephone
from wespk.augment.level import change_volume, clip_share, fit_peak
from wespk.augment.noise import Placed, add_noise, babble
from wespk.augment.options import AugmentOptions
from wespk.augment.reverb import reverberate
from wespk.augment.rooms import Room, random_room, room_response
from wespk.augment.specaugment import SpecAugmentOptions, spec_augment
from wespk.augment.speed import change_speed, change_tempo

__all__ = [
    "AugmentOptions",
    "Augmenter",
    "Placed",
    "Room",
    "SpecAugmentOptions",
    "add_noise",
    "babble",
    "change_speed",
    "change_tempo",
    "change_volume",
    "clip_share",
    "code",
    "fit_peak",
    "random_room",
    "reverberate",
    "room_response",
    "spec_augment",
    "telephone",
]
