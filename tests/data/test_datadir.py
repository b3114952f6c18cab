import pytest
import soundfile

from wespk.core.errors import WespkError
from wespk.data.datadir import check_audio, check_disjoint, load_data_dir, load_features, write_data_dir


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
    assert not check_audio(loaded, 16000, loaded.utterances)


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
        ("segments", lambda t: "s00-u0 s00-u0 1 0.5\n", "segments:1: .* 0 <= start < end"),
        ("utt2dur", lambda t: "s00-u0 1.0\n", "utt2dur: 's00-u1' of utt2spk is missing"),
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


def test_bad_audio_is_listed_by_utterance(data):
    wav = data.parent / "wav"
    (wav / "s00-u0.wav").unlink()
    soundfile.write(wav / "s01-u1.wav", [0.0] * 8000, 16000)
    loaded = load_data_dir(data)
    reasons = check_audio(loaded, 16000, loaded.utterances).reasons
    assert list(reasons) == ["s00-u0", "s01-u1"]
    assert reasons["s00-u0"].startswith("missing") and reasons["s01-u1"].startswith("silent")


def test_segments_cut_their_recording(data):
    wav = dict(line.split() for line in (data / "wav.scp").read_text().splitlines())
    (data / "segments").write_text("s00-a s00-u0 0.1 0.3\ns00-b s00-u0 0.3 0.5\n")
    write = data / "utt2spk", data / "spk2utt"
    write[0].write_text("s00-a s00\ns00-b s00\n")
    write[1].write_text("s00 s00-a s00-b\n")
    (data / "wav.scp").write_text(f"s00-u0 {wav['s00-u0']}\n")
    loaded = load_data_dir(data)
    assert len(loaded.audio("s00-a", 16000)) == 3200
    (data / "segments").write_text("s00-a s00-u0 0.1 0.3\ns00-b s00-u0 0.3 9.5\n")
    assert check_audio(load_data_dir(data), 16000, ["s00-b"]).reasons["s00-b"].startswith("segment outside")


def test_features_must_be_there_or_rejected(data):
    with pytest.raises(WespkError, match="feats.scp: no such file; run the feature stage"):
        load_features(load_data_dir(data))
    (data / "feats.scp").write_text("s00-u0 a:1\ns00-u1 a:2\ns01-u0 a:3\n")
    with pytest.raises(WespkError, match="feats.scp: 's01-u1' of utt2spk is missing"):
        load_features(load_data_dir(data))
    (data / "rejected.txt").write_text("s01-u1 silent: all samples are equal\n")
    assert len(load_features(load_data_dir(data))) == 3


def test_writing_other_utterances_takes_the_old_features_away(data):
    for name in ("feats.scp", "utt2num_frames"):
        (data / name).write_text("".join(f"{utt} a:1\n" for utt in load_data_dir(data).utterances))
    kept = {"s00-u0": "x.wav"}
    write_data_dir(data, kept, {"s00-u0": "s00"})
    assert not (data / "feats.scp").exists() and load_data_dir(data).utterances == ["s00-u0"]
    (data / "feats.scp").write_text("s00-u0 a:1\n")
    write_data_dir(data, kept, {"s00-u0": "s00"})
    assert (data / "feats.scp").exists()


def test_writing_checks_what_it_wrote(tmp_path):
    with pytest.raises(WespkError, match="utt2spk: 'v' of wav.scp is missing"):
        write_data_dir(tmp_path / "d", {"v": "x"}, {"u": "s"})
