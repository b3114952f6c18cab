import os

import numpy as np
import pytest
import soundfile

from wespk.core.errors import WespkError
from wespk.core.progress import track
from wespk.data.audio import AudioOptions
from wespk.data.audio_check import check_audio
from wespk.data.datadir import check_disjoint, load_data_dir, load_features, write_data_dir


@pytest.fixture
def data(make_corpus):
    return make_corpus(speakers=2, utts=2)


def edit(path, change):
    path.write_text(change(path.read_text()))


def test_written_directory_loads(data):
    loaded = load_data_dir(data)
    assert loaded.speakers == ["s00", "s01"]
    assert len(loaded.utterances) == 4
    assert "4 utterances of 2 speakers" in str(loaded)
    assert not check_audio(loaded, 16000)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("wav.scp", lambda t: t.replace("s00-u1", "s00-u0", 1), "wav.scp:2: duplicate key 's00-u0'"),
        ("wav.scp", lambda t: "".join(reversed(t.splitlines(True))), "out of order"),
        ("wav.scp", lambda t: "".join(t.splitlines(True)[1:]), "wav.scp: 's00-u0' of utt2spk is missing"),
        ("utt2spk", lambda t: "".join(t.splitlines(True)[1:]), "utt2spk: 's00-u0' of wav.scp is missing"),
        ("utt2spk", lambda t: t.replace(" s00\n", "\n", 1), "utt2spk:1: 's00-u0' has no value"),
        ("utt2spk", lambda t: t.replace(" s00\n", " z\n", 1), "speaker 's00' is out of order"),
        ("utt2spk", lambda t: t.replace(" s00\n", " s00 s01\n", 1), "more than one speaker"),
        ("utt2spk", lambda t: "", "holds no utterances"),
        ("spk2utt", lambda t: t.replace(" s00-u1", ""), "'s00' disagrees with utt2spk"),
        ("spk2gender", lambda t: "s00 m\ns01 x\n", "'s01' is 'x'; m or f"),
        ("spk2gender", lambda t: "s00 m\n", "'s01' of utt2spk is missing"),
        ("wav.scp", lambda t: t.replace(" /", " ~/", 1), "'s00-u0' has a ~"),
        ("utt2spk", lambda t: t.replace(" s00\n", " s\u00a00\n", 1), "utt2spk:1: .* more than one speaker"),
        ("spk2utt", lambda t: t.replace("s00-u0 s00-u1", "s00-u1 s00-u0"), "'s00' disagrees"),
        ("spk2utt", lambda t: t.replace("s01 ", "s02 "), "spk2utt: 's01' of utt2spk is missing"),
        ("segments", lambda t: "s00-u0 s00-u0 1 0.5\n", "segments:1: .* 0 <= start < end"),
        ("segments", lambda t: "s00-u0 s00-u0 -1 0.5\n", "segments:1: .* 0 <= start < end"),
        ("segments", lambda t: "s00-u0 s00-u0 0 inf\n", "segments:1: .* 0 <= start < end"),
        ("segments", lambda t: "s00-u0 s00-u0 0 nan\n", "segments:1: .* 0 <= start < end"),
        ("segments", lambda t: "s00-u0 s00-u0 0 1 2\n", "segments:1: .* four fields"),
        ("segments", lambda t: "s00-u0 s00-u0 0 1_0\n", "segments:1: .* four fields"),
        ("segments", lambda t: "s00-u0 s00-u0 0\n", "segments:1: .* expected `utt recording start end`"),
        ("segments", lambda t: "s00-u0 x 0 1\n", "segments:1: recording 'x' is not in wav.scp"),
        ("segments", lambda t: "s00-u0 s00-u0 0 1\n", "wav.scp: no segment uses recording 's00-u1'"),
        ("utt2dur", lambda t: "s00-u0 1.0\n", "utt2dur: 's00-u1' of utt2spk is missing .3 so"),
        ("utt2dur", lambda t: "s00-u0 1.0\ns00-u1 0\n", "utt2dur:2: 's00-u1' is '0'; seconds above 0"),
        ("utt2dur", lambda t: "s00-u0 nan\n", "utt2dur:1: 's00-u0' is 'nan'"),
        ("utt2num_frames", lambda t: "s00-u0 1.5\n", "utt2num_frames:1: .* whole number above 0"),
        ("feats.scp", lambda t: "s00-u0 a:1\n", "feats.scp: 's00-u1' of utt2spk is missing"),
        ("vad.scp", lambda t: "s00-u0 a:1\n", "vad.scp: 's00-u1' of utt2spk is missing"),
        ("utt2uniq", lambda t: "s00-u0 u\n", "utt2uniq: 's00-u1' of utt2spk is missing"),
        ("reco2dur", lambda t: "x 1.0\n", "reco2dur: 's00-u0' of wav.scp is missing"),
        ("text", lambda t: "s00-u0\ns00-u1 a\ns01-u0 a\ns01-u1 a\nz b\n", "utt2spk: 'z' of text is missing"),
    ],
)
def test_broken_directories_are_told_with_file_and_line(data, file, change, message):
    (data / file).touch()
    edit(data / file, change)
    with pytest.raises(WespkError, match=message):
        load_data_dir(data)


