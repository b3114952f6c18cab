"""augment-data: a data directory of its own, the same for any number of jobs, nothing lost."""

import json
import re

import kaldiio
import numpy as np
import pytest
import soundfile

from wespk.augment.options import KINDS
from wespk.data.datadir import load_data_dir, write_data_dir
from wespk.data.tables import read_table
from wespk.data.wav_ark import pcm16

OPTIONS = {"noise": ["--musan", "musan"], "reverb": ["--simulate-rooms", "small"]}
OPTIONS |= {"music": OPTIONS["noise"], "babble": OPTIONS["noise"]}


@pytest.fixture
def corpus(make_corpus, tmp_path):
    """A data directory with genders and texts, and a folder of noises beside it."""
    data = load_data_dir(make_corpus("train", speakers=3, utts=2))
    genders = dict(zip(data.speakers, "mfm", strict=True))
    texts = {utt: f"text of {utt}" for utt in data.utterances}
    write_data_dir(data.path, data.recordings, data.utt2spk, spk2gender=genders, text=texts)
    random = np.random.default_rng(0)
    for kind in ("noise", "music", "speech"):
        (tmp_path / "musan" / kind).mkdir(parents=True)
        for number, seconds in enumerate((0.1, 2.0)):
            sound = random.normal(0, 0.05, round(16000 * seconds))
            soundfile.write(tmp_path / "musan" / kind / f"{number}.wav", sound, 16000)
    return data


def recordings(path, root):
    """Return id -> samples as 16-bit integers, by a reader that is not ours."""
    table = read_table(path / "wav.scp")
    return {utt: kaldiio.load_mat(f"{root}/{where}")[1] for utt, where in table.items()}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "speed"])
def test_copies_keep_speakers_and_tables_under_new_ids(kind, corpus, wespk, tmp_path):
    shown = wespk("augment-data", "--kind", kind, *OPTIONS.get(kind, []), "train", "made").stdout
    assert f"6 utterances of 3 speakers, 0.00 h; {kind}: 6 of 6, 0 rejected" in shown
    made = load_data_dir(tmp_path / "made")
    assert made.utterances == [f"{utt}-{kind}" for utt in corpus.utterances]
    assert all(made.utt2spk[f"{utt}-{kind}"] == spk for utt, spk in corpus.utt2spk.items())
    assert read_table(made.path / "spk2gender") == read_table(corpus.path / "spk2gender")
    assert read_table(made.path / "text") == {f"{u}-{kind}": f"text of {u}" for u in corpus.utterances}
    assert read_table(made.path / "utt2uniq") == {f"{u}-{kind}": u for u in corpus.utterances}
    told = [json.loads(text) for text in read_table(made.path / "utt2augment").values()]
    assert [facts["kind"] for facts in told] == [kind] * 6
    samples = recordings(made.path, tmp_path)
    durations = read_table(made.path / "utt2dur")
    assert all(float(durations[utt]) == pytest.approx(len(samples[utt]) / 16000, abs=6e-4) for utt in samples)
    assert (made.path / "not_augmented.txt").read_text() == ""


def test_flags_take_true_and_false_as_in_kaldi(corpus, wespk):
    made = "--kind", "volume", "--sample-rate", 8000
    assert (
        "wrong rate"
        in wespk("augment-data", *made, "--allow-downsample=false", "train", "a", status=1).stderr
    )
    for flag in ("--allow-downsample", "--allow-downsample=true"):
        wespk("augment-data", *made, flag, "train", f"to_{flag[-4:]}")


def test_other_speeds_are_other_speakers_as_in_kaldi(corpus, wespk, tmp_path):
    wespk("augment-data", "--kind", "speed", "--factors", "0.9,1.1", "train", "made")
    made = load_data_dir(tmp_path / "made")
    assert made.speakers == [f"sp{factor}-s0{s}" for factor in ("0.9", "1.1") for s in range(3)]
    assert made.utt2spk["sp0.9-s01-u1"] == "sp0.9-s01" and len(made.utterances) == 12
    assert read_table(made.path / "spk2gender")["sp1.1-s01"] == "f"
    assert read_table(made.path / "utt2uniq")["sp1.1-s02-u0"] == "s02-u0"
    samples = recordings(made.path, tmp_path)
    assert {len(samples["sp0.9-s00-u0"]), len(samples["sp1.1-s00-u0"])} == {10667, 8727}


