import os
import struct
from pathlib import Path

import kaldiio
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from wespk.core.errors import WespkError
from wespk.data import kaldi_objects
from wespk.data.kaldi_objects import (
    read_matrix,
    read_plda,
    read_vector,
    write_matrix,
    write_plda,
    write_vector,
)

GOLDEN = Path(__file__).parents[1] / "backend" / "golden"

# Each example overwrites the file of the last, so that one tmp_path serves a whole test.
SHARED_PATH = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def floats(dtype):
    return st.floats(width=np.dtype(dtype).itemsize * 8)


def numbers(dimensions, least=0):
    shape = array_shapes(min_dims=dimensions, max_dims=dimensions, min_side=least, max_side=6)
    return st.sampled_from([np.float32, np.float64]).flatmap(
        lambda dtype: arrays(dtype, shape, elements=floats(dtype))
    )


def binary_vector(values, letter=b"F"):
    return b"\0B" + letter + b"V \4" + struct.pack("<i", len(values)) + np.array(values, "<f4").tobytes()


# Round trips.


@SHARED_PATH
@given(vector=numbers(1))
def test_a_binary_vector_comes_back_with_its_precision(tmp_path, vector):
    write_vector(tmp_path / "v", vector)
    back = read_vector(tmp_path / "v")
    assert back.dtype == vector.dtype
    np.testing.assert_array_equal(back, vector)


@SHARED_PATH
@given(matrix=numbers(2, least=1))
def test_a_binary_matrix_comes_back_with_its_precision(tmp_path, matrix):
    write_matrix(tmp_path / "m", matrix)
    back = read_matrix(tmp_path / "m")
    assert back.dtype == matrix.dtype
    np.testing.assert_array_equal(back, matrix)


@SHARED_PATH
@given(vector=numbers(1), matrix=numbers(2, least=1))
def test_text_keeps_every_bit_of_the_values(tmp_path, vector, matrix):
    write_vector(tmp_path / "v", vector, binary=False)
    write_matrix(tmp_path / "m", matrix, binary=False)
    np.testing.assert_array_equal(read_vector(tmp_path / "v").astype(vector.dtype), vector)
    np.testing.assert_array_equal(read_matrix(tmp_path / "m").astype(matrix.dtype), matrix)


@pytest.mark.parametrize("binary", [True, False])
def test_a_plda_comes_back_exactly(tmp_path, binary):
    rng = np.random.default_rng(0)
    parts = rng.standard_normal(3), rng.standard_normal((3, 3)), rng.exponential(1, 3)
    write_plda(tmp_path / "plda", *parts, binary=binary)
    for wrote, back in zip(parts, read_plda(tmp_path / "plda"), strict=True):
        assert back.dtype == np.float64
        np.testing.assert_array_equal(back, wrote)


@pytest.mark.parametrize("binary", [True, False])
def test_empty_objects_come_back_empty(tmp_path, binary):
    write_vector(tmp_path / "v", np.empty(0), binary)
    write_matrix(tmp_path / "m", np.empty((0, 0)), binary)
    assert read_vector(tmp_path / "v").shape == (0,)
    assert read_matrix(tmp_path / "m").shape == (0, 0)


# Kaldi's own files.


def test_kaldis_text_vector_and_binary_matrix_are_read():
    mean, lda = read_vector(GOLDEN / "mean.vec"), read_matrix(GOLDEN / "lda.mat")
    assert mean.shape == (24,) and mean[0] == -0.3606851
    assert lda.shape == (16, 25) and lda.dtype == np.float32
    np.testing.assert_array_equal(lda, kaldiio.load_mat(str(GOLDEN / "lda.mat")))


def test_kaldis_binary_and_text_plda_agree():
    for binary, text in zip(read_plda(GOLDEN / "plda"), read_plda(GOLDEN / "plda.txt"), strict=True):
        np.testing.assert_allclose(text, binary, rtol=1e-6)


def test_a_plda_is_written_as_kaldi_writes_it_byte_for_byte(tmp_path):
    write_plda(tmp_path / "plda", *read_plda(GOLDEN / "plda"))
    assert (tmp_path / "plda").read_bytes() == (GOLDEN / "plda").read_bytes()


def test_what_is_written_is_read_by_kaldiio(tmp_path):
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_matrix(tmp_path / "m", matrix)
    write_vector(tmp_path / "v", matrix[0])
    np.testing.assert_array_equal(kaldiio.load_mat(str(tmp_path / "m")), matrix)
    np.testing.assert_array_equal(kaldiio.load_mat(str(tmp_path / "v")), matrix[0])


def test_integers_are_written_as_doubles(tmp_path):
    write_vector(tmp_path / "v", [1, 2, 3])
    assert (tmp_path / "v").read_bytes()[:5] == b"\0BDV "


