"""wespk prepare-data: from what people have to data directories, in one command."""

import pytest
import soundfile

from wespk.data.datadir import load_data_dir
from wespk.data.tables import read_table
from wespk.data.trials import read_enrolment, read_trials


@pytest.fixture
def corpus(tmp_path, voice):
    """Write five speakers of three recordings each as my corpus/SPEAKER/day 1/N.wav."""
    for s in range(5):
        for u in range(3):
            path = tmp_path / f"my corpus/Sprecher {s}/day 1/{u}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, voice(90 + 25 * s, 0.3, seed=9 * s + u), 16000)
    (tmp_path / "my corpus/README").write_text("made up")
    return tmp_path / "my corpus"


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_of_speakers_becomes_a_data_directory(wespk, corpus, tmp_path):
    shown = wespk("prepare-data", "my corpus", "data").stdout
    assert "my corpus: 16 found = 15 utterances + 1 not used (1 not audio)" in shown
    assert "data: 15 utterances of 5 speakers" in shown
    assert "5 speaker(s) have another id than name, first 'Sprecher 0': 'Sprecher_0'" in shown
    data = load_data_dir(tmp_path / "data")
    assert data.recordings["Sprecher_0-day_1-0"] == str(corpus / "Sprecher 0/day 1/0.wav")
    assert (tmp_path / "data/not_prepared.txt").read_text().startswith("README not audio: ")
    before = contents(tmp_path / "data")
    assert "(unchanged)" in wespk("prepare-data", "my corpus", "data").stdout
    wespk("prepare-data", "my corpus", "again")
    assert contents(tmp_path / "data") == before == contents(tmp_path / "again")


def test_speakers_are_divided_into_sets(wespk, corpus, tmp_path):
    wespk("prepare-data", "--dev", 1, "--test", 2, corpus, "data")
    wespk("validate-data", "--disjoint", "data/train", "data/dev", "data/test")
    sizes = {name: len(load_data_dir(tmp_path / "data" / name).speakers) for name in ("train", "dev", "test")}
    assert sizes == {"train": 2, "dev": 1, "test": 2}
    assert {path.name for path in (tmp_path / "data").iterdir()} == {
        *("train", "dev", "test", "not_prepared.txt", "corpus.json"),
    }
    other = wespk("prepare-data", "--dev", 1, "--test", 2, "--seed", 3, corpus, "data", status=1)
    assert "holds other data" in other.stderr
    wespk("prepare-data", "--dev", 1, "--test", 2, "--seed", 3, "--overwrite", corpus, "data")
    wespk("validate-data", "--disjoint", "data/train", "data/dev", "data/test")


def test_a_table_with_segments_genders_and_texts(wespk, corpus, tmp_path):
    (tmp_path / "t.csv").write_text(
        "file,name,from,to,sex,said\n"
        "Sprecher 0/day 1/0.wav,anna,0,0.1,f,good morning\n"
        "Sprecher 0/day 1/0.wav,ben,0.1,0.3,m,good evening\n"
    )
    columns = [
        "--speaker-column",
        "name",
        "--start-column",
        "from",
        "--end-column",
        "to",
        "--text-column",
        "said",
    ]
    shown = wespk("prepare-data", *columns, "--root", corpus, "t.csv", "data").stdout
    assert "columns guessed: path is 'file', gender is 'sex'" in shown
    assert read_table(tmp_path / "data/segments") == {
        "anna-0-0000000-0000100": "0 0 0.1",
        "ben-0-0000100-0000300": "0 0.1 0.3",
    }
    assert read_table(tmp_path / "data/spk2gender") == {"anna": "f", "ben": "m"}
    assert list(read_table(tmp_path / "data/text").values()) == ["good morning", "good evening"]
    assert read_table(tmp_path / "data/reco2dur") == {"0": "0.3"}


def test_lists_that_enrol_and_test_become_trials_of_every_pair(wespk, corpus, tmp_path):
    for name, utts in (("enrol", (0, 1)), ("test", (2,))):
        rows = [f"Sprecher {s}/day 1/{u}.wav\t{s}\n" for s in range(5) for u in utts]
        (tmp_path / name).write_text("".join(rows))
    lists = ["--enrol-list", "enrol", "--trials-list", "test"]
    shown = wespk("prepare-data", *lists, corpus, "data").stdout
    assert "5 target and 20 nontarget trials" in shown
    trials = read_trials(tmp_path / "data/trials")
    assert trials.enrol_ids == ["0", "1", "2", "3", "4"] and len(trials) == 25
    assert read_enrolment(tmp_path / "data/enrol")["3"] == ["3-0", "3-1"]
    assert not set(trials.test_ids) & {
        utt for utts in read_enrolment(tmp_path / "data/enrol").values() for utt in utts
    }
    with open(tmp_path / "test", "a") as stream:
        stream.write("Sprecher 3/day 1/1.wav\t3\n")
    failed = wespk("prepare-data", *lists, corpus, "other", status=1)
    assert "Sprecher 3/day 1/1.wav' also enrols" in failed.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["nowhere", "data"], "nowhere: no such folder or file"),
        (["--root", ".", "my corpus", "data"], "--root is for a table or list"),
        (["--speaker-level", 2, "t.csv", "data"], "--speaker-level is for a folder; t.csv is read as csv"),
        (["--utt-column", "x", "t.txt", "data"], "--utt-column is for a table; t.txt is read as list"),
        (["--regex", "x", "--speaker-from", "parent", "my corpus", "data"], "choose one"),
        (["--format", "csv", "my corpus", "data"], "my corpus is a folder"),
        (["--enrol-list", "x", "my corpus", "data"], "go together"),
        (["--dev", -1, "my corpus", "data"], "are numbers of speakers"),
        (["--dev", 3, "--test", 2, "my corpus", "data"], "of 5 speakers 5 have two utterances"),
        (["my corpus", "my corpus/data"], "lies in the corpus itself"),
        (["my corpus", "."], "give the data directory a name"),
        (["--speaker-level", 4, "my corpus", "data"], "no recordings of speakers in it"),
    ],
)
def test_what_does_not_go_together_is_one_line_and_leaves_nothing(wespk, corpus, tmp_path, options, message):
    (tmp_path / "t.csv").write_text("path,spk\n")
    (tmp_path / "t.txt").write_text("a\tb\n")
    failed = wespk("prepare-data", *options, status=1)
    assert message in failed.stderr and failed.stderr.count("\n") == 1
    assert not (tmp_path / "data").exists()
