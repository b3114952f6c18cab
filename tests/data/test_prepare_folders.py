"""A corpus that is a folder: every file is an item or is in the ledger with its reason."""

import os

import pytest
import soundfile

from wespk.core.errors import WespkError
from wespk.data.prepare.folders import find_in_folder
from wespk.data.prepare.items import settle


@pytest.fixture
def tree(tmp_path, voice):
    """Write recordings of these names, whatever their ending, below tmp_path/corpus."""

    def make(*files):
        for name in files:
            path = tmp_path / "corpus" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, voice(seconds=0.1), 16000, format="WAV")
        return tmp_path / "corpus"

    return make


def shown(found):
    return [(item.where, item.speaker, "/".join(item.session)) for item in found.items]


def test_speaker_is_the_first_folder_and_the_folders_below_are_the_session(tree):
    found = find_in_folder(tree("s1/a.wav", "s1/x/y/b.WAV", "s2/c.unknown"))
    assert shown(found) == [("s1/a.wav", "s1", ""), ("s1/x/y/b.WAV", "s1", "x/y"), ("s2/c.unknown", "s2", "")]
    assert not found.unused


def test_speaker_may_be_a_folder_further_down_or_the_one_of_the_file(tree):
    corpus = tree("train/s1/x/a.wav", "test/s2/b.wav", "test/s1/c.wav", "stray.wav")
    by_level = find_in_folder(corpus, speaker_level=2)
    assert [spk for _, spk, _ in shown(by_level)] == ["s1", "s2", "s1"]
    assert by_level.unused.reasons["stray.wav"].startswith("no speaker: 0 folder(s)")
    assert any("lie in several folders" in note and "'s1'" in note for note in by_level.notes)
    by_parent = find_in_folder(corpus, speaker_from_parent=True)
    assert [spk for _, spk, _ in shown(by_parent)] == ["s1", "s2", "x"]


def test_regular_expression_tells_speaker_session_and_name(tree):
    corpus = tree("d1/anna_1.wav", "d1/ben_2.wav", "d2/readme.wav")
    found = find_in_folder(corpus, regex=r"(?P<session>[^/]+)/(?P<spk>[a-z]+)_(?P<utt>\d)\.wav$")
    assert [(item.speaker, item.session, item.name) for item in found.items] == [
        ("anna", ("d1",), "1"),
        ("ben", ("d1",), "2"),
    ]
    assert found.unused.reasons == {"d2/readme.wav": "no match: the regular expression does not fit"}


@pytest.mark.parametrize(("regex", "message"), [("(", "not a regular"), (r"(\w+)/", "needs a group")])
def test_wrong_regular_expressions_are_refused(tree, regex, message):
    with pytest.raises(WespkError, match=message):
        find_in_folder(tree("s/a.wav"), regex=regex)


@pytest.mark.parametrize(
    ("pattern", "taken"),
    [
        ("*/*.wav", ["s1/a.wav"]),
        ("**/*.wav", ["s1/a.wav", "s1/near/b.wav", "s2/far/c.wav"]),
        ("**/near/**", ["s1/near/b.wav"]),
        ("s[2-9]/**/*.wav", ["s2/far/c.wav"]),
    ],
)
def test_pattern_chooses_files_and_the_others_are_listed(tree, pattern, taken):
    found = find_in_folder(tree("s1/a.wav", "s1/near/b.wav", "s2/far/c.wav"), pattern=pattern)
    assert [item.where for item in found.items] == taken
    assert len(found.unused) == 3 - len(taken) and found.total == 3