def test_the_copies_are_what_the_library_makes(corpus, wespk, tmp_path):
    from wespk.augment import change_volume

    wespk("augment-data", "--kind", "volume", "--gain=-9:-3", "--seed", 5, "--suffix", "v", "train", "made")
    samples = recordings(tmp_path / "made", tmp_path)
    for utt, text in read_table(tmp_path / "made/utt2augment").items():
        facts = json.loads(text)
        source = corpus.audio(utt.removesuffix("-v"), 16000)
        assert -9 <= facts["gain_db"] <= -3
        assert np.array_equal(samples[utt], pcm16(change_volume(source, facts["gain_db"]))[0])


def test_any_number_of_jobs_gives_the_same_and_finished_jobs_are_kept(corpus, wespk, tmp_path):
    noise = ["--kind", "noise", "--musan", "musan", "--snr", "0:15", "--seed", 1]
    wespk("augment-data", *noise, "train", "one")
    wespk("augment-data", *noise, "--job", "2/2", "train", "two")
    failed = wespk("augment-data", *noise, "--job", "1/2", "train", "two")
    assert not (tmp_path / "two/wav.scp").exists() and "3 of 3" in failed.stdout
    shown = wespk("augment-data", *noise, "--nj", 2, "train", "two").stdout
    assert shown.count("are up to date") == 2
    one, two = (recordings(tmp_path / name, tmp_path) for name in ("one", "two"))
    assert list(one) == list(two) and all(np.array_equal(one[utt], two[utt]) for utt in one)
    for name in ("utt2spk", "utt2augment", "utt2dur", "utt2uniq", "text"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    wespk("augment-data", *noise[:-1], 2, "train", "two")
    assert any(not np.array_equal(one[u], x) for u, x in recordings(tmp_path / "two", tmp_path).items())


def test_an_utterance_gets_the_same_whatever_others_there_are(corpus, wespk, tmp_path):
    options = ["--kind", "babble", "--musan", "musan"]
    wespk("augment-data", *options, "train", "all")
    few = {utt: spk for utt, spk in corpus.utt2spk.items() if spk == "s01"}
    write_data_dir(tmp_path / "few", {utt: corpus.recordings[utt] for utt in few}, few)
    wespk("augment-data", *options, "few", "some")
    every, some = (recordings(tmp_path / name, tmp_path) for name in ("all", "some"))
    assert len(some) == 2 and all(np.array_equal(every[utt], some[utt]) for utt in some)


def test_segments_become_recordings_of_their_own(corpus, wespk, tmp_path):
    first = next(iter(corpus.recordings.values()))
    segments = {"s00-a": "rec 0.1 0.3", "s00-b": "rec 0.2 0.6"}
    write_data_dir(tmp_path / "parts", {"rec": first}, dict.fromkeys(segments, "s00"), segments=segments)
    wespk("augment-data", "--kind", "clip", "parts", "made")
    made = load_data_dir(tmp_path / "made")
    assert made.segments is None
    assert [len(x) for x in recordings(made.path, tmp_path).values()] == [3200, 6400]


def test_an_unusable_utterance_is_rejected_by_name_and_counted(corpus, wespk, tmp_path):
    (tmp_path / "wav/s01-u0.wav").write_bytes(b"not audio")
    failed = wespk("augment-data", "--kind", "volume", "train", "made", status=1)
    assert re.search(
        r"made: 1 of 6 rejected, --max-rejected 0.01 allows 0; first s01-u0-volume: unreadable", failed.stderr
    )
    shown = wespk("augment-data", "--kind", "volume", "--max-rejected", 1, "train", "made").stdout
    assert "volume: 5 of 6, 1 rejected (1 unreadable)" in shown
    assert (tmp_path / "made/not_augmented.txt").read_text().startswith("s01-u0-volume unreadable: ")
    assert len(load_data_dir(tmp_path / "made").utterances) == 5
    assert len(read_table(tmp_path / "made/text")) == 5


def test_broken_noise_stops_the_command_with_its_name(corpus, wespk, tmp_path):
    (tmp_path / "musan/noise/broken.wav").write_bytes(b"RIFFabcdWAVE")
    noise = ["--kind", "noise", "--musan", "musan"]
    for jobs in ([], ["--nj", 2]):
        failed = wespk("augment-data", *noise, *jobs, "train", "made", status=1)
        assert "musan/noise/broken.wav: cannot be used among the noise files" in failed.stderr
        assert failed.stderr.count("\n") == 1 and not (tmp_path / "made/wav.scp").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--kind", "noise"], "--kind noise: needs --musan DIR"),
        (["--kind", "noise", "--musan", "nowhere"], "nowhere/noise: no such folder"),
        (["--kind", "reverb"], "needs one of --rirs DIR and --simulate-rooms"),
        (["--kind", "reverb", "--simulate-rooms", "huge"], "'rooms.0'"),
        (["--kind", "volume", "--snr", "0:15"], "--snr: goes with --kind noise or music or babble, not with"),
        (["--kind", "music", "--musan", "musan", "--snr", "15:5"], "from the lower to the higher end"),
        (["--kind", "speed", "--factors", "1.0"], "factor 1.0: that is the original"),
        (["--kind", "speed", "--factors", "fast"], "'speeds.0'"),
        (["--kind", "speed", "--suffix", "x"], "--suffix: does not go with --kind speed"),
        (["--kind", "clip", "--suffix", "a b"], "without spaces"),
        (["--kind", "clip", "--suffix", ""], "write some letters"),
    ],
)
def test_wrong_options_are_one_line_and_leave_nothing(corpus, wespk, tmp_path, options, message):
    failed = wespk("augment-data", *options, "train", "made", status=1)
    assert message in failed.stderr and failed.stderr.count("\n") == 1
    assert not (tmp_path / "made/wav.scp").exists()


