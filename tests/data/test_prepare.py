"""From items to data directories: counts reconcile, and a directory is there complete or not at all."""

import json
import os
from pathlib import Path

import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.core.rejections import Rejections
from wespk.data.datadir import load_data_dir
from wespk.data.prepare.corpus import make_corpus, seconds_text
from wespk.data.prepare.folders import find_in_folder
from wespk.data.prepare.genders import read_genders
from wespk.data.prepare.items import Found, Item, path_fault, quoted
from wespk.data.prepare.write import publish, split_corpus


@pytest.fixture
def wav(tmp_path, voice):
    """Write a recording below tmp_path and return its path."""

    def make(name, seconds=0.25, rate=16000, channels=1):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        sound = voice(seconds=seconds, sample_rate=rate)
        soundfile.write(path, sound if channels == 1 else [[x] * channels for x in sound], rate, format="WAV")
        return str(path)

    return make


def corpus_of(items, **options):
    return make_corpus(Found(list(items), Rejections()), max_rejected=0.9, say=lambda line: None, **options)


def test_every_item_is_an_utterance_or_in_the_ledger(wav, tmp_path):
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "noise.wav").write_bytes(b"RIFF not a sound")
    items = [
        Item("1", wav("a.wav"), "s"),
        Item("2", str(tmp_path / "empty.wav"), "s"),
        Item("3", str(tmp_path / "noise.wav"), "s"),
        Item("4", str(tmp_path / "gone.wav"), "t"),
        Item("5", wav("p|"), "s"),
        Item("6", wav("line\nbreak.wav"), "s"),
        Item("7", wav("end.wav "), "s"),
        Item("8", "/" + "long/" * 1000 + "a.wav", "s"),
    ]
    corpus = corpus_of(items)
    assert list(corpus.utt2spk) == ["s-a"]
    assert {item: reason.split(":")[0] for item, reason in corpus.unused.reasons.items()} == {
        "2": "empty",
        "3": "unreadable",
        "4": "missing",
        **dict.fromkeys("5678", "bad path"),
    }
    assert corpus.counts().startswith("8 found = 1 utterances + 7 not used (4 bad path, ")


def test_too_many_faults_are_shown_and_refused_and_other_files_are_no_faults(wav):
    unused = Rejections({f"{n}.txt": "not audio: by its ending" for n in range(50)})
    items = [Item("1", wav("a.wav"), "s"), Item("2", "/gone.wav", "s")]
    shown = []
    with pytest.raises(WespkError, match="recordings: 1 of 2 rejected.*--max-rejected 0.01.*2: missing"):
        make_corpus(Found(list(items), unused), say=shown.append)
    assert len(shown) == 1 and shown[0].startswith("  2: missing")
    others = Rejections({f"{n}.txt": "not audio: by its ending" for n in range(50)})
    assert len(make_corpus(Found(items, others), max_rejected=1).utt2spk) == 1


def test_durations_are_the_headers_and_rates_and_channels_are_told(wav):
    corpus = corpus_of([Item("1", wav("a.wav", 0.5), "s"), Item("2", wav("b.wav", 0.25, 8000, 2), "s")])
    assert corpus.tables["utt2dur"] == corpus.tables["reco2dur"] == {"s-a": "0.5", "s-b": "0.25"}
    notes = " ".join(corpus.notes)
    assert "recordings: 1 of 8000 Hz, 1 of 16000 Hz" in notes
    assert "--allow-downsample" in notes and "--allow-upsample" in notes
    assert "1 recordings have 2 channels" in notes and "--channel" in notes


def test_segments_share_a_recording_and_keep_within_it(wav):
    path = wav("r.wav", 1.0)
    times = [(0.0, 0.4), (0.4, 1.2), (0.2, 2.0), (1.0, 1.3)]
    corpus = corpus_of(Item(str(n), path, "s", start=a, end=b) for n, (a, b) in enumerate(times))
    assert corpus.wav == {"r": path}
    assert list(corpus.tables["segments"].values()) == ["r 0 0.4", "r 0.4 1"]  # cut to the recording's end
    assert list(corpus.tables["utt2dur"].values()) == ["0.4", "0.6"]
    assert corpus.tables["reco2dur"] == {"r": "1"}
    assert {item: why.split(":")[0] for item, why in corpus.unused.reasons.items()} == {
        "2": "segment outside",
        "3": "segment outside",
    }


