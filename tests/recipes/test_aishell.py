"""egs/aishell on an imitation of the corpus, generated and real."""

import pytest
from imitate import AISHELL_IDS, imitate_aishell

from wespk.data.datadir import load_data_dir
from wespk.data.trials import read_trials

SYSTEMS = ("cosine", "cosine_mean", "plda", "asnorm")
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


def test_aishell_packed_by_speaker_makes_the_same_data(recipe, voices, tmp_path):
    def tables(packed: bool):
        corpus = imitate_aishell(voices, tmp_path / f"corpus-{packed}", utts=5, packed=packed)
        before = sorted(corpus.rglob("*"))
        recipe("aishell", "--corpus", corpus, *PARTIAL, "--stop_stage", 1)
        assert sorted(corpus.rglob("*")) == before  # the user's corpus is only read
        names = ("utt2spk", "text", "trials", "enrol", "trials_pairs")
        return [(tmp_path / "data/test" / name).read_text() for name in names]

    unpacked = tables(packed=False)
    (tmp_path / "data/test/wav.scp").unlink()
    assert tables(packed=True) == unpacked
    path = (tmp_path / "data/test/wav.scp").read_text().split()[1]
    assert path == str(tmp_path / "data/wav/S0764/test/S0764/BAC009S0764W0121.wav")


def test_aishell_runs_on_real_speech(recipe, results, real_data, tmp_path):
    """Two voices, lent to all three sets: it works, and its error rates mean nothing. (LDA needs more.)"""
    corpus = imitate_aishell(real_data / "aishell_sample", tmp_path / "corpus", (2, 2, 2), utts=20)
    recipe("aishell", "--corpus", corpus, *PARTIAL, "--lda_dim", "", "--top_k", 2, network="resnet34")
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
