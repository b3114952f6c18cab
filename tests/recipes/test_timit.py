"""egs/timit on an imitation of the corpus, generated and real, in every shape in which it circulates."""

import hashlib
import json
import subprocess
import sys

import pytest
from imitate import SHAPES, imitate_timit

from wespk.data.datadir import load_data_dir
from wespk.data.trials import read_trials

SCORED = ("cosine", "cosine_mean", "plda", "plda_adapted", "asnorm")
SYSTEMS = (*SCORED, "fusion")
SMALL = ["--allow_partial", "true", "--nj", 2, "--lda_dim", 4]


@pytest.fixture
def identified(tmp_path):
    """Read the identification results of the report: (trial list, system) -> record."""

    def read():
        report = json.loads((tmp_path / "exp/report/report.json").read_text())
        return {(each["trials"], each["system"]): each for each in report["identification"]}

    return read


def test_timit_runs_to_the_report(recipe, results, identified, voices, tmp_path):
    corpus = imitate_timit(voices, tmp_path / "corpus", (8, 4, 4))
    shown = recipe("timit", "--corpus", corpus, *SMALL).stdout
    assert "160 of 6300 recordings; speakers: 8 train, 4 dev, 4 test" in shown
    sets = {name: load_data_dir(tmp_path / "data" / name) for name in ("train", "dev", "test")}
    assert [len(data.utterances) for data in sets.values()] == [80, 32, 32]  # SA is for training only
    trials = read_trials(tmp_path / "data/test/trials")
    assert (len(trials), trials.is_target.sum()) == (4 * 4 * 5, 4 * 5)
    assert not any("SA" in utt for utt in trials.test_ids)
    enrolled = {
        line.split()[0]: {utt.split("-")[1] for utt in line.split()[1:]}
        for line in (tmp_path / "data/test/enrol").read_text().splitlines()
    }
    flagged = [
        f"{model} {utt} {utt.split('-')[1]}"
        for model, utt, label in map(str.split, (tmp_path / "data/test/trials").read_text().splitlines())
        if label == "nontarget" and utt.split("-")[1] in enrolled[model]
    ]
    assert flagged and (tmp_path / "data/test/same_text").read_text().splitlines() == flagged
    assert results().keys() == {(name, system) for name in ("dev", "test") for system in SYSTEMS}
    lists = {(name, system) for name in ("dev", "test") for system in SCORED}
    assert identified().keys() == lists
    assert {(each["num_tests"], each["num_models"]) for each in identified().values()} == {(20, 4)}
    assert "top-1" in shown and "EER" in shown
    alone = recipe("timit", "--corpus", corpus, *SMALL, "--stage", 7, "--target", "SI").stdout
    assert "EER" not in alone and identified().keys() == lists and results() == {}


def test_timit_runs_on_real_speech(recipe, results, real_data, tmp_path):
    """16 real speakers with their own sentences, one of them a SPHERE file named .wav."""
    corpus = imitate_timit(real_data / "timit_sample", tmp_path / "corpus", (8, 4, 4), shape="lower")
    recipe("timit", "--corpus", corpus, *SMALL, "--target", "SV", network="resnet34")
    assert results().keys() == {(name, system) for name in ("dev", "test") for system in SYSTEMS}


def test_real_sample_is_taken_as_it_is(recipe, real_data, tmp_path):
    """Flattened, lower case, all of them official training speakers: found, and said not to be enough."""
    options = ["--corpus", real_data / "timit_sample", "--stop_stage", 1]
    refused = recipe("timit", *options, status=1).stderr
    assert "speaker FADG0 has no recording (6140 of 6300 recordings are missing or too many)" in refused
    assert not (tmp_path / "data").exists()
    shown = recipe("timit", *options, "--allow_partial", "true", status=1)
    assert "160 of 6300 recordings; speakers: 14 train, 2 dev, 0 test" in shown.stdout
    assert "fewer than 2 speakers of the test set" in shown.stderr
    assert not (tmp_path / "data/train").exists()


def test_every_shape_makes_the_same_data(recipe, voices, tmp_path):
    tables = {}
    for shape in SHAPES:
        corpus = imitate_timit(voices, tmp_path / shape, shape=shape)
        recipe("timit", "--corpus", corpus, *SMALL, "--stop_stage", 1)
        names = ("utt2spk", "spk2gender", "utt2sentence", "trials", "enrol", "same_text")
        tables[shape] = [(tmp_path / "data/test" / name).read_text() for name in names]
        assert str(corpus) in (tmp_path / "data/test/wav.scp").read_text()
    assert all(table == tables["original"] for table in tables.values())