def test_genders_are_written_when_all_are_known_and_told_when_not(wav, tmp_path):
    a, b = wav("a.wav"), wav("b.wav")
    words = [Item("1", a, "s", gender="Female"), Item("2", b, "t", gender="male")]
    assert corpus_of(words).tables["spk2gender"] == {"s": "f", "t": "m"}
    some = corpus_of([words[0], Item("2", b, "t", gender="other")])
    assert "spk2gender" not in some.tables
    assert any("gender known of 1 of 2 speakers, not of 't'" in note for note in some.notes)
    (tmp_path / "g").write_text("; a comment\nid\tgender\ts\ns\tF\t1\nt\tM\t2\nx\tM\t2\n")
    told = corpus_of([Item("1", a, "s"), Item("2", b, "t")], genders=tmp_path / "g")
    assert told.tables["spk2gender"] == {"s": "f", "t": "m"}
    assert any("1 speakers who are not here, first 'x'" in note for note in told.notes)
    with pytest.raises(WespkError, match="speaker 's' is f at 1 and m at 2"):
        corpus_of([words[0], Item("2", b, "s", gender="m")])


@pytest.mark.parametrize("text", ["14 | F | train | x\n26| M |y\n", "14,f\n26,m\n", "14 f\n26 m\n"])
def test_gender_lists_of_common_forms_are_read(tmp_path, text):
    (tmp_path / "g").write_text(text)
    assert read_genders(tmp_path / "g") == {"14": "f", "26": "m"}


@pytest.mark.parametrize("text", ["s\n", "s x\n", "s m\ns f\n", "\n"])
def test_gender_lists_with_other_words_are_refused_with_the_line(tmp_path, text):
    (tmp_path / "g").write_text(text)
    with pytest.raises(WespkError, match="g(:|: no)"):
        read_genders(tmp_path / "g")


def test_sets_share_no_speaker_and_depend_on_the_seed_and_the_ids_alone(wav):
    items = [
        Item(f"{s}{n}", wav(f"{s}{n}.wav", 0.1), f"s{s}", f"{n}")
        for s in range(8)
        for n in range(2 if s else 1)
    ]
    corpus = corpus_of(items)
    parts = split_corpus(corpus, dev=2, test=3, seed=1)
    speakers = {name: set(part.speakers) for name, part in parts.items()}
    assert {name: len(spks) for name, spks in speakers.items()} == {"test": 3, "dev": 2, "train": 3}
    assert set().union(*speakers.values()) == set(corpus.speakers)
    assert "s0" in speakers["train"]  # one utterance makes no target trial
    fewer = corpus_of(item for item in items if item.speaker != max(speakers["train"]))
    assert set(split_corpus(fewer, dev=2, test=3, seed=1)["test"].speakers) == speakers["test"]
    assert set(split_corpus(corpus, dev=2, test=3, seed=2)["test"].speakers) != speakers["test"]
    assert sum(len(part.utt2spk) for part in parts.values()) == len(corpus.utt2spk)
    with pytest.raises(WespkError, match="--dev 4 --test 4: of 8 speakers 7 have two utterances or more"):
        split_corpus(corpus, dev=4, test=4, seed=1)


def test_a_directory_with_other_data_is_replaced_only_when_asked_for(wav, tmp_path):
    one, other = corpus_of([Item("1", wav("a.wav"), "s")]), corpus_of([Item("1", wav("b.wav"), "s")])
    out = tmp_path / "data"
    assert publish({out: one}, out, one, {}) == [out]
    (out / "log").write_text("of features")
    assert publish({out: one}, out, one, {}) == []  # the same data: its features stay
    assert (out / "log").exists()
    with pytest.raises(WespkError, match="holds other data.*--overwrite"):
        publish({out: other}, out, other, {})
    assert load_data_dir(out).utterances == ["s-a"]
    publish({out: other}, out, other, {}, overwrite=True)
    assert load_data_dir(out).utterances == ["s-b"] and not (out / "log").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_nothing_of_anyones_is_written_over(wav, tmp_path):
    corpus = corpus_of([Item("1", wav("a.wav"), "s")])
    (tmp_path / "home").mkdir()
    (tmp_path / "home/letter").write_text("dear")
    with pytest.raises(WespkError, match="home: exists and is no data directory"):
        publish({tmp_path / "home": corpus}, tmp_path / "home", corpus, {}, overwrite=True)
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["letter"]