@pytest.mark.parametrize("file", ["wav.scp", "utt2spk", "spk2utt"])
def test_required_files_are_named(data, file):
    (data / file).unlink()
    with pytest.raises(WespkError, match=f"{file}: no such file"):
        load_data_dir(data)


def test_speaker_in_two_sets_is_refused(make_corpus):
    train, test = make_corpus("train", speakers=2), make_corpus("test", speakers=1, first=1)
    with pytest.raises(WespkError, match="speaker 's01' is in both .*train and .*test"):
        check_disjoint([load_data_dir(train), load_data_dir(test)])


@pytest.mark.parametrize("processes", [1, 2])
def test_bad_audio_is_listed_by_utterance(make_corpus, processes):
    data = make_corpus(speakers=5, utts=14, seconds=0.05)  # more than one process is given at a time
    wav = data.parent / "wav"
    (wav / "s00-u0.wav").unlink()
    soundfile.write(wav / "s04-u13.wav", [0.0] * 8000, 16000)
    reasons = check_audio(load_data_dir(data), 16000, processes=processes, track=track).reasons
    assert list(reasons) == ["s00-u0", "s04-u13"]
    assert reasons["s00-u0"].startswith("missing") and reasons["s04-u13"].startswith("silent")


def test_audio_is_checked_by_the_options_given(data):
    loaded = load_data_dir(data)
    assert len(check_audio(loaded, AudioOptions(min_seconds=1.0))) == 4
    assert len(check_audio(loaded, 8000)) == 4
    assert not check_audio(loaded, AudioOptions(sample_rate=8000, allow_downsample=True))


def test_segments_cut_their_recording(data):
    wav = dict(line.split() for line in (data / "wav.scp").read_text().splitlines())
    (data / "segments").write_text("s00-a s00-u0 0.1 0.3\ns00-b s00-u0 0.3 0.5\n")
    write = data / "utt2spk", data / "spk2utt"
    write[0].write_text("s00-a s00\ns00-b s00\n")
    write[1].write_text("s00 s00-a s00-b\n")
    (data / "wav.scp").write_text(f"s00-u0 {wav['s00-u0']}\n")
    loaded = load_data_dir(data)
    assert len(loaded.audio("s00-a", 16000)) == 3200
    (data / "segments").write_text("s00-a s00-u0 0.1 0.3\ns00-b s00-u0 0.3 -1\n")
    loaded = load_data_dir(data)
    np.testing.assert_array_equal(loaded.audio("s00-b", 16000), soundfile.read(wav["s00-u0"])[0][4800:])
    (data / "segments").write_text("s00-a s00-u0 0.1 0.3\ns00-b s00-u0 0.3 9.5\n")
    assert check_audio(load_data_dir(data), 16000).reasons["s00-b"].startswith("segment outside")


def test_features_must_be_there_or_rejected(data):
    with pytest.raises(WespkError, match="feats.scp: no such file; run the feature stage"):
        load_features(load_data_dir(data))
    (data / "feats.scp").write_text("s00-u0 a:1\ns00-u1 a:2\ns01-u0 a:3\n")
    with pytest.raises(WespkError, match="feats.scp: 's01-u1' of utt2spk is missing"):
        load_data_dir(data)
    (data / "rejected.txt").write_text("s01-u1 silent: all samples are equal\n")
    assert len(load_features(load_data_dir(data))) == 3


