"""The augmenter: what is drawn is written down, folders are checked, equal generators give equal results."""

import json
import pickle

import numpy as np
import pytest
import soundfile

from wespk.augment import Augmenter, AugmentOptions
from wespk.augment.options import ADDITIVE, KINDS
from wespk.core.config import parse_config
from wespk.core.errors import WespkError
from wespk.data.audio import AudioError

RATE = 16000


@pytest.fixture
def options(musan, rirs):
    """Make options of one kind that always happens."""

    def make(kind, **more):
        folders = {"musan": str(musan)} if kind in ("noise", "music", "babble") else {}
        if kind == "reverb" and "rooms" not in more:
            folders["rirs"] = str(rirs)
        return AugmentOptions(kinds={kind: 1.0}, **folders, **more)

    return make


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_function_of_the_generator_and_stays_within_full_scale(kind, options, voice):
    sound = (6 * voice(140, 0.7)).clip(-1, 1)
    augmenter = Augmenter(options(kind))
    one, again = (augmenter(sound, RATE, rng(1)) for _ in range(2))
    assert np.array_equal(one, again) and not np.array_equal(one, sound)
    done = [augmenter.apply(kind, sound, RATE, rng(seed))[1] for seed in range(20)]
    assert any(facts != done[0] for facts in done)
    assert one.dtype == np.float32 and np.abs(one).max() <= 1
    if kind not in ("speed", "tempo"):
        assert len(one) == len(sound)
    assert np.array_equal(pickle.loads(pickle.dumps(augmenter))(sound, RATE, rng(1)), one)


@pytest.mark.parametrize("kind", ["music", "babble"])
def test_the_snr_that_is_written_down_is_the_one_that_was_done(kind, options, voice):
    sound = 0.2 * voice(140, 1.5)  # longer than some files, shorter than others
    augmenter = Augmenter(options(kind))
    for seed in range(12):
        mixed, facts = augmenter.apply(kind, sound, RATE, rng(seed))
        added = mixed.astype(np.float64) - sound
        found = 10 * np.log10(np.mean(np.square(sound, dtype=np.float64)) / np.mean(added**2))
        assert found == pytest.approx(facts["snr"], abs=0.02) and "scale" not in facts
        low, high = (5, 15) if kind == "music" else (13, 20)
        assert low <= facts["snr"] <= high
        if kind == "babble":
            assert 3 <= len(facts["talkers"]) <= 7
        assert json.loads(json.dumps(facts)) == facts


def test_noises_follow_each_other_at_the_interval_each_at_its_own_snr(options, voice):
    sound = 0.2 * voice(140, 6.0)
    mixed, facts = Augmenter(options("noise")).apply("noise", sound, RATE, rng(3))
    added = mixed.astype(np.float64) - sound
    edges = [round(noise["at"] * RATE) for noise in facts["noises"]] + [len(sound) + RATE]
    assert edges[0] == 0 and len(edges) > 2
    for start, following, noise in zip(edges, edges[1:], facts["noises"], strict=False):
        end = min(following - RATE, len(sound))
        assert not added[end : min(following, len(sound))].any()  # a second of quiet
        power = np.mean(added[start:end] ** 2)
        found = 10 * np.log10(np.mean(np.square(sound, dtype=np.float64)) / power)
        assert found == pytest.approx(noise["snr"], abs=0.05) and 0 <= noise["snr"] <= 15


def test_a_scaled_mixture_says_so_and_keeps_its_snr(options, voice):
    sound = voice(140, 1.0)
    sound = (0.99 * sound / np.abs(sound).max()).astype(np.float32)
    mixed, facts = Augmenter(options("music")).apply("music", sound, RATE, rng())
    assert facts["scale"] < 1
    added = mixed.astype(np.float64) / facts["scale"] - sound
    found = 10 * np.log10(np.mean(np.square(sound, dtype=np.float64)) / np.mean(added**2))
    assert found == pytest.approx(facts["snr"], abs=0.02)


def test_one_kind_at_most_happens_as_often_as_it_should(voice):
    sound = 0.1 * voice(140, 0.05)
    augmenter = Augmenter(AugmentOptions(kinds={"volume": 0.3, "clip": 0.2}, clipped=(0.5, 0.5)))
    random, done = rng(), {"none": 0, "volume": 0, "clip": 0}
    for _ in range(2000):
        made = augmenter(sound, RATE, random)
        ratio = made / sound
        kind = "none" if made is sound else "volume" if np.ptp(ratio) < 1e-3 else "clip"
        done[kind] += 1
    assert done["none"] == pytest.approx(1000, abs=80)
    assert done["volume"] == pytest.approx(600, abs=80) and done["clip"] == pytest.approx(400, abs=80)


def test_responses_are_of_the_first_channel_and_noises_among_them_are_left_out(options, voice):
    sound = voice(140, 0.5)
    augmenter = Augmenter(options("reverb"))
    assert [name.rpartition("/")[2] for name in augmenter.folders["reverb"].names] == [
        "one_rir.wav",
        "two_rir.wav",
    ]
    made = {f["file"]: m for s in range(20) for m, f in [augmenter.apply("reverb", sound, RATE, rng(s))]}
    one, two = made.values()
    assert np.array_equal(one, two)


