"""A corpus that is a table or a list: every row is an item or is in the ledger with its line."""

import json

import pytest

from wespk.core.errors import WespkError
from wespk.data.prepare.items import settle
from wespk.data.prepare.tables import MAX_LINE_BYTES, Columns, find_in_list, find_in_table, table_format
from wespk.data.prepare.trials import find_in_test_lists


@pytest.fixture
def table(tmp_path):
    """Write a table and read it."""

    def read(content, form="csv", root=None, **columns):
        path = tmp_path / f"t.{form}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        found = find_in_table(path, form, root, Columns(**columns))
        settle(found)
        return found

    return read


def rows(found, tmp_path):
    return [(item.path.removeprefix(f"{tmp_path}/"), item.speaker) for item in found.items]


def test_columns_are_guessed_among_common_names_and_said(table, tmp_path):
    found = table("Path,client_id,sentence,gender\na b.mp3,s1,hello  you,female\n")
    assert rows(found, tmp_path) == [("a b.mp3", "s1")]
    assert (found.items[0].gender, found.items[0].text) == ("female", "hello you")
    assert found.notes == [
        "columns guessed: path is 'Path', speaker is 'client_id', gender is 'gender', text is 'sentence'; "
        "--path-column NAME says otherwise"
    ]


def test_named_columns_come_before_guesses_and_none_leaves_one_out(table, tmp_path):
    found = table("path,speaker,who,text\na.wav,s1,s2,words\n", speaker="who", text="none")
    assert rows(found, tmp_path) == [("a.wav", "s2")] and found.items[0].text is None
    with pytest.raises(WespkError, match="--speaker-column wo: did you mean 'who'"):
        table("path,speaker,who,text\na.wav,s1,s2,words\n", speaker="wo")
    with pytest.raises(
        WespkError, match=r"which column is the speaker\? say --speaker-column NAME .*path, by"
    ):
        table("path,by\na.wav,s1\n")


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbfpath;spk\r\na;s\r\n", b"path\tspk\na\ts\n", b"path|spk\na|s"]
)
def test_byte_order_mark_windows_lines_and_other_delimiters_are_read(table, tmp_path, content):
    assert rows(table(content), tmp_path) == [("a", "s")]


def test_csv_has_quotes_and_tsv_has_none(table, tmp_path):
    assert rows(table('path,spk\n"a, b.wav",s\n'), tmp_path) == [("a, b.wav", "s")]
    found = table('path\tspk\ttext\na.wav\ts\t"so," she\n', "tsv")
    assert found.items[0].text == '"so," she'


def test_relative_paths_are_below_the_table_or_the_root(table, tmp_path):
    found = table("path,spk\na.wav,s\n/abs/b.wav,s\n../c.wav,s\n", root=tmp_path / "clips")
    assert rows(found, tmp_path) == [("clips/a.wav", "s"), ("/abs/b.wav", "s"), ("c.wav", "s")]


def test_rows_that_cannot_be_used_are_in_the_ledger_by_line(table, tmp_path):
    found = table("path,spk\na.wav,s\n,s\nb.wav,?\nc.wav\n\nd.wav,s,extra\na.wav,s\n")
    assert rows(found, tmp_path) == [("a.wav", "s")]
    assert {
        item.rpartition(":")[2]: reason.split(":")[0] for item, reason in found.unused.reasons.items()
    } == {
        "3": "no path",
        "4": "no speaker",
        "5": "fields",
        "7": "fields",
        "8": "repeated",
    }
    assert found.total == 6  # an empty line is no row


def test_one_recording_of_two_speakers_is_refused_with_both_lines(table):
    with pytest.raises(
        WespkError, match=r"t.csv:3 of speaker 't' is the same recording as .*t.csv:2 of speaker 's'"
    ):
        table("path,spk\na.wav,s\nx/../a.wav,t\n")


def test_start_and_end_make_segments_and_repeat_a_recording(table):
    found = table("path,spk,start,end\na,s,0,1.5\na,t,1.5,2\na,s,2,1\na,s,nan,3\na,s,,\n")
    assert [(item.start, item.end) for item in found.items] == [(0, 1.5), (1.5, 2)]
    assert all(reason.startswith("no segment") for reason in found.unused.reasons.values())
    assert len(found.unused) == 3
    with pytest.raises(WespkError, match="--start-column without --end-column"):
        table("path,spk,from\na,s,0\n", start="from")
    assert table("path,spk,start\na,s,0\n").items[0].start is None  # a guess that is no pair is none


def test_json_lines_are_rows_with_keys(table, tmp_path):
    lines = [{"audio_filepath": "a.wav", "speaker": 7, "text": None}, {"audio_filepath": "b.wav"}, [1]]
    found = table("".join(json.dumps(line) + "\n" for line in lines) + "{oh\n" + "[" * 5000 + "\n", "jsonl")
    assert rows(found, tmp_path) == [("a.wav", "7")]
    reasons = [reason.split(":")[0] for reason in found.unused.reasons.values()]
    assert reasons == ["no speaker", "malformed", "malformed", "malformed"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"path,spk\n", "no rows"),
        (b"path,spk\na,s\n\xff,s\n", "t.csv:3: not valid UTF-8"),
        (b"path,spk\n" + b"x" * (MAX_LINE_BYTES + 1), "t.csv:2: a line of over"),
        (b'path,spk\n"a,s\nb,s\n', "t.csv:3: not CSV"),
        (b"path,path,spk\na,b,s\n", "two columns are called 'path'"),
    ],
)
def test_files_that_are_no_table_are_refused_by_name(table, content, message):
    with pytest.raises(WespkError, match=message):
        table(content)


def test_lists_divide_at_the_tab_or_else_at_the_last_space(tmp_path):
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbfa b.wav\t0\r\nc d.wav 12\n\nalone\n")
    found = find_in_list(tmp_path / "list.txt", None)
    assert rows(found, tmp_path) == [("a b.wav", "0"), ("c d.wav", "12")]
    assert [item.rpartition(":")[2] for item in found.unused.reasons] == ["4"]


def test_format_is_told_by_the_ending():
    assert [table_format(name) for name in ("A.CSV", "b.tsv", "c.json", "d.txt", "e")] == [
        *("csv", "tsv", "jsonl"),
        *("list", "list"),
    ]


def test_test_recordings_that_also_enrol_are_refused(tmp_path):
    (tmp_path / "enrol.txt").write_text("a.wav\t0\nb.wav\t1\n")
    (tmp_path / "test.txt").write_text("c.wav\t0\n./b.wav\t1\n")
    with pytest.raises(WespkError, match=r"test.txt:2: '/c/b.wav' also enrols \(.*enrol.txt:2\), 1 such"):
        find_in_test_lists(tmp_path / "enrol.txt", tmp_path / "test.txt", tmp_path.__class__("/c"))


def test_control_characters_in_a_text_become_spaces(table):
    found = table("path\tspeaker\ttext\na.wav\ts1\tone\x00two\x1cthree\n", "tsv")
    assert found.items[0].text == "one two three"
