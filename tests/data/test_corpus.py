import os

import pytest

from wespk.core.errors import WespkError
from wespk.data.corpus import audio_files, describe


def test_audio_files_are_found_in_any_case_and_behind_links(tmp_path):
    for name in ("real/a/1.WAV", "real/b/2.wav", "real/b/._2.wav", "real/b/notes.txt", "real/c.part/3.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "linked").symlink_to(tmp_path / "real")
    (corpus / "again").symlink_to(tmp_path / "real/b")  # a folder counts once
    (tmp_path / "real/loop").symlink_to(corpus)
    found = [str(path.relative_to(corpus)) for path in audio_files(corpus, (".wav",))]
    assert found == ["again/2.wav", "linked/a/1.WAV"]


def test_folders_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    with pytest.raises(WespkError, match="nowhere: no such folder"):
        list(audio_files(tmp_path / "nowhere", (".wav",)))
    (tmp_path / "closed").mkdir()
    real = os.scandir

    def scandir(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(WespkError, match="closed: cannot be read"):
        list(audio_files(tmp_path, (".wav",)))


def test_description_changes_with_the_recordings(tmp_path):
    (tmp_path / "a.wav").write_text("a")
    first = describe(tmp_path, None, [tmp_path / "a.wav"])
    assert (first["recordings"], first["given"]) == (1, "")
    (tmp_path / "a.wav").write_text("longer")
    assert describe(tmp_path, None, [tmp_path / "a.wav"])["digest"] != first["digest"]
