"""Who speaks in each trial: found beside the list, or refused by name."""

from __future__ import annotations

import pytest

from wespk.core.errors import WespkError
from wespk.data.trial_speakers import SpeakerTables, audio_names, speakers_of_trials
from wespk.data.trials import read_trials

UTT2SPK = "a1 ann\na2 ann\nb1 bob\nb2 bob\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "utt2spk").write_text(UTT2SPK)
    (tmp_path / "trials").write_text("a1 a2 target\na1 b1 nontarget\nb1 b2 target\n")
    (tmp_path / "trials_2").write_text("model a2 target\nmodel b2 nontarget\n")
    (tmp_path / "enrol_2").write_text("model a1\n")
    return tmp_path


def speakers(folder, name="trials", **tables):
    return speakers_of_trials(read_trials(folder / name), SpeakerTables.beside(folder / name, **tables))


def named(found):
    return [
        (found.names[left], found.names[right]) for left, right in zip(found.enrol, found.test, strict=True)
    ]


def test_an_utterance_is_its_speaker(folder):
    found = speakers(folder)
    assert named(found) == [("ann", "ann"), ("ann", "bob"), ("bob", "bob")]
    assert str(found) == f"2 speakers of {folder}/utt2spk" and found.tables.enrol is None


def test_the_enrolment_list_of_the_same_suffix_says_who_a_model_is(folder):
    found = speakers(folder, "trials_2")
    assert named(found) == [("ann", "ann"), ("ann", "bob")]
    assert found.tables.enrol == folder / "enrol_2"


def test_a_model_may_be_named_as_its_speaker(folder):
    (folder / "trials").write_text("ann a2 target\nbob a2 nontarget\n")
    assert named(speakers(folder)) == [("ann", "ann"), ("bob", "ann")]


def test_spk2utt_serves_as_well(folder):
    (folder / "utt2spk").unlink()
    (folder / "spk2utt").write_text("ann a1 a2\nbob b1 b2\n")
    assert named(speakers(folder))[1] == ("ann", "bob")


def test_tables_can_be_named(folder):
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere/u2s").write_text(UTT2SPK)
    (folder / "elsewhere/list").write_text("model a1 a2\n")
    found = speakers(folder, "trials_2", utt2spk=folder / "elsewhere/u2s", enrol=folder / "elsewhere/list")
    assert named(found)[0] == ("ann", "ann")
    assert found.tables.enrol == folder / "elsewhere/list"


def test_without_tables_nobody_is_known(folder):
    (folder / "utt2spk").unlink()
    assert SpeakerTables.beside(folder / "trials") is None


def test_a_list_of_another_name_has_no_enrolment_list_of_its_own(folder):
    assert SpeakerTables.beside(folder / "mine").enrol is None


def test_the_same_speaker_with_the_wrong_phrase_is_no_contradiction(folder):
    (folder / "trials").write_text(
        "a1 a2 target\na1 a1 target-wrong\na1 b1 impostor-correct\na1 b2 impostor-wrong\n"
    )
    assert named(speakers(folder))[1] == ("ann", "ann")


@pytest.mark.parametrize(
    ("files", "name", "message"),
    [
        (
            {"trials": "a1 b1 target\na1 a2 target\nb1 b2 nontarget\n"},
            "trials",
            r"'a1 b1' is labelled target, but its speakers are ann and bob by .*utt2spk \(2 labels",
        ),
        (
            {"trials": "a1 x target\n"},
            "trials",
            r"no speaker of test-id 'x' of .*trials \(1 of 1 have none\)",
        ),
        ({"trials": "x a1 target\n"}, "trials", r"no speaker of enrol-id 'x'"),
        ({"enrol_2": "model a1 x\n"}, "trials_2", "no speaker of enrol-id 'model'"),
        (
            {"enrol_2": "model a1 b1\n"},
            "trials_2",
            r"'model' is enrolled from several speakers \(a1 of ann, b1",
        ),
    ],
)
def test_what_contradicts_the_tables_is_refused_by_name(folder, files, name, message):
    for each, text in files.items():
        (folder / each).write_text(text)
    with pytest.raises(WespkError, match=message):
        speakers(folder, name)


def test_audio_names_are_those_of_wav_scp(tmp_path):
    assert audio_names(tmp_path, ["a1"]) == {"a1": ""}
    (tmp_path / "wav.scp").write_text("a1 wav/a 1.flac\na2 sox x |\n")
    assert audio_names(tmp_path, ["a1", "a2", "x"]) == {"a1": "wav/a 1.flac", "a2": "", "x": ""}
    (tmp_path / "segments").write_text("a1-s a1 0 1\n")
    assert audio_names(tmp_path, ["a1-s"]) == {"a1-s": "wav/a 1.flac"}
