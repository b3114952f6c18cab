"""One archive entry: every kind round trip, by kaldiio's hand too, and nothing that a damaged one can do."""

import io
import struct
import tracemalloc

import kaldiio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from wespk.core.errors import WespkError
from wespk.data.ark import decode, encode, read_entry_header
from wespk.data.compression import METHODS

FUZZ_CASES = 1500


def floats(dtype, dimensions):
    shape = array_shapes(min_dims=dimensions, max_dims=dimensions, min_side=1, max_side=6)
    return arrays(dtype, shape, elements=st.floats(width=8 * np.dtype(dtype).itemsize))


def entry(array, compression="none", text=False):
    return b"".join(bytes(piece) for piece in encode(array, compression, text))


def decoded(raw, start=0):
    return decode(raw, read_entry_header(raw, start))


def by_kaldiio(array, **options):
    stream = io.BytesIO()
    kaldiio.save_ark(stream, {"u": array}, **options)
    return stream.getvalue().removeprefix(b"u ")


@given(floats(np.float32, 2) | floats(np.float32, 1))
def test_matrices_and_vectors_come_back(array):
    raw = entry(array)
    np.testing.assert_array_equal(decoded(raw), array)
    np.testing.assert_array_equal(kaldiio.matio.read_kaldi(io.BytesIO(raw)), array)
    assert raw == by_kaldiio(array)


@given(floats(np.float64, 2) | floats(np.float64, 1))
def test_doubles_of_others_are_read(array):
    values = decoded(by_kaldiio(array))
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, array)


@given(floats(np.float32, 2) | floats(np.float32, 1))
@settings(deadline=None)
def test_text_comes_back_exactly(array):
    raw = entry(array, text=True)
    back = decoded(raw)
    np.testing.assert_array_equal(back, array)
    assert back.dtype == np.float32 and back.shape == array.shape


@pytest.mark.parametrize("method", [2, 3, 5])
def test_what_kaldiio_compressed_is_read(method):
    matrix = np.random.default_rng(0).normal(size=(60, 7)).astype(np.float32)
    raw = by_kaldiio(matrix, compression_method=method)
    np.testing.assert_allclose(decoded(raw), kaldiio.matio.read_kaldi(io.BytesIO(raw)), atol=1e-6)


@pytest.mark.parametrize(("compression", "kind"), [("none", b"FM"), ("automatic", b"CM")])
def test_an_empty_matrix_is_0_x_0(compression, kind):
    raw = entry(np.zeros((0, 5)), compression)
    assert read_entry_header(raw, 0).kind == kind
    assert decoded(raw).shape == (0, 0)
    assert len(decoded(entry(np.zeros(0)))) == 0


def test_an_entry_ends_where_its_header_says():
    array = np.ones((9, 4), dtype=np.float32)
    for compression in ("none", *METHODS):
        raw = entry(array, compression)
        assert read_entry_header(b"xx" + raw + b"rest", 2).end == 2 + len(raw)


def test_uncompressed_rows_are_a_view_that_cannot_be_written():
    raw = entry(np.arange(12, dtype=np.float32).reshape(4, 3))
    rows = decode(raw, read_entry_header(raw, 0), 1, 3)
    assert not rows.flags.owndata and not rows.flags.writeable
    np.testing.assert_array_equal(rows, [[3, 4, 5], [6, 7, 8]])


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "no Kaldi matrix or vector"),
        (b"\0BFM \4\1\0\0", "cut off within its header"),
        (b"\0BFM \4" + struct.pack("<i", 2) + b"\4" + struct.pack("<i", 2), "cut off: 16 bytes are missing"),
        (b"\0BFM \4" + struct.pack("<i", -1) + b"\4" + struct.pack("<i", 2), "a size of -1 x 2"),
        (b"\0BFM \4" + struct.pack("<i", 0) + b"\4" + struct.pack("<i", 2), "a size of 0 x 2"),
        (
            b"\0BFM \4" + struct.pack("<i", 2**31 - 1) + b"\4" + struct.pack("<i", 2**31 - 1),
            "bytes are missing",
        ),
        (b"\0BFM \0" + struct.pack("<i", 2) + b"\4" + struct.pack("<i", 2), "broken size field"),
        (b"\0BDV \4" + struct.pack("<i", 2), "cut off: 16 bytes"),
        (b"\0BCM " + struct.pack("<ffii", 0, 1, 3, 2), "cut off: 22 bytes"),
        (b"\0BCM2 " + struct.pack("<ffii", 0, 1, 3, 2), "cut off: 12 bytes"),
        (b"\0BCM3 " + struct.pack("<ffii", 0, float("nan"), 3, 2) + bytes(6), "range .* is not finite"),
        (b"\0BCM4 " + struct.pack("<ffii", 0, 1, 3, 2), "no Kaldi matrix"),
        (b"\0BSM ", "no Kaldi matrix"),
        (b"PKL cposix", "no Kaldi matrix"),
        (b" [ 1 2\n", "no closing"),
        (b" [ 1 x ]\n", "not a number"),
        (b" [\n 1 2\n 3 ]\n", "differ in length"),
    ],
)
def test_a_damaged_entry_is_told_before_anything_is_allocated(raw, message):
    with pytest.raises(WespkError, match=message):
        read_entry_header(raw, 0)


@pytest.mark.parametrize(
    ("array", "options", "message"),
    [
        (np.zeros((2, 2, 2)), {}, "matrix or vector of numbers is needed, not float64 of shape"),
        (np.array(["a"]), {}, "matrix or vector of numbers"),
        (np.array([1e300]), {}, "too large for float32"),
        (np.ones(3), {"compression": "automatic"}, "a vector is not compressed"),
        (np.ones((3, 3)), {"compression": "automatic", "text": True}, "text is not compressed"),
    ],
)
def test_what_cannot_be_written_is_refused(array, options, message):
    with pytest.raises(WespkError, match=message):
        encode(array, **options)


def test_a_mutated_entry_is_read_or_refused_within_bounded_memory():
    """Kept by its seed: bytes flipped, cut, doubled and exchanged in entries of all kinds."""
    rng = np.random.default_rng(20240501)
    matrix = rng.normal(size=(12, 5)).astype(np.float32)
    whole = [entry(matrix, method) for method in ("none", "speech-feature", "two-byte-auto", "one-byte-auto")]
    whole += [entry(matrix, text=True), entry(matrix[0]), by_kaldiio(matrix.astype(np.float64))]
    counts = {"read": 0, "refused": 0}
    tracemalloc.start()
    for case in range(FUZZ_CASES):
        raw = mutated(bytearray(whole[case % len(whole)]), rng)
        try:
            values = decoded(raw)
            assert values.nbytes <= 4 * len(raw) + 64
            counts["read"] += 1
        except WespkError:
            counts["refused"] += 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(counts.values()) == FUZZ_CASES and min(counts.values()) > FUZZ_CASES // 10
    assert peak < 8 << 20


def mutated(raw, rng):
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(0, min(len(raw), 40))) if len(raw) else 0
        kind = rng.integers(0, 5)
        if kind == 0 and raw:
            raw[place] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1 and raw:
            raw[place] = int(rng.integers(0, 256))
        elif kind == 2:
            del raw[int(rng.integers(0, len(raw) + 1)) :]
        elif kind == 3:
            raw[place : place + 4] = struct.pack(
                "<i", int(rng.choice([-1, 0, 1, 2**31 - 1, -(2**31), 10**6]))
            )
        else:
            raw[place:place] = bytes(raw[: int(rng.integers(0, 8))])
    return bytes(raw)