def test_writing_other_utterances_takes_the_old_features_away(data):
    for name, value in (("feats.scp", "a:1"), ("utt2num_frames", "9"), ("utt2session", "x")):
        (data / name).write_text("".join(f"{utt} {value}\n" for utt in load_data_dir(data).utterances))
    kept = {"s00-u0": "x.wav"}
    write_data_dir(data, kept, {"s00-u0": "s00"})
    assert not (data / "feats.scp").exists() and not (data / "utt2session").exists()
    assert load_data_dir(data).utterances == ["s00-u0"]
    (data / "feats.scp").write_text("s00-u0 a:1\n")
    write_data_dir(data, kept, {"s00-u0": "s00"})
    assert (data / "feats.scp").exists()


def test_writing_checks_what_it_wrote(tmp_path):
    with pytest.raises(WespkError, match="utt2spk: 'v' of wav.scp is missing"):
        write_data_dir(tmp_path / "d", {"v": "x"}, {"u": "s"})


def test_other_segments_take_the_old_features_away(tmp_path):
    def write(end):
        return write_data_dir(tmp_path / "d", {"r": "r.wav"}, {"u": "s"}, segments={"u": f"r 0 {end}"})

    write(1)
    (tmp_path / "d/feats.scp").write_text("u a:1\n")
    assert write(1).segments["u"].end == 1
    assert (tmp_path / "d/feats.scp").exists()
    write(2)
    assert not (tmp_path / "d/feats.scp").exists()


def test_speakers_out_of_order_are_let_through_on_demand(tmp_path):
    for name, text in (("wav.scp", "a 1\nb 2\n"), ("utt2spk", "a z\nb y\n"), ("spk2utt", "y b\nz a\n")):
        (tmp_path / name).write_text(text)
    with pytest.raises(WespkError, match="utt2spk:2: speaker 'y' is out of order after 'z'"):
        load_data_dir(tmp_path)
    assert load_data_dir(tmp_path, spk_sort=False).speakers == ["y", "z"]


def test_table_that_is_a_link_to_nothing_is_named(data):
    (data / "utt2dur").symlink_to(data / "gone")
    with pytest.raises(WespkError, match="utt2dur: is a link to .*gone, which does not exist"):
        load_data_dir(data)


def test_table_that_is_a_pipe_is_refused_not_waited_for(data):
    (data / "text").unlink(missing_ok=True)
    os.mkfifo(data / "text")
    with pytest.raises(WespkError, match="text: is no file; a file of text is needed"):
        load_data_dir(data)


def test_links_spaces_and_unicode_in_paths_are_read(data, voice):
    wav = data.parent / "wav"
    strange = wav / "a b\u00a0é.wav"
    (wav / "s00-u0.wav").rename(strange)
    (wav / "link.wav").symlink_to(strange)
    edit(
        data / "wav.scp",
        lambda text: text.replace("s00-u0.wav", strange.name).replace("s00-u1.wav", "link.wav"),
    )
    loaded = load_data_dir(data)
    np.testing.assert_array_equal(loaded.audio("s00-u0", 16000), loaded.audio("s00-u1", 16000))


def test_very_long_path_is_a_rejection_by_name(data):
    edit(data / "wav.scp", lambda text: text.replace("s00-u0.wav", "x" * 5000))
    reasons = check_audio(load_data_dir(data), 16000).reasons
    assert list(reasons) == ["s00-u0"] and "too long" in reasons["s00-u0"]


def test_directory_killed_in_writing_is_seen_to_be_incomplete(data, monkeypatch):
    import wespk.data.layout as layout

    def write_text(path, text):
        raise KeyboardInterrupt

    monkeypatch.setattr(layout, "write_text", write_text)
    with pytest.raises(KeyboardInterrupt):
        write_data_dir(data, {"a": "x"}, {"a": "s"})
    with pytest.raises(WespkError, match="spk2utt: no such file"):
        load_data_dir(data)