def test_a_simulated_room_is_written_down(options, voice):
    augmenter = Augmenter(options("reverb", rooms=("medium",)))
    _, facts = augmenter.apply("reverb", voice(140, 0.5), RATE, rng())
    assert facts["room"] == "medium" and 10 <= facts["size"][0] <= 30 and 0.1 < facts["rt60"] < 6


def test_an_empty_or_missing_folder_is_an_error_by_name(options, musan):
    for path in (musan / "music").rglob("*.*"):
        path.unlink()
    with pytest.raises(WespkError, match=r"musan/music: no audio of music files there"):
        Augmenter(options("music"))
    with pytest.raises(WespkError, match=r"nowhere/music: no such folder; it should hold music files"):
        Augmenter(options("music").model_copy(update={"musan": "nowhere"}))


def test_an_unreadable_file_among_the_noises_is_an_error_by_name(options, musan):
    (musan / "noise" / "broken.wav").write_bytes(b"RIFF and then nothing")
    with pytest.raises(WespkError, match=r"noise/broken.wav: cannot be used among the noise files \("):
        Augmenter(options("noise"))


def test_a_file_that_breaks_after_its_header_is_an_error_by_name_not_a_rejection(options, musan, voice):
    place = musan / "music" / "some place"
    whole = (place / "stereo.flac").read_bytes()
    for path in place.iterdir():
        path.unlink()
    (place / "cut.flac").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WespkError, match=r"cut.flac: cannot be used") as failed:
        Augmenter(options("music"))(voice(140, 3.0), RATE, rng())
    assert not isinstance(failed.value, AudioError)


def test_silent_parts_are_drawn_again_and_a_silent_folder_is_an_error(options, musan, voice):
    place = musan / "music" / "some place"
    for path in place.iterdir():
        soundfile.write(path, np.zeros(8000), 16000)
    with pytest.raises(WespkError, match="random parts of its music files are silent"):
        Augmenter(options("music"))(voice(140, 0.5), RATE, rng())
    soundfile.write(place / "one.wav", rng().normal(0, 0.1, 8000), 16000)
    for seed in range(5):
        _, facts = Augmenter(options("music")).apply("music", voice(140, 0.5), RATE, rng(seed))
        assert facts["file"].endswith("one.wav")


@pytest.mark.parametrize("kind", ["noise", "music"])
def test_an_utterance_without_power_is_rejected_with_the_reason(kind, options):
    with pytest.raises(AudioError, match="silent: speech without power has no SNR"):
        Augmenter(options(kind))(np.zeros(1000, np.float32), RATE, rng())
    with pytest.raises(AudioError, match="empty"):
        Augmenter(options(kind))(np.zeros(0, np.float32), RATE, rng())


@pytest.mark.parametrize("length", [1, 2, 17, 160, 400])
@pytest.mark.parametrize("kind", KINDS)
def test_very_short_utterances_pass_or_are_rejected_by_name(kind, length, options):
    sound = rng().normal(0, 0.1, length).astype(np.float32)
    augmenter = Augmenter(options(kind))
    if kind in ADDITIVE and length < 160:
        with pytest.raises(AudioError, match="too short: "):
            augmenter(sound, RATE, rng())
        return
    made = augmenter(sound, RATE, rng())
    assert len(made) >= 1 and np.isfinite(made).all()


@pytest.mark.parametrize("rest", [1, 2, 100, 159, 160])
def test_an_end_too_short_for_a_noise_is_left_quiet(rest, options, musan):
    for path in (musan / "noise").rglob("[012].*"):
        soundfile.write(path, rng().normal(0, 0.1, 3200), RATE)
    (musan / "noise/some place/stereo.flac").unlink()
    sound = rng().normal(0, 0.1, 3200 + RATE + rest).astype(np.float32)
    _, facts = Augmenter(options("noise")).apply("noise", sound, RATE, rng())
    assert len(facts["noises"]) == (2 if rest == 160 else 1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kinds": {"noise": 0.5}}, "need `musan`"),
        ({"kinds": {"reverb": 0.5}}, "one of `rirs`"),
        ({"kinds": {"reverb": 0.5}, "rirs": "a", "rooms": ["small"]}, "one of `rirs`"),
        ({"kinds": {"volume": 0.6, "clip": 0.6}}, "add up to more than 1"),
        ({"kinds": {"echo": 0.5}}, "'kinds.echo"),
        ({"kinds": {}, "volume_db": [6, -6]}, "from the lower to the higher end"),
        ({"kinds": {"speed": 1}, "speeds": []}, "speed has nothing to choose from"),
        ({"kinds": {"speed": 1}, "speeds": [3.0]}, "'speeds.0'"),
        ({"kinds": {}, "noise_snrs": [0, 1]}, "did you mean 'noise_snr'"),
    ],
)
def test_impossible_options_are_refused(values, message):
    with pytest.raises(WespkError, match="options: ") as failed:
        parse_config(AugmentOptions, values, "options")
    assert message in str(failed.value)
