"""The verbs on data directories, run as a user runs them."""

import json
import shutil

import pytest

from wespk.data.datadir import load_data_dir


@pytest.fixture
def data(make_corpus):
    return make_corpus("data", speakers=3, utts=3)


def names(path):
    return {entry.name for entry in path.iterdir()}


def test_validate_data_tells_the_broken_rule_and_exits_with_1(wespk, data):
    assert "9 utterances of 3 speakers" in wespk("validate-data", data).stdout
    (data / "utt2spk").write_text((data / "utt2spk").read_text().replace(" s00\n", "\n", 1))
    assert "utt2spk:1: 's00-u0' has no value" in wespk("validate-data", data, status=1).stderr


def test_validate_data_decodes_in_processes_and_lists_what_is_of_no_use(wespk, data):
    options = ("--audio", "--nj", 2, "--min-seconds", 0.5, "--max-clipped", 0.1)
    assert "9 of 9, 0 rejected" in wespk("validate-data", *options, data).stdout
    (data.parent / "wav/s01-u1.wav").write_bytes(b"")
    done = wespk("validate-data", *options, data, status=1)
    assert "8 of 9, 1 rejected (1 empty)" in done.stdout and "first s01-u1: empty" in done.stderr
    assert (data / "rejected_audio.txt").read_text().startswith("s01-u1 empty: ")
    wespk("validate-data", *options, "--max-rejected", 1, data)
    assert "wrong rate" in wespk("validate-data", "--audio", "--sample-rate", 8000, data, status=1).stdout
    for flag in ("--allow-downsample", "--allow-downsample=true"):
        wespk("validate-data", "--audio", "--max-rejected", 1, "--sample-rate", 8000, flag, data)
    refused = "--audio", "--sample-rate", 8000, "--allow-downsample=false"
    assert "wrong rate" in wespk("validate-data", *refused, data, status=1).stdout
    assert "--sample-rate: goes with --audio" in wespk("validate-data", *refused[1:], data, status=1).stderr


def test_validate_data_decodes_all_directories_before_it_fails(wespk, data, make_corpus):
    other = make_corpus("other", speakers=2, utts=1, first=7)
    for name in ("s01-u1", "s07-u0"):
        (data.parent / f"wav/{name}.wav").write_bytes(b"")
    done = wespk("validate-data", "--audio", data, other, status=1)
    assert f"{data}: 1 of 9 rejected" in done.stderr and f"{other}: 1 of 2 rejected" in done.stderr


def test_validate_data_against_another_lists_what_is_shared(wespk, data, make_corpus):
    other = make_corpus("other", speakers=2, utts=1, first=7)
    assert "0 utterances of equal sound shared" in wespk("validate-data", "--against", other, data).stdout
    shutil.copy(data.parent / "wav/s02-u2.wav", data.parent / "wav/s08-u0.wav")
    done = wespk("validate-data", "--against", other, data, status=1)
    assert "1 utterances of equal sound shared, first s02-u2" in done.stdout
    assert (data / "shared.txt").read_text() == f"audio s02-u2 {other} s08-u0\n"
    assert f"1 things are shared between directories; they are in {data}/shared.txt" in done.stderr
    wespk("validate-data", "--against", other, "--ids-only", data)


def test_fix_data_repairs_and_says_what_it_lost(wespk, data):
    text = (data / "wav.scp").read_text()
    (data / "wav.scp").write_bytes(
        "\ufeff".encode() + text.replace("s01-u0", "zzz").replace("\n", "\r\n").encode()
    )
    done = wespk("fix-data", data)
    assert "byte order mark removed (1), Windows line ends removed (9)" in done.stdout
    assert "dropped s01-u0: missing: not in wav.scp" in done.stdout
    assert "8 utterances of 3 speakers, of 9: 1 dropped" in done.stdout
    wespk("validate-data", data)
    assert "nothing to repair" in wespk("fix-data", data).stdout


def test_subsets_are_valid_directories(wespk, data):
    (data / "trials").write_text("s00-u0 s01-u0 nontarget\n")
    (data.parent / "speakers").write_text("s02\ns00 anything\n")
    (data.parent / "utts").write_text("s00-u1\ns02-u0\n")
    for option, value, count in (
        ("--first", 4, 4),
        ("--random", 4, 4),
        ("--per-speaker", 2, 6),
        ("--shortest", 2, 2),
        ("--spk-list", "speakers", 6),
        ("--utt-list", "utts", 2),
    ):
        done = wespk("subset-data", "--overwrite", option, value, data, data.parent / "part")
        assert f"{count} utterances of" in done.stdout and "trials of" in done.stdout
        assert len(load_data_dir(data.parent / "part").utt2spk) == count
    assert "trials" not in names(data.parent / "part")
    assert "is a directory that is read" in wespk("subset-data", "--first", 1, data, data, status=1).stderr
    (data.parent / "utts").write_text("nobody\n")
    done = wespk("subset-data", "--utt-list", "utts", data, data.parent / "part", status=1)
    assert "utts: utterance 'nobody' is not in the data directory" in done.stderr


def test_split_writes_the_folders_of_kaldi(wespk, data):
    wespk("split-data", data, 2)
    parts = [load_data_dir(data / "split2" / str(job)) for job in (1, 2)]
    assert parts[0].utterances + parts[1].utterances == load_data_dir(data).utterances
    assert not set(parts[0].speakers) & set(parts[1].speakers)
    assert "give --per-utt" in wespk("split-data", data, 4, status=1).stderr
    wespk("split-data", "--per-utt", data, 4)
    assert [len(load_data_dir(data / "split4utt" / str(job)).utt2spk) for job in (1, 2, 3, 4)] == [3, 2, 2, 2]
    wespk("validate-data", data)


