import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.core.rejections import Rejections
from wespk.data.datadir import DataDir, load_data_dir
from wespk.data.durations import Durations, read_durations, write_durations
from wespk.data.stats import data_stats


@pytest.fixture
def data(make_corpus):
    return make_corpus(speakers=2, utts=2, seconds=0.6)


def put(path, value):
    path.write_text("".join(f"{utt} {value}\n" for utt in load_data_dir(path.parent).utterances))


def test_durations_come_from_the_cheapest_exact_table(data):
    assert (found := read_durations(load_data_dir(data))).source == "audio headers"
    assert found.seconds == dict.fromkeys(load_data_dir(data).utterances, 0.6)
    put(data / "utt2num_frames", 50)
    assert read_durations(load_data_dir(data)).source == "audio headers"  # of unknown frame shift
    (data / "feats.json").write_text(json.dumps({"spec": {"options": {"frame_shift": 12.5}}, "content": "c"}))
    assert (found := read_durations(load_data_dir(data))).source == "utt2num_frames"
    assert found.seconds["s00-u0"] == pytest.approx(0.625)
    assert read_durations(load_data_dir(data), frames=False).source == "audio headers"
    put(data / "utt2dur", "0.7")
    assert read_durations(load_data_dir(data)).seconds["s00-u0"] == 0.7
    assert read_durations(load_data_dir(data), headers=True).seconds["s00-u0"] == 0.6


def test_frames_of_mel_spectrograms_count_hops_and_frames_after_vad_count_nothing(data):
    put(data / "utt2num_frames", 50)
    spec = {"options": {"hop_length": 320, "sample_frequency": 16000}}
    (data / "feats.json").write_text(json.dumps({"spec": spec, "content": "c"}))
    assert read_durations(load_data_dir(data)).seconds["s00-u0"] == 1.0
    (data / "feats.json").write_text(
        json.dumps({"spec": {**spec, "vad": {"kind": "energy"}}, "content": "c"})
    )
    assert read_durations(load_data_dir(data)).source == "audio headers"


def test_segments_to_the_end_of_a_recording_are_measured(data):
    loaded = load_data_dir(data)
    (data / "wav.scp").write_text(f"r {loaded.recordings['s00-u0']}\n")
    rows = {"s00-u0": "0 0.25", "s00-u1": "0.25 -1", "s01-u0": "0.5 0.9", "s01-u1": "0.7 0.8"}
    (data / "segments").write_text("".join(f"{utt} r {part}\n" for utt, part in rows.items()))
    found = read_durations(load_data_dir(data))
    assert found.source == "audio headers" and list(found.unknown.reasons) == ["s01-u1"]
    assert found.seconds == pytest.approx({"s00-u0": 0.25, "s00-u1": 0.35, "s01-u0": 0.1})
    (data / "segments").write_text("".join(f"{utt} r 0 0.5\n" for utt in rows))
    assert read_durations(load_data_dir(data)).source == "segments"


def test_written_durations_are_valid_and_found_again(data):
    loaded = load_data_dir(data)
    assert write_durations(loaded, read_durations(loaded)) == ["utt2dur", "reco2dur"]
    assert (data / "utt2dur").read_text().startswith("s00-u0 0.600000\n")
    assert read_durations(load_data_dir(data)).source == "utt2dur"


def test_durations_that_are_not_known_are_named_and_not_written(data):
    (data.parent / "wav/s00-u1.wav").unlink()
    loaded = load_data_dir(data)
    found = read_durations(loaded)
    assert found.unknown.reasons["s00-u1"].startswith("missing") and len(found.seconds) == 3
    with pytest.raises(WespkError, match="no duration of 1 utterances, first 's00-u1' .missing"):
        write_durations(loaded, found)
    stats = data_stats(loaded, found)
    assert stats.unknown.keys() == {"s00-u1"} and sum(stats.histogram.values()) == 3


def test_rates_channels_formats_and_genders_are_counted(data):
    soundfile.write(data.parent / "wav/s00-u0.wav", np.zeros((80, 2)), 8000)
    (data / "spk2gender").write_text("s00 f\ns01 m\n")
    loaded = load_data_dir(data)
    stats = data_stats(loaded, read_durations(loaded))
    assert stats.sample_rates == {"8000": 1, "16000": 3} and stats.channels == {"1": 3, "2": 1}
    assert sum(stats.formats.values()) == 4 and stats.genders == {"f": 1, "m": 1}
    (data / "spk2gender").unlink()
    assert data_stats(loaded, read_durations(loaded)).genders == {"unknown": 2}


@given(st.lists(st.floats(0.01, 200), min_size=1, max_size=40))
def test_histogram_and_spread_account_for_every_utterance(seconds):
    utts = [f"s-{n:02d}" for n in range(len(seconds))]
    data = DataDir(Path("/none"), dict.fromkeys(utts, "x"), dict.fromkeys(utts, "s"))
    stats = data_stats(data, Durations(dict(zip(utts, seconds, strict=True)), "made", Rejections()))
    assert sum(stats.histogram.values()) == len(seconds)
    assert stats.histogram["1-2"] == sum(1 <= value < 2 for value in seconds)
    assert stats.histogram["60+"] == sum(value >= 60 for value in seconds)
    assert stats.seconds.median == pytest.approx(float(np.median(seconds)))
    assert stats.hours == pytest.approx(sum(seconds) / 3600)


@pytest.mark.parametrize("text", ["null", "[]", "1", '{"spec": null}'])
def test_a_feature_record_that_tells_nothing_leaves_the_durations_to_the_audio(data, text):
    put(data / "utt2num_frames", 50)
    (data / "feats.json").write_text(text)
    assert read_durations(load_data_dir(data)).source == "audio headers"
