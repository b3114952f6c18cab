import kaldiio
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wespk.core.errors import WespkError
from wespk.data.tables import (
    MappedMatrices,
    read_archive,
    read_table,
    read_vectors,
    write_archive,
    write_table,
)

matrices = st.lists(
    arrays(
        np.float32, st.tuples(st.integers(1, 9), st.integers(1, 5)), elements=st.floats(-1e6, 1e6, width=32)
    ),
    min_size=1,
    max_size=5,
)


@given(matrices)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_archives_round_trip_through_our_readers_and_kaldiio(tmp_path, values):
    items = {f"utt{i}é": value for i, value in enumerate(values)}
    rows = write_archive(tmp_path / "a.ark", tmp_path / "a.scp", items.items())
    assert rows == {key: len(value) for key, value in items.items()}
    by_kaldiio = kaldiio.load_scp(str(tmp_path / "a.scp"))
    mapped = MappedMatrices(read_table(tmp_path / "a.scp"))
    for index, (key, value) in enumerate(read_archive(tmp_path / "a.scp")):
        np.testing.assert_array_equal(value, items[key])
        np.testing.assert_array_equal(by_kaldiio[key], items[key])
        np.testing.assert_array_equal(mapped[index], items[key])


def test_mapped_matrices_decode_what_kaldi_compressed(tmp_path):
    matrix = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    kaldiio.save_ark(
        str(tmp_path / "c.ark"), {"u": matrix}, scp=str(tmp_path / "c.scp"), compression_method=2
    )
    mapped = MappedMatrices(read_table(tmp_path / "c.scp"))
    np.testing.assert_allclose(mapped[0], matrix, atol=0.05)


def test_cut_archive_is_named(tmp_path):
    write_archive(tmp_path / "a.ark", tmp_path / "a.scp", [("utt", np.ones((50, 4)))])
    with open(tmp_path / "a.ark", "r+b") as stream:
        stream.truncate(100)
    with pytest.raises(WespkError, match="'utt': .*a.ark is cut off"):
        MappedMatrices(read_table(tmp_path / "a.scp"))[0]


def test_failed_archive_leaves_nothing_under_its_name(tmp_path):
    def items():
        yield "a", np.ones((2, 2))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_archive(tmp_path / "a.ark", tmp_path / "a.scp", items())
    assert list(tmp_path.iterdir()) == []


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
    ],
)
def test_malformed_tables_are_refused_with_their_line(tmp_path, text, message):
    (tmp_path / "t").write_bytes(text.encode())
    with pytest.raises(WespkError, match=message):
        read_table(tmp_path / "t")


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        ({"a": np.ones(3), "b": np.ones(4)}, "'b' has shape"),
        ({"a": np.ones((2, 2))}, "'a' has shape"),
        ({"a": np.array([1.0, np.nan])}, "'a' holds NaN"),
        ({}, "holds no vectors"),
    ],
)
def test_unusable_embeddings_are_named(tmp_path, vectors, message):
    write_archive(tmp_path / "a.ark", tmp_path / "a.scp", vectors.items())
    with pytest.raises(WespkError, match=message):
        read_vectors(tmp_path / "a.scp")


@pytest.mark.parametrize("entry", ["touch RUN |", "x.ark", "x.ark:5[0:20]", "x.ark:-1", ":5"])
def test_entries_other_than_archive_and_offset_are_refused(tmp_path, monkeypatch, entry):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.scp").write_text(f"u {entry}\n")
    with pytest.raises(WespkError, match="not of the form archive:offset"):
        list(read_archive(tmp_path / "x.scp"))
    with pytest.raises(WespkError, match="not of the form archive:offset"):
        MappedMatrices({"u": entry})[0]
    assert not (tmp_path / "RUN").exists()


def test_pickled_entry_is_not_loaded(tmp_path):
    (tmp_path / "x.ark").write_bytes(b"u PKL cposix\nsystem\n(S'touch RUN'\ntR.")
    (tmp_path / "x.scp").write_text(f"u {tmp_path}/x.ark:2\n")
    with pytest.raises(WespkError, match="no Kaldi matrix or vector is there"):
        list(read_archive(tmp_path / "x.scp"))