def test_what_is_no_recording_is_in_the_ledger_with_its_reason(tree):
    corpus = tree("s/a.wav", ".trash/b.wav", "s/._a.wav", "s/c.wav.part")
    (corpus / "s/notes and more.txt").write_text("x")
    (corpus / "s/gone.wav").symlink_to("nowhere")
    (corpus / "s/circle").symlink_to("circle")
    found = find_in_folder(corpus)
    assert [item.where for item in found.items] == ["s/a.wav"]
    kinds = {item: reason.split(":")[0] for item, reason in found.unused.reasons.items()}
    assert kinds == {
        ".trash": "hidden",
        "s/._a.wav": "hidden",
        "s/c.wav.part": "unfinished",
        "s/notes%20and%20more.txt": "not audio",
        "s/gone.wav": "broken link",
        "s/circle": "not audio",
    }
    assert found.total == 7


def test_linked_folders_are_followed_and_loops_are_not(tree, tmp_path):
    corpus = tree("s/a.wav")
    elsewhere = tmp_path / "elsewhere"
    os.rename(corpus / "s", elsewhere)
    (corpus / "s").symlink_to(elsewhere)
    (elsewhere / "loop").symlink_to(corpus)
    found = find_in_folder(corpus)
    assert [item.where for item in found.items] == ["s/a.wav"]
    assert found.unused.reasons["s/loop"].startswith("linked twice")


def test_one_file_by_two_names_is_one_recording_and_of_one_speaker(tree):
    corpus = tree("s/a.wav", "t/b.wav")
    os.link(corpus / "s/a.wav", corpus / "s/again.wav")
    found = find_in_folder(corpus)
    settle(found)
    assert found.unused.reasons == {"s/again.wav": "repeated: the same recording is s/a.wav"}
    (corpus / "t/mine.wav").symlink_to("../s/a.wav")
    with pytest.raises(WespkError, match="t/mine.wav of speaker 't' is the same recording as s/a.wav"):
        settle(find_in_folder(corpus))


def test_an_error_shows_a_recording_and_not_what_lies_beside_it(tree):
    corpus = tree("s/my a.wav")
    (corpus / "LICENSE").write_text("x")
    for options, reason in (
        ({"speaker_level": 3}, "no speaker: 1 folder"),
        ({"regex": "(?P<spk>x)zzz"}, "no match"),
        ({"pattern": "*.mp3"}, "outside the pattern"),
    ):
        with pytest.raises(WespkError, match=f"; s/my%20a.wav: {reason}"):
            find_in_folder(corpus, **options)


def test_few_speakers_with_many_folders_are_remarked(tree):
    corpus = tree(*(f"{part}/{number}/a.wav" for part in ("clean", "other") for number in range(5)))
    (hint,) = (note for note in find_in_folder(corpus).notes if "--speaker-level 2" in note)
    assert hint.startswith("2 speaker(s), and 10 folders directly below theirs")
    assert not any("--speaker-level" in note for note in find_in_folder(corpus, speaker_level=2).notes)


def test_folder_without_recordings_says_what_it_holds(tree):
    corpus = tree()
    corpus.mkdir()
    with pytest.raises(WespkError, match="no recordings .* it is empty"):
        find_in_folder(corpus)
    for n in range(3):
        (corpus / f"{n}.raw").write_bytes(b"12")
    with pytest.raises(WespkError, match="there are 3 .raw; 0.raw: not audio"):
        find_in_folder(corpus)


@pytest.mark.parametrize("head", [b"RIFF", b"fLaC", b"OggS", b"NIST_1A", b"\xff\xfb\x90", b"\0\0\0 ftypM4A "])
def test_recordings_without_a_telling_ending_are_known_by_their_first_bytes(tree, head):
    corpus = tree("s/a.wav")
    (corpus / "s/b").write_bytes(head + b"...")
    (corpus / "s/c").write_bytes(b"words")
    found = find_in_folder(corpus)
    assert [item.where for item in found.items] == ["s/a.wav", "s/b"]
    assert list(found.unused.reasons) == ["s/c"]


def test_extensions_choose_among_formats(tree):
    found = find_in_folder(tree("s/a.wav", "s/a.flac"), suffixes=[".flac"])
    assert [item.where for item in found.items] == ["s/a.flac"]
    assert found.unused.reasons == {"s/a.wav": "not audio: by --extensions"}