def test_nothing_that_was_there_is_overwritten(corpus, make_corpus, wespk, tmp_path):
    make_corpus("dev", speakers=2, first=5)
    before = {path: path.read_bytes() for name in ("train", "dev") for path in (tmp_path / name).iterdir()}
    failed = wespk("augment-data", "--kind", "clip", "train", "train", status=1)
    assert "is the source itself" in failed.stderr
    failed = wespk("augment-data", "--kind", "clip", "train", "dev", status=1)
    assert "dev: is a data directory of another origin" in failed.stderr
    assert {path: path.read_bytes() for path in before} == before


def test_a_copy_of_a_copy_knows_its_original(corpus, wespk, tmp_path):
    wespk("augment-data", "--kind", "clip", "train", "one")
    wespk("augment-data", "--kind", "telephone", "one", "two")
    assert read_table(tmp_path / "two/utt2uniq")["s00-u0-clip-telephone"] == "s00-u0"


def test_what_feature_extraction_knew_goes_when_the_recordings_change(corpus, wespk, tmp_path):
    wespk("augment-data", "--kind", "clip", "train", "made")
    (tmp_path / "made/feats.scp").write_text("".join(f"{u}-clip x:1\n" for u in corpus.utterances))
    wespk("augment-data", "--kind", "clip", "train", "made")
    assert (tmp_path / "made/feats.scp").exists()  # nothing has changed
    wespk("augment-data", "--kind", "clip", "--clipped", "0.3:0.4", "train", "made")
    assert not (tmp_path / "made/feats.scp").exists()


@pytest.mark.parametrize(
    ("kind", "options"), [("telephone", ["--codes", "gsm"]), ("codec", ["--codecs", "mp3"])]
)
@pytest.mark.parametrize("level", [3e5, 1e15])
def test_floats_of_another_scale_are_rejected_by_name_not_by_a_crash(
    kind, options, level, corpus, wespk, tmp_path, voice
):
    utt = corpus.utterances[0]
    soundfile.write(corpus.recordings[utt], level * voice(200, 0.5), 16000, subtype="FLOAT", format="WAV")
    wespk("augment-data", "--kind", kind, *options, "--max-rejected", "0.5", "train", "made")
    ledger = (tmp_path / "made" / "not_augmented.txt").read_text()
    assert ledger.startswith(f"{utt}-{kind} beyond full scale: a sample is ") and ledger.count("\n") == 1