def test_copies_combine_with_their_original(wespk, data):
    (data / "text").write_text("".join(f"{utt} hello\n" for utt in load_data_dir(data).utterances))
    wespk("copy-data", "--utt-suffix=-noise", data, data.parent / "noise")
    (data.parent / "noise/text").unlink()
    done = wespk("combine-data", data.parent / "all", data, data.parent / "noise")
    assert f"text: left out, {data.parent / 'noise'} has none" in done.stdout
    assert "18 utterances of 3 speakers, from 18 utterances in 2 directories" in done.stdout
    wespk("copy-data", "--utt-prefix", "sp0.9-", "--spk-prefix", "sp0.9-", data, data.parent / "slow")
    assert load_data_dir(data.parent / "slow").speakers == ["sp0.9-s00", "sp0.9-s01", "sp0.9-s02"]
    assert (
        "may not hold the character" in wespk("copy-data", "--utt-prefix", "a b", "x", "y", status=2).stderr
    )


def test_only_the_same_data_are_written_again_without_overwrite(wespk, data, make_corpus):
    old = make_corpus("old", speakers=1, utts=2, first=5)
    wespk("make-trials", old)
    wespk("split-data", "--per-utt", old, 2)
    (old / "corpus.json").write_text("{}")
    before = {path.name: path.read_bytes() for path in old.iterdir() if path.is_file()}
    for verb in (
        ("copy-data", data, old),
        ("combine-data", old, data),
        ("subset-data", "--first", 2, data, old),
    ):
        assert f"{old}: holds other data (another" in wespk(*verb, status=1).stderr
        assert before == {path.name: path.read_bytes() for path in old.iterdir() if path.is_file()}
    wespk("copy-data", "--overwrite", data, old)
    assert names(old) == {"wav.scp", "utt2spk", "spk2utt"}
    wespk("make-trials", old)
    (old / "spk2utt").unlink()  # as a killed run leaves it
    wespk("copy-data", data, old)
    assert names(old) == {"wav.scp", "utt2spk", "spk2utt", "trials", "enrol"}
    (old / "utt2lang").write_text("".join(f"{utt} de\n" for utt in load_data_dir(old).utterances))
    assert "a utt2lang of its own" in wespk("copy-data", data, old, status=1).stderr


def test_a_folder_that_is_no_data_directory_is_never_written_into(wespk, data):
    home = data.parent / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("of years")
    for verb in (
        ("copy-data", data, home),
        ("combine-data", home, data),
        ("subset-data", "--first", 2, data, home),
    ):
        assert "is no data directory" in wespk(verb[0], "--overwrite", *verb[1:], status=1).stderr
    assert names(home) == {"thesis.txt"}


def test_speakers_become_prefixes_of_utterances(wespk, data):
    raw = data.parent / "raw"
    raw.mkdir()
    for name, text in (("wav.scp", "1 a\n2 b\n"), ("utt2spk", "1 z\n2 y\n"), ("spk2utt", "y 2\nz 1\n")):
        (raw / name).write_text(text)
    assert "copy-data --prefix-speakers" in wespk("validate-data", raw, status=1).stderr
    wespk("validate-data", "--no-spk-sort", raw)
    wespk("copy-data", "--prefix-speakers", raw, data.parent / "good")
    assert load_data_dir(data.parent / "good").utterances == ["y-2", "z-1"]


def test_stats_are_printed_and_written(wespk, data, make_corpus):
    other = make_corpus("other", speakers=1, utts=1, first=5)
    done = wespk("data-stats", "--json", "stats.json", "--write", data, other)
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(str(data) + " ")]
    assert rows[0][1:] == ["9", "3", "0/0/3", "0.00", "0.60", "0.60", "0.60", "0"]
    assert "16000: 9" in done.stdout and "wrote utt2dur and reco2dur" in done.stdout
    figures = json.loads((data.parent / "stats.json").read_text())
    assert figures[str(data)]["speakers"] == 3 and figures[str(data)]["histogram"]["0-1"] == 9
    assert figures[str(other)]["seconds"]["median"] == pytest.approx(0.6)
    assert "utt2dur" in wespk("data-stats", data).stdout


def test_trials_are_checked_against_data_and_embeddings(wespk, data):
    wespk("make-trials", "--num-enrol", 1, data)
    lists = ("--enrol", data / "enrol", data / "trials")
    done = wespk("validate-trials", "--data", data, *lists)
    assert "6 target and 12 nontarget trials, 3 models, 6 test utterances" in done.stdout
    (data.parent / "x.scp").write_text("s00-u0 x.ark:1\n")
    done = wespk("validate-trials", "--data", data, "--embeddings", "x.scp", *lists, status=1)
    assert "utterances to test without embeddings: " in done.stdout and "kinds of problems" in done.stderr
    text = (data / "trials").read_text()
    swapped = text.replace(" target", " x").replace(" nontarget", " target").replace(" x", " nontarget")
    (data / "trials").write_text(swapped + swapped.splitlines(True)[0])
    done = wespk("validate-trials", "--data", data, *lists, status=1)
    assert "duplicate trials: 1" in done.stdout and "labels that contradict utt2spk: 19" in done.stdout