def test_complete_corpus_has_the_committed_list(recipe, voices, tmp_path):
    """630 speakers with 10 sentences each: the counts of the documentation."""
    corpus = imitate_timit(voices, tmp_path / "corpus", (418, 44, 168), linked=True)
    shown = recipe("timit", "--corpus", corpus, "--stop_stage", 1).stdout
    assert "data/train: 4180 utterances of 418 speakers" in shown
    assert "data/test/trials: 840 target and 140280 nontarget trials" in shown
    assert "data/dev/trials: 220 target and 9460 nontarget trials" in shown
    for path in sorted(corpus.rglob("SX*.WAV"))[:1]:
        path.unlink()
        again = ["--stage", 0, "--stop_stage", 0]
        refused = recipe("timit", "--corpus", corpus, *again, status=1).stderr
        assert (
            "has 4 SX sentences where 5 are right (1 of 6300 recordings are missing or too many)" in refused
        )


def test_speaker_who_cannot_enrol_is_listed_and_used_nowhere(recipe, voices, tmp_path):
    corpus = imitate_timit(voices, tmp_path / "corpus", (4, 2, 3))
    spk = sorted((corpus / "TEST").glob("*/*"))[0]
    for path in sorted(spk.glob("SX*.WAV"))[2:]:
        path.unlink()
    shown = recipe("timit", "--corpus", corpus, *SMALL, "--stop_stage", 1).stdout
    assert "(5 cannot enrol); 10 SA sentences" in shown
    assert len((tmp_path / "data/rejected.txt").read_text().splitlines()) == 5
    data = load_data_dir(tmp_path / "data/test")
    assert len(data.speakers) == 2 and spk.name not in data.speakers
    assert spk.name not in (tmp_path / "data/test/trials").read_text()


def test_timit_names_what_is_wrong(recipe, root, voices, tmp_path):
    def refused(*options):
        failed = recipe("timit", "--stop_stage", 1, *options, status=1)
        assert not (tmp_path / "data/train").exists()
        return failed.stderr

    assert "licensed (LDC93S1) and not downloaded; give your copy with --corpus" in refused()
    assert "no such folder" in refused("--corpus", tmp_path / "nowhere")
    assert "is this TIMIT?" in refused("--corpus", root / "docs")
    assert "--target SR: choose SV, SI or both" in refused("--target", "SR")
    corpus = imitate_timit(voices, tmp_path / "corpus")
    partial = ["--corpus", corpus, "--allow_partial", "true"]
    spk = next((corpus / "TEST").glob("*/*"))
    spk.rename(corpus / "TRAIN/DR1" / spk.name)
    assert f"speaker {spk.name} belongs to TEST" in refused(*partial)
    (corpus / "TRAIN/DR1" / spk.name).rename(corpus / "TRAIN/DR1/FXYZ9")
    assert "TIMIT has no speaker FXYZ9" in refused(*partial)


def test_committed_speakers_are_the_official_ones(root):
    table = (root / "egs/timit/local/speakers.tsv").read_text().splitlines()[1:]
    speakers = [tuple(line.split("\t")) for line in table]
    parts = {part: [spk for spk, of, _ in speakers if of == part] for part in ("train", "dev", "test")}
    women = {part: sum(spk[0] == "F" for spk in spks) for part, spks in parts.items()}
    assert {part: len(spks) for part, spks in parts.items()} == {"train": 418, "dev": 44, "test": 168}
    assert women["test"] == 56 and women["train"] + women["dev"] == 136
    for spk, part, order in speakers:  # the rule by which the choice was made
        by_hash = sorted(
            "12345", key=lambda place, spk=spk: hashlib.sha256(f"1 {spk} {place}".encode()).digest()
        )
        assert order == ("-" if part == "train" else "".join(by_hash))


def test_imitation_is_a_command(root, voices, tmp_path):
    script = [sys.executable, str(root / "tests/recipes/imitate.py"), "timit", "--shape", "flat", str(voices)]
    subprocess.run([*script, str(tmp_path / "out")], check=True)
    assert len(list((tmp_path / "out").glob("dr?-*/*.wav"))) == 80
