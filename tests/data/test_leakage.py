import pytest
import soundfile

from wespk.data.datadir import load_data_dir, write_data_dir
from wespk.data.leakage import Shared, read_sounds, shared_audio, shared_ids


@pytest.fixture
def sets(make_corpus):
    """Two directories without anything in common; change one to leak."""
    return make_corpus("train", speakers=2, utts=2), make_corpus("test", speakers=2, utts=2, first=2)


def found(sets):
    shared, lost = shared_audio(*(read_sounds(load_data_dir(path)) for path in sets))
    assert not lost
    return shared


def test_clean_sets_share_nothing(sets):
    assert not shared_ids(*map(load_data_dir, sets)) and not found(sets)


def test_shared_speakers_and_utterances_are_named(make_corpus):
    one, other = make_corpus("one", speakers=2, utts=1), make_corpus("other", speakers=2, utts=2, first=1)
    shared = shared_ids(load_data_dir(one), load_data_dir(other))
    assert shared == [Shared("speaker", "s01", "s01"), Shared("utterance", "s01-u0", "s01-u0")]


def test_same_sound_in_another_container_under_another_name_is_found(sets):
    wav = sets[0].parent / "wav"
    samples, rate = soundfile.read(wav / "s00-u1.wav", dtype="int16")
    soundfile.write(wav / "s03-u0.wav", samples, rate, format="FLAC")
    assert found(sets) == [Shared("audio", "s00-u1", "s03-u0")]


def test_one_sample_of_difference_is_another_sound(sets):
    wav = sets[0].parent / "wav"
    samples, rate = soundfile.read(wav / "s00-u1.wav", dtype="int16")
    samples[100] += 1
    soundfile.write(wav / "s03-u0.wav", samples, rate)
    assert found(sets) == []


def test_two_equal_channels_are_the_mono_sound(sets):
    wav = sets[0].parent / "wav"
    samples, rate = soundfile.read(wav / "s00-u1.wav", dtype="int16", always_2d=True)
    soundfile.write(wav / "s03-u0.wav", samples.repeat(2, axis=1), rate)
    assert found(sets) == [Shared("audio", "s00-u1", "s03-u0")]


def test_link_to_a_file_is_that_file(sets):
    wav = sets[0].parent / "wav"
    (wav / "s02-u1.wav").unlink()
    (wav / "s02-u1.wav").symlink_to("s01-u0.wav")
    assert found(sets) == [Shared("recording", "s01-u0", "s02-u1"), Shared("audio", "s01-u0", "s02-u1")]


def test_segments_of_a_file_are_compared_by_their_part(sets, tmp_path):
    wav = load_data_dir(sets[0]).recordings["s00-u0"]
    samples, rate = soundfile.read(wav, dtype="int16")
    soundfile.write(tmp_path / "part.wav", samples[1600:4800], rate)
    cut = {"x-1": "r 0.1 0.3", "x-2": "r 0.3 -1"}
    write_data_dir(tmp_path / "cut", {"r": wav}, dict.fromkeys(cut, "x"), segments=cut)
    write_data_dir(tmp_path / "part", {"y-1": str(tmp_path / "part.wav")}, {"y-1": "y"})
    assert found([tmp_path / "cut", tmp_path / "part"]) == [Shared("audio", "x-1", "y-1")]
    other = {"z-1": "q 0.2 0.4"}
    write_data_dir(tmp_path / "other", {"q": wav}, {"z-1": "z"}, segments=other)
    assert found([tmp_path / "cut", tmp_path / "other"]) == [Shared("recording", "r", "q")]


def test_what_cannot_be_read_is_listed_as_not_compared(sets):
    wav = sets[0].parent / "wav"
    (wav / "s00-u0.wav").unlink()
    soundfile.write(wav / "s01-u0.wav", [0.0] * 500, 16000)
    soundfile.write(wav / "s02-u0.wav", [0.0] * 500, 16000)
    shared, lost = shared_audio(*(read_sounds(load_data_dir(path)) for path in sets))
    assert not shared and list(lost.reasons) == ["s00-u0", "s01-u0", "s02-u0"]
    assert lost.reasons["s00-u0"].startswith("missing") and lost.reasons["s02-u0"].startswith("silent")