def test_a_read_array_can_be_changed(tmp_path):
    write_vector(tmp_path / "v", np.ones(2))
    vector = read_vector(tmp_path / "v")
    vector[0] = 5


# Broken and hostile files.


@pytest.mark.parametrize("name", ["plda", "plda.txt"])
def test_a_plda_cut_anywhere_is_refused_naming_the_file(tmp_path, name):
    whole = (GOLDEN / name).read_bytes()
    path = tmp_path / name
    for size in range(0, len(whole.rstrip()), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(WespkError, match=str(path)):
            read_plda(path)


@SHARED_PATH
@given(content=st.binary(max_size=60))
@example(content=b"\0BFV \4\xff\xff\xff\x7f")
@example(content=b"\0BDM \4\xff\xff\xff\x7f\4\xff\xff\xff\x7f")
@example(content=b"[ 1 2 \n 3 ]")
@example(content=b"<Plda> [ 1 ] [ 1 2 ] [ 1 ] </Plda>")
def test_any_bytes_are_either_read_or_refused_in_one_line(tmp_path, content):
    path = tmp_path / "file"
    for prefix in (b"", b"\0B", b"\0BFV \4", b"\0BFM \4", b"\0B<Plda> ", b"[ ", b"<Plda> [ 1 ]"):
        path.write_bytes(prefix + content)
        for read in (read_vector, read_matrix, read_plda):
            try:
                read(path)
            except WespkError as error:
                assert str(path) in str(error) and "\n" not in str(error)


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (read_vector, b"", r"not a Kaldi vector"),
        (read_vector, b"s01 [ 1 2 ]", r"not a Kaldi vector"),
        (read_vector, b"\0BFV \4\xff\xff\xff\x7f", "truncated: 8589934588 more bytes are needed and 0 are"),
        (read_vector, b"\0BFV \4\xff\xff\xff\xff", "broken size field"),
        (read_vector, b"\0BFV \x08\1\0\0\0", "broken size field"),
        (read_vector, b"\0BFM \4\0\0\0\0\4\0\0\0\0", "Kaldi vector is needed, not matrix"),
        (read_matrix, b"\0BCM \4\0\0\0\0\4\0\0\0\0", "not a compressed matrix"),
        (read_matrix, b"\0BFM \4\2\0\0\0\4\0\0\0\0", "2 x 0 is not valid"),
        (read_vector, binary_vector([1.0, 2.0]) + b"x", "1 bytes too many"),
        (read_vector, b" [ 1 2", "truncated: the vector has no closing"),
        (read_vector, b" [ 1 two ]", "is not a number"),
        (read_vector, b" [ 1_000 ]", "is not a number"),
        (read_vector, b" [ 1 ] [ 2 ]", "text follows"),
        (read_matrix, b" [\n 1 2\n 3 ]", "rows of the matrix differ"),
        (read_plda, binary_vector([1.0]), "not a Kaldi PLDA: '<Plda>' is missing"),
        (read_plda, b"<Plda> [ 1 ] [\n 1 2 ] [ 1 ] </Plda>", r"transform \(1, 2\)"),
        (read_plda, b"<Plda> [ ] [ ] [ ] </Plda>", "no PLDA"),
        (read_plda, b"<Plda> [ 1 ] [\n 1 ] [ 1 ]", "'</Plda>' is missing"),
    ],
)
def test_a_broken_file_is_refused_with_the_reason(tmp_path, read, content, message):
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(WespkError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_missing_file_and_a_directory_are_refused(tmp_path):
    with pytest.raises(WespkError, match="no such file"):
        read_vector(tmp_path / "absent")
    with pytest.raises(WespkError, match="cannot be read"):
        read_vector(tmp_path)


@pytest.mark.parametrize("content", [b"\0BFV \4\0\0\0\0" + bytes(100), b"[ 1 ]" + b" " * 100])
def test_an_endless_file_is_refused(tmp_path, monkeypatch, content):
    monkeypatch.setattr(kaldi_objects, "MAX_BINARY_BYTES", 64)
    monkeypatch.setattr(kaldi_objects, "MAX_TEXT_BYTES", 64)
    (tmp_path / "big").write_bytes(content)
    with pytest.raises(WespkError, match="larger than"):
        read_vector(tmp_path / "big")


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_vector(path, np.ones((2, 2))),
        lambda path: write_matrix(path, np.ones(2)),
        lambda path: write_vector(path, ["a"]),
        lambda path: write_plda(path, np.ones(2), np.eye(3), np.ones(2)),
    ],
)
def test_a_refused_write_leaves_the_old_file_alone(tmp_path, write):
    path = tmp_path / "old"
    write_vector(path, np.ones(3))
    before = path.read_bytes()
    with pytest.raises(WespkError, match=str(path)):
        write(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["old"]