def test_a_failure_while_writing_leaves_the_old_directory(wav, tmp_path, monkeypatch):
    one, other = corpus_of([Item("1", wav("a.wav"), "s")]), corpus_of([Item("1", wav("b.wav"), "s")])
    out = tmp_path / "data"
    publish({out: one}, out, one, {})
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    real = os.replace

    def full(source, target):
        if str(target).endswith("spk2utt"):
            raise PermissionError(13, "Permission denied", str(target))
        real(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(PermissionError):
        publish({out: other}, out, other, {}, overwrite=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert not (tmp_path / ".data.preparing").exists()


def test_quoted_paths_are_one_word_and_tell_every_path_apart():
    names = ["a b", "a%20b", "a\nb", "a\udcffb", "é", "a\u2028b"]
    assert [quoted(name) for name in names] == ["a%20b", "a%2520b", "a%0Ab", "a%FFb", "é", "a%E2%80%A8b"]
    assert path_fault("/a\udcffb") == "bad path: it is not UTF-8; rename the file"
    assert path_fault("/my corpus/é.wav") == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.0, "1"), (0.2500001, "0.25"), (36000.000025, "36000.000025")]
)
def test_times_are_written_to_the_microsecond(seconds, text):
    assert seconds_text(seconds) == text


name = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=8).filter(
    lambda text: text not in (".", "..")
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sets(
        st.tuples(st.one_of(name, st.sampled_from(["a", "a-b", "a-b-c", "a.", "A", "1", "10"])), name),
        max_size=8,
    )
)
def test_any_tree_gives_a_directory_that_loads_or_a_refusal_by_name(wav, tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("tree")
    sound = Path(wav("sound.wav", 0.01)).read_bytes()
    for spk, file in files:
        (folder / "c" / spk).mkdir(parents=True, exist_ok=True)
        (folder / "c" / spk / file).write_bytes(sound)
    (folder / "c").mkdir(exist_ok=True)
    try:
        found = find_in_folder(folder / "c")
        corpus = make_corpus(found, max_rejected=100, say=lambda line: None)
        publish({folder / "out": corpus}, folder / "out", corpus, {})
    except WespkError as error:
        assert any(word in str(error) for word in ("would get the id", "no recordings", "none of"))
        assert not (folder / "out").exists()
        return
    data = load_data_dir(folder / "out")
    ledger = Rejections.read(folder / "out/not_prepared.txt")
    entries = sum(len(names) for _, _, names in os.walk(folder / "c"))
    left_out = [spk for spk in os.listdir(folder / "c") if quoted(spk) in ledger]  # one entry each
    inside = sum(len(os.listdir(folder / "c" / spk)) for spk in left_out)
    assert len(data.utterances) + len(ledger) == entries - inside + len(left_out)
    assert all(Path(path).read_bytes() == sound for path in data.recordings.values())
    assert json.loads((folder / "out/corpus.json").read_text()) == {}


def test_what_lasts_no_microsecond_is_in_the_ledger_and_the_rest_makes_a_valid_directory(wav, tmp_path):
    path = wav("a.wav")
    times = [(0.0, 0.2), (0.1, 0.1 + 1e-7), (0.0, 1e-320), (0.2499999, 0.25)]
    corpus = corpus_of(
        Item(str(n), path, "s", name=f"u{n}", start=a, end=b) for n, (a, b) in enumerate(times)
    )
    assert list(corpus.utt2spk) == ["s-u0"]
    assert {why.split(":")[0] for why in corpus.unused.reasons.values()} == {"too short"}
    publish({tmp_path / "out": corpus}, tmp_path / "out", corpus, {})
    assert len(load_data_dir(tmp_path / "out").utt2spk) == 1
