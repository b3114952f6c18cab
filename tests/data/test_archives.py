import os
import time

import kaldiio
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wespk.core.errors import WespkError
from wespk.data.archives import read_archive, read_ark, read_vectors, write_archive
from wespk.data.compression import METHODS
from wespk.data.matrices import MappedMatrices
from wespk.data.tables import read_table

matrices = st.lists(
    arrays(
        np.float32, st.tuples(st.integers(1, 9), st.integers(1, 5)), elements=st.floats(-1e6, 1e6, width=32)
    ),
    min_size=1,
    max_size=5,
)


@given(matrices)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
def test_archives_round_trip_through_our_readers_and_kaldiio(tmp_path, values):
    items = {f"utt{i}é": value for i, value in enumerate(values)}
    rows = write_archive(tmp_path / "a.ark", tmp_path / "a.scp", items.items())
    assert rows == {key: len(value) for key, value in items.items()}
    by_kaldiio = kaldiio.load_scp(str(tmp_path / "a.scp"))
    mapped = MappedMatrices(read_table(tmp_path / "a.scp"))
    whole = dict(read_ark(tmp_path / "a.ark"))
    assert whole.keys() == items.keys()
    for index, (key, value) in enumerate(read_archive(tmp_path / "a.scp")):
        for read in (value, by_kaldiio[key], mapped[index], whole[key]):
            np.testing.assert_array_equal(read, items[key])


@pytest.mark.parametrize("method", METHODS)
def test_every_compression_is_read_alike_from_ark_and_scp(tmp_path, method):
    items = {f"u{rows}": np.full((rows, 3), 0.5, dtype=np.float32) * rows % 1 for rows in (1, 2, 8, 9, 30)}
    write_archive(tmp_path / "a.ark", tmp_path / "a.scp", items.items(), method)
    whole = dict(read_ark(tmp_path / "a.ark"))
    for key, value in read_archive(tmp_path / "a.scp"):
        assert value.shape == items[key].shape
        np.testing.assert_array_equal(value, whole[key])


def test_a_text_archive_is_read_by_us_and_kaldiio(tmp_path):
    items = {"m": np.array([[1.5, -2], [3, 0.1]], dtype=np.float32), "v": np.array([1, 2], dtype=np.float32)}
    write_archive(tmp_path / "t.ark", tmp_path / "t.scp", items.items(), text=True)
    assert (tmp_path / "t.ark").read_text().startswith("m  [\n  1.5 -2\n  3 0.100000001 ]\n")
    by_kaldiio = kaldiio.load_scp(str(tmp_path / "t.scp"))
    whole = dict(read_ark(tmp_path / "t.ark"))
    for key, value in read_archive(tmp_path / "t.scp"):
        for read in (value, whole[key], by_kaldiio[key]):
            np.testing.assert_array_equal(read, items[key])


def test_an_archive_without_entries_is_an_empty_file(tmp_path):
    write_archive(tmp_path / "a.ark", tmp_path / "a.scp", [])
    assert (tmp_path / "a.ark").read_bytes() == b"" == (tmp_path / "a.scp").read_bytes()
    assert list(read_ark(tmp_path / "a.ark")) == []


def test_a_failed_archive_leaves_nothing_under_its_name(tmp_path):
    def items():
        yield "a", np.ones((2, 2))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_archive(tmp_path / "a.ark", tmp_path / "a.scp", items())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["", "a b", " a", "a\n"])
def test_impossible_keys_are_refused(tmp_path, key):
    with pytest.raises(WespkError, match="cannot be a key"):
        write_archive(tmp_path / "a.ark", None, [(key, np.ones(2))])


def test_a_key_that_comes_twice_is_refused(tmp_path):
    with pytest.raises(WespkError, match="'a' comes twice"):
        write_archive(tmp_path / "a.ark", None, [("a", np.ones(2)), ("a", np.ones(2))])


def test_the_item_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(WespkError, match="'bad': a matrix with NaN or infinity"):
        write_archive(tmp_path / "a.ark", None, [("bad", np.array([[np.nan]]))], "automatic")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"RIFF....WAVE", "no key at byte 0"),
        (b"\xff\xfe key", "no key at byte 0"),
        (b"u \0BFM \4\2\0\0\0\4\2\0\0\0", "'u' at byte 2: cut off: 16 bytes"),
        (b"u \0BFV \4\0\0\0\0garbage", "no key at byte 12"),
        (b"x" * 5000 + b" ", "no key at byte 0"),
    ],
)
def test_what_is_no_archive_is_named_with_its_place(tmp_path, content, message):
    (tmp_path / "a.ark").write_bytes(content)
    with pytest.raises(WespkError, match=message):
        list(read_ark(tmp_path / "a.ark"))


def test_a_named_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    start = time.monotonic()
    with pytest.raises(WespkError, match="not an ordinary file"):
        list(read_ark(tmp_path / "pipe"))
    with pytest.raises(WespkError, match="'u': cannot map .*not an ordinary file"):
        MappedMatrices({"u": f"{tmp_path}/pipe:0"})[0]
    assert time.monotonic() - start < 5


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


def test_pickled_entry_is_not_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.ark").write_bytes(b"u PKL cposix\nsystem\n(S'touch RUN'\ntR.")
    (tmp_path / "x.scp").write_text(f"u {tmp_path}/x.ark:2\n")
    with pytest.raises(WespkError, match="no Kaldi matrix or vector is there"):
        list(read_archive(tmp_path / "x.scp"))
    assert not (tmp_path / "RUN").exists()
