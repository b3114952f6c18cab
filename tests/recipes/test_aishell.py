"""egs/aishell on an imitation of the corpus, generated and real."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from imitate import AISHELL_IDS, imitate_aishell

from wespk.data.datadir import load_data_dir
from wespk.data.trials import read_trials

SCORED = ("cosine", "cosine_mean", "plda", "plda_adapted", "asnorm")
SYSTEMS = (*SCORED, "fusion")
LISTS = ("dev", "test", "test_pairs")
PARTIAL = ["--allow_partial", "true", "--nj", 2]


def test_aishell_runs_to_the_report(recipe, results, voices, tmp_path):
    corpus = imitate_aishell(voices, tmp_path / "corpus", (8, 4, 4), utts=8)
    options = ["--corpus", corpus, *PARTIAL, "--lda_dim", 4, "--pairs_per_speaker", 4]
    shown = recipe("aishell", *options).stdout
    assert "recordings: 127 of 128, 1 rejected (1 untranscribed)" in shown
    sets = {name: load_data_dir(tmp_path / "data" / name) for name in ("train", "dev", "test")}
    assert [len(data.utterances) for data in sets.values()] == [63, 32, 32]
    assert sets["test"].speakers == ["S0764", "S0765", "S0766", "S0767"]
    assert sets["dev"].utterances[0] == "S0724-BAC009S0724W0121"
    assert "楼市" in (tmp_path / "data/test/text").read_text()
    trials = read_trials(tmp_path / "data/test/trials")
    assert (len(trials), trials.is_target.sum()) == (4 * 20, 20)  # 3 of 8 utterances enrol
    pairs = read_trials(tmp_path / "data/test/trials_pairs")
    assert (len(pairs), pairs.is_target.sum()) == (16 * 15 / 2, 4 * 6)
    assert results().keys() == {
        (name, system) for name in ("dev", "test", "test_pairs") for system in SYSTEMS
    }
    assert (tmp_path / "exp/final/lda.mat").exists()
    assert recipe("aishell", *options, "--stop_stage", 1).stdout.count("up to date") == 2


NAMES = ("utt2spk", "text", "trials", "enrol", "trials_pairs")


def tables(folder: Path) -> list[str]:
    return [(folder / name).read_text() for name in NAMES]


def test_aishell_packed_by_speaker_makes_the_same_data(recipe, voices, tmp_path):
    def prepared(packed: bool):
        corpus = imitate_aishell(voices, tmp_path / f"corpus-{packed}", utts=5, packed=packed)
        before = sorted(corpus.rglob("*"))
        recipe("aishell", "--corpus", corpus, *PARTIAL, "--stop_stage", 1)
        assert sorted(corpus.rglob("*")) == before  # the user's corpus is only read
        scp = (tmp_path / "data/test/wav.scp").read_text()
        return tables(tmp_path / "data/test"), scp.split()[1]

    unpacked = prepared(packed=False)
    packed = prepared(packed=True)
    assert packed[0] == unpacked[0]
    assert packed[1].startswith(str(tmp_path / "data/wav/S0764."))
    # Another archive of a speaker is unpacked anew, and what was unpacked of another corpus is not mixed in.
    again = imitate_aishell(voices, tmp_path / "again", (3, 2, 2), utts=4, packed=True)
    shown = recipe("aishell", "--corpus", again, *PARTIAL, "--stop_stage", 1).stdout
    assert "28 recordings; speakers: train 3, dev 2, test 2" in shown
    assert len(list((tmp_path / "data/wav").glob("S0764.*"))) == 1
    assert recipe("aishell", "--corpus", tmp_path / "corpus-False", *PARTIAL, "--stop_stage", 1)
    assert (tables(tmp_path / "data/test"), packed[0]) == (unpacked[0], unpacked[0])


def test_aishell_is_downloaded_with_resume_and_checksum(root, voices, tmp_path):
    corpus = imitate_aishell(voices, tmp_path / "corpus", utts=5, packed=True)
    with tarfile.open(tmp_path / "data_aishell.tgz", "w:gz") as packed:
        packed.add(corpus / "data_aishell", "data_aishell")
    content = (tmp_path / "data_aishell.tgz").read_bytes()
    url = (tmp_path / "data_aishell.tgz").as_uri()

    def get(md5: str, *options: str) -> subprocess.CompletedProcess:
        script = [sys.executable, str(root / "egs/aishell/local/get_corpus.py"), *options]
        environment = {**os.environ, "PYTHONPATH": str(root)}
        command = [*script, "--url", url, "--md5", md5, "--allow-partial", "true", str(tmp_path / "data")]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    failed = get("0" * 32)
    assert failed.returncode == 1 and "is right; it was removed" in failed.stderr
    assert not list((tmp_path / "data").iterdir())
    right = hashlib.md5(content).hexdigest()
    done = get(right)
    assert done.returncode == 0, done.stderr
    assert "40 recordings; speakers: train 4, dev 2, test 2" in done.stdout
    home = tmp_path / "data/download/data_aishell"
    assert not list(home.rglob("*.gz")) and len(list(home.rglob("*.wav"))) == 40
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["corpus.json", "download"]
    # Killed while a speaker was unpacked: its archive is there still, and an unfinished folder.
    (home / "wav/S0724").rename(home / "wav/S0724.part")
    shutil.copy(corpus / "data_aishell/wav/S0724.tar.gz", home / "wav")
    record = (tmp_path / "data/corpus.json").read_bytes()
    assert get(right).returncode == 0
    assert (tmp_path / "data/corpus.json").read_bytes() == record


def test_second_run_remembers_the_corpus(recipe, voices, tmp_path):
    corpus = imitate_aishell(voices, tmp_path / "corpus", utts=5)
    recipe("aishell", "--corpus", corpus, *PARTIAL, "--stop_stage", 1)
    assert recipe("aishell", *PARTIAL, "--stop_stage", 1).stdout.count("up to date") == 2
    other = ["--corpus", tmp_path / "other", *PARTIAL, "--stop_stage", 1]
    assert "leaves out stage 0" in recipe("aishell", *other, "--stage", 1, status=1).stderr
    assert "unexpected 'stray'" in recipe("aishell", "stray", status=1).stderr


def test_sizes_that_do_not_fit_are_refused_before_training(recipe, voices, tmp_path):
    corpus = imitate_aishell(voices, tmp_path / "corpus", utts=5)
    recipe("aishell", "--corpus", corpus, *PARTIAL, "--stop_stage", 1)
    train = [*PARTIAL, "--stage", 3, "--stop_stage", 3]
    failed = recipe("aishell", *train, "--lda_dim", 4, status=1).stderr
    assert "of 4 training speakers LDA keeps 3 dimensions at most" in failed
    assert (
        "--top_k 5: the cohort is the 4"
        in recipe("aishell", *train, "--lda_dim", "none", "--top_k", 5, status=1).stderr
    )


def test_stray_files_and_upper_case_do_not_matter(recipe, voices, tmp_path):
    corpus = imitate_aishell(voices, tmp_path / "corpus", utts=5)
    recipe("aishell", "--corpus", corpus, *PARTIAL, "--stop_stage", 1)
    expected = tables(tmp_path / "data/test")
    wav = corpus / "data_aishell/wav"
    for path in (wav / "test").glob("*/*.wav"):
        path.rename(path.with_suffix(".WAV"))
    (wav / "test/S0764/._BAC009S0764W0121.wav").write_text("of another system")
    (wav / "S0764 (1).tar.gz").write_text("a second download")
    (wav / "dev").rename(tmp_path / "elsewhere")
    (wav / "dev").symlink_to(tmp_path / "elsewhere")
    recipe("aishell", "--corpus", corpus, *PARTIAL, "--stage", 0, "--stop_stage", 1)
    assert tables(tmp_path / "data/test") == expected
    assert len(load_data_dir(tmp_path / "data/dev").utterances) == 10


@pytest.mark.slow
def test_aishell_runs_on_real_speech(recipe, results, real_data, tmp_path):
    """Two voices, lent to all three sets: it works, and its error rates mean nothing. (LDA needs more.)"""
    corpus = imitate_aishell(real_data / "aishell_sample", tmp_path / "corpus", (2, 2, 2), utts=20)
    recipe("aishell", "--corpus", corpus, *PARTIAL, "--lda_dim", "none", "--top_k", 2, network="resnet34")
    assert results().keys() == {
        (name, system) for name in ("dev", "test", "test_pairs") for system in SYSTEMS
    }


@pytest.fixture
def refused(recipe, tmp_path):
    """Run stage 0 and 1, which must fail and leave nothing; return the message."""

    def run(corpus, *options):
        failed = recipe("aishell", "--corpus", corpus, "--stop_stage", 1, *options, status=1)
        made = {path.relative_to(tmp_path) for path in (tmp_path / "data").rglob("*") if path.is_file()}
        assert not {path for path in made if path.parts[1] in ("train", "dev", "test")}
        return failed.stderr

    return run


def test_aishell_names_the_first_thing_missing(refused, voices, tmp_path):
    corpus = imitate_aishell(voices, tmp_path / "corpus", utts=5)
    wav = corpus / "data_aishell/wav"
    official = "lists train 19, dev 10, test 10 utterances where train 120098, dev 14326, test 7176 are right"
    assert official in refused(corpus)
    (wav / "dev/S0724/BAC009S0724W0122.wav").unlink()
    assert "BAC009S0724W0122.wav is missing below" in refused(corpus)
    (wav / "test/S0765").rename(wav / "dev/S0765")
    assert "speaker S0765 belongs to test, not to dev" in refused(corpus, "--allow_partial", "true")
    (wav / "dev/S0765").rename(tmp_path / "away")
    assert "fewer than 2 speakers of the test set" in refused(corpus, "--allow_partial", "true")
    (corpus / "data_aishell/transcript/aishell_transcript_v0.8.txt").unlink()
    assert "aishell_transcript_v0.8.txt: missing" in refused(corpus)
    assert "no folder data_aishell/wav in it" in refused(tmp_path / "away")
    assert "no such folder" in refused(tmp_path / "nowhere")
    (tmp_path / "away/data_aishell.tgz").touch()
    assert "unpack it: tar xzf" in refused(tmp_path / "away")


@pytest.mark.slow
def test_corpus_of_full_size_has_the_published_counts(recipe, voices, tmp_path):
    """141,925 recordings (links to one), 325 of them without transcript, as in the real corpus."""
    sound = next(voices.glob("*/*.wav"))
    home = tmp_path / "corpus/data_aishell"
    spoken = {"train": (120_418, 320, 340), "dev": (14_331, 5, 40), "test": (7176, 0, 20)}
    transcript = []
    for part, (count, untranscribed, num_speakers) in spoken.items():
        for number in range(count):
            spk = f"S{AISHELL_IDS[part][number % num_speakers]:04d}"
            name = f"BAC009{spk}W{121 + number // num_speakers:04d}"
            folder = home / "wav" / part / spk
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.wav").symlink_to(sound)
            if number >= untranscribed:
                transcript.append(f"{name} 而 对 楼市\n")
    (home / "transcript").mkdir()
    (home / "transcript/aishell_transcript_v0.8.txt").write_text("".join(sorted(transcript)), "utf-8")
    shown = recipe("aishell", "--corpus", tmp_path / "corpus", "--stop_stage", 1).stdout
    assert "speakers: train 340, dev 40, test 20" in shown
    assert "recordings: 141600 of 141925, 325 rejected (325 untranscribed)" in shown
    assert "data/train: 120098 utterances of 340 speakers" in shown
    assert "data/dev: 14326 utterances of 40 speakers" in shown
    assert "data/test/trials: 7116 target and 135204 nontarget trials" in shown
    assert "data/test/trials_pairs: 24500 target and 475000 nontarget trials" in shown
