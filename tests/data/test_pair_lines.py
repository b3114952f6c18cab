import pytest
from hypothesis import given
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.data import pair_lines
from wespk.data.pair_lines import IdNumbers, read_pair_lines

FORM = "enrol-id test-id score"


def words_of(path, words=(3,)):
    return [
        row
        for lines in read_pair_lines(path, FORM, words)
        for row in zip(lines.enrol, lines.test, lines.last or [b""] * len(lines), strict=True)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lines")


@given(text=st.text(st.sampled_from("ab \n"), max_size=30))
def test_a_line_of_two_words_and_one_of_four_are_not_two_of_three(folder, text):
    path = folder / "s"
    path.write_text(text)
    lines = text.removesuffix("\n").split("\n")
    bad = [number for number, line in enumerate(lines, 1) if len(line.split()) != 3]
    if bad:
        with pytest.raises(WespkError, match=f"s:{bad[0]}: expected" if text else "s: is empty"):
            words_of(path)
    else:
        assert words_of(path) == [tuple(map(str.encode, line.split())) for line in lines]


def test_all_lines_have_as_many_words_as_the_first(tmp_path):
    (tmp_path / "s").write_text("a b\nc d\n")
    assert words_of(tmp_path / "s", (2, 3)) == [(b"a", b"b", b""), (b"c", b"d", b"")]
    (tmp_path / "s").write_text("a b\nc d e\n")
    with pytest.raises(WespkError, match="s:2: expected"):
        words_of(tmp_path / "s", (2, 3))


def test_text_has_one_space_between_words_and_unix_line_ends(tmp_path):
    (tmp_path / "s").write_bytes(b" a\t b  1\r\nc d 2\r\n")
    (lines,) = read_pair_lines(tmp_path / "s", FORM)
    assert lines.text == b"a b 1\nc d 2\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a b 1\nc \xff 2\n", "s:2: not valid UTF-8"),
        (b"a b 1\nc  \xff 2\n", "s:2: not valid UTF-8"),
        (b"a b 1\nc d\x00 2\n", r"s:2: an id may not hold the character '\\x00'"),
        (b"a b 1\nc\x0bd 2\n", r"s:2: an id may not hold the character '\\x0b'"),
        (b"a b 1\nc d\x7f 2\n", r"s:2: an id may not hold the character '\\x7f'"),
        ("a b 1\nc d\u2003 2\n".encode(), r"s:2: an id may not hold the character '\\u2003'"),
        (b"\xef\xbb\xbfa b 1\n", r"s:1: an id may not hold the character '\\ufeff'"),
        (b"a b 1\rc d 2\r", "s:1: expected"),
        (b"x" * 3_000_000, "s: a line is longer than 1 MB; is it text?"),
    ],
)
def test_what_is_no_id_is_refused_with_its_line(tmp_path, content, message):
    (tmp_path / "s").write_bytes(content)
    enrol, test = IdNumbers(), IdNumbers()
    with pytest.raises(WespkError, match=message):
        for lines in read_pair_lines(tmp_path / "s", FORM):
            enrol.number(lines.enrol, tmp_path / "s", lines.first_line)
            test.number(lines.test, tmp_path / "s", lines.first_line)


@pytest.mark.parametrize(("name", "message"), [("x", "x: no such file"), (".", "is a directory")])
def test_a_file_that_is_none_is_named(tmp_path, name, message):
    with pytest.raises(WespkError, match=message):
        words_of(tmp_path / name)


@given(st.lists(st.sampled_from([b"a", b"b", b"c", b"d"]), min_size=1), st.integers(1, 5))
def test_ids_are_numbered_by_appearance_however_they_repeat(words, run):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_lines, "RUN", run)
        numbers = IdNumbers()
        found = numbers.number(words, "t", 1)
    order = list(dict.fromkeys(words))
    assert found.tolist() == [order.index(word) for word in words]
    assert numbers.ids == [word.decode() for word in order]
