"""The generated corpus of egs/mini: made the same every time, fair, and a valid Kaldi data directory."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from wespk.data.datadir import check_disjoint, load_data_dir
from wespk.data.tables import read_table

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / "egs" / "mini" / "local"
SMALL = {"num_train": 2, "num_dev": 1, "num_test": 1, "train_utts": 6, "eval_utts": 4}

needs_espeak = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None,
    reason="espeak-ng is not installed (pip install espeakng-loader)",
)


def run_script(name: str, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(LOCAL / name), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def make_corpus(out: Path, **options: int) -> str:
    flags = [text for key, value in {**SMALL, **options}.items() for text in (f"--{key}", str(value))]
    done = run_script("make_corpus.py", "--out", out, *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout


def contents(folder: Path) -> dict[str, str]:
    """Map each file below `folder` to the digest of its content."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def utterances(corpus: Path) -> list[dict[str, str]]:
    with open(corpus / "utterances.tsv", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, LOCAL / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small corpus that no test changes."""
    corpus = tmp_path_factory.mktemp("mini") / "corpus"
    make_corpus(corpus, nj=2)
    return corpus


@pytest.fixture
def corpus(made: Path, tmp_path: Path) -> Path:
    """A copy of the small corpus."""
    return Path(shutil.copytree(made, tmp_path / "corpus"))


@needs_espeak
class TestMakeCorpus:
    def test_bytes_depend_on_neither_jobs_nor_temporary_folder(
        self, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        deep = tmp_path / ("x" * 200)  # longer than the paths that espeak-ng can hold
        deep.mkdir()
        monkeypatch.setenv("TMPDIR", str(deep))
        make_corpus(tmp_path / "again", nj=1)
        assert contents(tmp_path / "again") == contents(made)

    def test_another_seed_makes_other_voices_and_sentences(self, made: Path, tmp_path: Path) -> None:
        make_corpus(tmp_path / "other", seed=2)
        ours, others = utterances(made), utterances(tmp_path / "other")
        assert {row["text"] for row in ours}.isdisjoint(row["text"] for row in others)
        assert set(contents(made / "wav").values()).isdisjoint(contents(tmp_path / "other" / "wav").values())

    def test_more_training_speakers_leave_the_test_voices_alone(self, made: Path, tmp_path: Path) -> None:
        make_corpus(tmp_path / "larger", num_train=3)
        first = {row["text"] for row in utterances(made) if row["set"] == "test"}
        second = {row["text"] for row in utterances(tmp_path / "larger") if row["set"] == "test"}
        assert first == second

    def test_sets_have_the_speakers_asked_for_and_share_none(self, made: Path) -> None:
        speakers = {name: set() for name in ("train", "dev", "test")}
        for row in utterances(made):
            speakers[row["set"]].add(row["spk"])
        assert {name: len(found) for name, found in speakers.items()} == {"train": 2, "dev": 1, "test": 1}
        assert len(set.union(*speakers.values())) == 4

    def test_every_speaker_has_four_sessions_and_both_languages(self, made: Path) -> None:
        rows = utterances(made)
        for spk in {row["spk"] for row in rows}:
            own = [row for row in rows if row["spk"] == spk]
            assert len(own) == (6 if own[0]["set"] == "train" else 4)
            assert {row["session"] for row in own} == {f"{spk}-s{number}" for number in range(1, 5)}
            assert {row["language"] for row in own} == {"en", "cmn"}
            assert all(row["utt"].startswith(f"{row['session']}-") for row in own)

    def test_no_sentence_is_said_twice(self, made: Path) -> None:
        texts = [row["text"] for row in utterances(made)]
        assert len(set(texts)) == len(texts)

    def test_audio_is_speech_of_some_seconds_without_clipping(self, made: Path) -> None:
        for row in utterances(made):
            samples, rate = soundfile.read(made / row["path"], dtype="int16")
            assert rate == 16000
            assert samples.ndim == 1
            assert 1.8 * rate < len(samples) < 4.8 * rate
            assert 300 < np.abs(samples.astype(int)).max() < 32000
        assert len(contents(made / "wav")) == len(utterances(made))

    def test_second_run_does_nothing_and_says_so(self, corpus: Path) -> None:
        before = {path: path.stat().st_mtime_ns for path in corpus.rglob("*")}
        assert "nothing to do" in make_corpus(corpus)
        assert {path: path.stat().st_mtime_ns for path in corpus.rglob("*")} == before

    def test_lost_or_damaged_voices_alone_are_made_again(self, made: Path, corpus: Path) -> None:
        shutil.rmtree(corpus / "wav" / "mini002")
        damaged = next((corpus / "wav" / "mini003").iterdir())
        damaged.write_bytes(damaged.read_bytes()[:1000])
        kept = next((corpus / "wav" / "mini001").iterdir()).stat().st_mtime_ns
        assert "2 voices were there already" in make_corpus(corpus)
        assert contents(corpus) == contents(made)
        assert next((corpus / "wav" / "mini001").iterdir()).stat().st_mtime_ns == kept

    def test_killed_run_goes_on_where_it_was(self, made: Path, corpus: Path) -> None:
        identity = json.loads((corpus / "manifest.json").read_text())
        identity = {key: identity[key] for key in ("options", "espeakng_loader", "makers")}
        (corpus / "started.json").write_text(json.dumps(identity))
        (corpus / "manifest.json").unlink()
        (corpus / "utterances.tsv").unlink()
        (corpus / "wav" / "mini004").rename(corpus / "wav" / ".mini004.tmp")
        assert "3 voices were there already" in make_corpus(corpus)
        assert contents(corpus) == contents(made)

    def test_other_options_make_the_corpus_anew(self, corpus: Path) -> None:
        assert "other options" in make_corpus(corpus, eval_utts=5)
        assert sum(row["set"] == "test" for row in utterances(corpus)) == 5

    def test_folder_with_foreign_files_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.txt").write_text("all of it")
        done = run_script("make_corpus.py", "--out", tmp_path)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert str(tmp_path) in done.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]

    def test_voice_that_cannot_be_made_is_one_line_and_leaves_no_manifest(self, tmp_path: Path) -> None:
        corpus = tmp_path / "corpus"
        done = run_script("make_corpus.py", "--out", corpus, "--num_train", 1, PYTHONPATH=_broken(tmp_path))
        assert done.returncode == 1
        assert "mini001" in done.stderr
        assert "Traceback" not in done.stderr
        assert not (corpus / "manifest.json").exists()


def _broken(folder: Path) -> str:
    """Return a PYTHONPATH with an espeakng_loader whose library is not one."""
    (folder / "espeakng_loader.py").write_text(
        f"def get_library_path(): return __file__\ndef get_data_path(): return {_data_path()!r}\n"
    )
    return f"{folder}{os.pathsep}{ROOT}"


def _data_path() -> str:
    return str(Path(importlib.util.find_spec("espeakng_loader").origin).parent / "espeak-ng-data")


def test_missing_espeak_is_one_line_that_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "espeakng_loader.py").write_text("raise ImportError\n")
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    done = run_script("make_corpus.py", "--out", tmp_path / "corpus", PYTHONPATH=path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "pip install" in done.stderr


@needs_espeak
class TestPrepare:
    @pytest.fixture
    def data(self, made: Path, tmp_path: Path) -> Path:
        done = run_script("prepare.py", made, tmp_path / "data")
        assert done.returncode == 0, done.stderr
        return tmp_path / "data"

    def test_data_directories_are_valid_and_share_no_speaker(self, data: Path) -> None:
        sets = [load_data_dir(data / name) for name in ("train", "dev", "test")]
        check_disjoint(sets)
        assert [len(item.utterances) for item in sets] == [12, 4, 4]
        assert all(np.isfinite(sets[0].audio(utt, 16000)).all() for utt in sets[0].utterances)

    def test_tables_are_sorted_by_bytes_with_one_space(self, data: Path) -> None:
        for path in data.glob("*/*"):
            keys = [line.split(b" ", 1)[0] for line in path.read_bytes().splitlines()]
            assert keys == sorted(set(keys)), path
            assert b"  " not in path.read_bytes(), path
        spks = list(read_table(data / "train" / "utt2spk").values())
        assert spks == sorted(spks)

    def test_tables_tell_sex_session_language_and_text(self, made: Path, data: Path) -> None:
        row = next(row for row in utterances(made) if row["set"] == "test" and row["language"] == "cmn")
        test = data / "test"
        assert read_table(test / "utt2session")[row["utt"]] == row["session"]
        assert read_table(test / "utt2language")[row["utt"]] == "cmn"
        assert read_table(test / "text")[row["utt"]] == row["text"]
        assert read_table(test / "spk2gender")[row["spk"]] == row["gender"]
        assert read_table(test / "wav.scp")[row["utt"]] == str(made / row["path"])

    def test_incomplete_corpus_is_refused_in_one_line(self, corpus: Path, tmp_path: Path) -> None:
        (corpus / "manifest.json").unlink()
        done = run_script("prepare.py", corpus, tmp_path / "data")
        assert done.returncode == 1
        assert "make_corpus.py" in done.stderr
        assert done.stderr.count("\n") == 1


class TestF0Baseline:
    @pytest.mark.parametrize("pitch_hz", [80, 113, 160, 227, 320])
    def test_pitch_of_a_pulse_train_is_right_to_three_percent(self, pitch_hz: int) -> None:
        time = np.arange(16000)
        pulses = np.diff(time * pitch_hz // 16000, prepend=0).astype(float)
        noise = np.random.default_rng(0).normal(0, 0.01, len(time))
        found = load_script("f0_baseline").track_f0(pulses + noise)
        assert len(found) > 80
        np.testing.assert_allclose(found, pitch_hz, rtol=0.03)

    def test_noise_and_silence_have_no_pitch(self) -> None:
        track_f0 = load_script("f0_baseline").track_f0
        assert len(track_f0(np.random.default_rng(0).normal(0, 0.1, 16000))) < 5
        assert len(track_f0(np.zeros(16000))) == 0
        assert len(track_f0(np.zeros(100))) == 0

    @needs_espeak
    def test_scores_each_trial_by_minus_the_distance_in_list_order(self, made: Path, tmp_path: Path) -> None:
        run_script("prepare.py", made, tmp_path / "data")
        one, two = load_data_dir(tmp_path / "data" / "train").utterances[:2]
        (tmp_path / "trials").write_text(f"{two} {one} target\n{one} {two} target\n{one} {one} target\n")
        done = run_script(
            "f0_baseline.py", tmp_path / "data" / "train", tmp_path / "trials", tmp_path / "scores"
        )
        assert done.returncode == 0, done.stderr
        rows = [line.split() for line in (tmp_path / "scores").read_text().splitlines()]
        assert [row[:2] for row in rows] == [[two, one], [one, two], [one, one]]
        assert rows[0][2] == rows[1][2]
        assert float(rows[0][2]) < 0 == float(rows[2][2])

    @needs_espeak
    def test_trial_of_an_unknown_utterance_is_refused(self, made: Path, tmp_path: Path) -> None:
        run_script("prepare.py", made, tmp_path / "data")
        (tmp_path / "trials").write_text("nobody-1 nobody-2 target\n")
        done = run_script(
            "f0_baseline.py", tmp_path / "data" / "train", tmp_path / "trials", tmp_path / "scores"
        )
        assert done.returncode == 1
        assert "nobody-1" in done.stderr
        assert "Traceback" not in done.stderr
