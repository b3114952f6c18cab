import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.data import tables
from wespk.data.tables import byte_sorted, read_table, unfit_character, write_table

ids = st.text(min_size=1, max_size=8).filter(
    lambda text: not unfit_character(text) and not any(map(_is_surrogate, text))
)
values = st.text(max_size=12).filter(
    lambda text: (
        text == text.strip(" ")
        and not any(ord(char) < 32 or ord(char) == 127 or _is_surrogate(char) for char in text)
    )
)


def _is_surrogate(char):
    return 0xD800 <= ord(char) < 0xE000


@given(st.dictionaries(ids, values))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_tables_round_trip_whatever_block_size(tmp_path, table):
    write_table(tmp_path / "t", table)
    assert read_table(tmp_path / "t", value_required=False) == table
    whole, tables.BLOCK_BYTES = tables.BLOCK_BYTES, 7
    try:
        assert list(read_table(tmp_path / "t", value_required=False)) == byte_sorted(table)
    finally:
        tables.BLOCK_BYTES = whole


@given(st.dictionaries(ids, values), st.lists(ids, unique=True), st.integers(1, 40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_expected_keys_change_nothing_but_the_speed(tmp_path, table, others, size):
    write_table(tmp_path / "t", table)
    whole, tables.BLOCK_BYTES = tables.BLOCK_BYTES, size
    try:
        for expected in (byte_sorted(table), byte_sorted({*table, *others}), byte_sorted(others)):
            assert read_table(tmp_path / "t", value_required=False, expected=expected) == table
    finally:
        tables.BLOCK_BYTES = whole


@given(st.lists(ids, unique=True))
def test_code_point_order_is_byte_order(keys):
    assert byte_sorted(keys) == sorted(keys, key=lambda key: key.encode())


def test_table_is_written_in_byte_order(tmp_path):
    write_table(tmp_path / "t", {"b": 1, "B": 2, "é": 3, "a-1": 4, "a1": 5})
    assert [line.split()[0] for line in (tmp_path / "t").read_text().splitlines()] == [
        "B",
        "a-1",
        "a1",
        "b",
        "é",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 1\na 2\n", "t:2: duplicate key 'a'"),
        ("b 1\na 2\n", "t:2: 'a' is out of order; sort with LC_ALL=C"),
        ("a 1\n\nb 2\n", "t:2: no key"),
        ("a\n", "t:1: 'a' has no value"),
        ("a 1", "the last line has no line end"),
        ("a 1\r\n", "t:1: Windows line end"),
        (" a 1\n", "t:1: no key"),
        ("\ufeffa 1\n", "t:1: begins with a byte order mark"),
        ("a\t1\n", "t:1: a tab in the key 'a.t1'"),
        ("a 1\nb\x00c 2\n", "t:2: the character '.x00' may not stand"),
        ("a 1\nb 2\x1f\n", "t:2: the character '.x1f' may not stand"),
        ("a\u00a0b 1\n", "t:1: the character '.xa0' may not stand"),
        ("a\u2028b 1\n", "t:1: the character '.u2028' may not stand"),
        ("é 1\na 2\n", "t:2: 'a' is out of order"),
    ],
)
def test_malformed_tables_are_refused_with_their_line(tmp_path, text, message):
    (tmp_path / "t").write_bytes(text.encode())
    for expected in ((), ("a", "b")):
        with pytest.raises(WespkError, match=message):
            read_table(tmp_path / "t", expected=expected)


def test_text_that_is_not_utf8_is_refused_with_its_line(tmp_path):
    (tmp_path / "t").write_bytes(b"a 1\nb \xff\n")
    with pytest.raises(WespkError, match="t:2: not valid UTF-8"):
        read_table(tmp_path / "t")


def test_lines_are_counted_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "BLOCK_BYTES", 16)
    (tmp_path / "t").write_text("".join(f"u{n:03d} {n}\n" for n in range(100)) + "u050 x\n")
    with pytest.raises(WespkError, match="t:101: 'u050' is out of order"):
        read_table(tmp_path / "t")
    (tmp_path / "t").write_text("a " + "x" * 1000 + "\n")
    assert read_table(tmp_path / "t") == {"a": "x" * 1000}
    monkeypatch.setattr(tables, "MOST_LINE_BYTES", 100)
    with pytest.raises(WespkError, match="a line is longer"):
        read_table(tmp_path / "t")


def test_spaces_that_kaldi_ignores_are_no_part_of_a_value(tmp_path):
    (tmp_path / "t").write_text("a  1 2 \nb 3\n")
    assert read_table(tmp_path / "t") == {"a": "1 2", "b": "3"}


def test_spaces_of_unicode_stay_in_values(tmp_path):
    (tmp_path / "t").write_text("a /my\u00a0music/é\u2028.wav\u00a0\n")
    assert read_table(tmp_path / "t") == {"a": "/my\u00a0music/é\u2028.wav\u00a0"}


def test_folder_in_the_place_of_a_table_is_named(tmp_path):
    with pytest.raises(WespkError, match="is a directory"):
        read_table(tmp_path)
