"""Compression against Kaldi's own bytes, a literal reference of its arithmetic, and kaldiio.

golden/kaldi_compression.npz: a 101 x 30 matrix of MFCCs of made-up noise, and the entries that Kaldi's
`copy-feats --compress=true --compression-method=N` (revision f400766) wrote of it.
"""

import io
import math
from pathlib import Path

import kaldiio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.data.ark import decode, encode, read_entry_header
from wespk.data.compression import METHODS, compress, method_name

GOLDEN = np.load(Path(__file__).parent / "golden" / "kaldi_compression.npz")
F = np.float32


def entry(matrix, method):
    return b"".join(bytes(piece) for piece in encode(matrix, method))


def decoded(raw):
    return decode(raw, read_entry_header(raw, 0))


def matrices(rows=(1, 40)):
    """Matrices of very different scales and offsets, some with constant columns or of one value."""

    def make(rows, columns, scale, offset, constant, seed):
        rng = np.random.default_rng(seed)
        values = rng.normal(0, 10.0**scale, (rows, columns)) + offset
        if constant == "columns":
            values[:, ::2] = values[0, ::2]
        elif constant == "all":
            values[:] = offset
        elif constant == "few levels":
            values = np.round(values / 10.0**scale) * 10.0**scale + offset
        return values.astype(F)

    return st.builds(
        make,
        st.integers(*rows),
        st.integers(1, 7),
        st.integers(-3, 4),
        st.sampled_from([0.0, -17.5, 1e4, 1e6, -3e7]),
        st.sampled_from(["no", "columns", "all", "few levels"]),
        st.integers(0, 2**32 - 1),
    )


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_bytes_are_those_that_kaldi_writes(number):
    assert entry(GOLDEN["matrix"], method_name(number)) == GOLDEN[f"method{number}"].tobytes()


@given(matrices())
@settings(max_examples=150, deadline=None)
def test_column_bytes_are_those_of_kaldis_loops(matrix):
    made = compress(matrix, "speech-feature")
    for column in range(matrix.shape[1]):
        quantiles, data = kaldi_column(matrix[:, column], F(made.min_value), F(made.range))
        assert made.quantiles[column].tolist() == quantiles
        assert made.data[column].tolist() == data


@pytest.mark.parametrize("scale", [1.0, 3.7, 1e-3])
@pytest.mark.parametrize("least", [-4.0, 0.0])  # beside 0 the float32 numbers are densest
def test_column_bytes_round_at_the_same_numbers_as_kaldi(scale, least):
    """Values at and beside the middle of each step between the quantiles, which themselves stay."""
    quarter, ends = 200, np.array([least, 1.5, 3, 5], dtype=F) * F(scale)
    fill = np.repeat(ends[:3], [quarter, 2 * quarter, quarter - 1])
    made = compress(np.append(fill, ends[3])[:, None], "speech-feature")
    knots = [kaldi_value(level, F(made.min_value), F(made.range)) for level in made.quantiles[0].tolist()]
    column = np.append(fill, ends[3])
    for place, (start, steps) in enumerate([(0, 64), (quarter, 128), (3 * quarter, 63)]):
        middles = knots[place] + (knots[place + 1] - knots[place]) * (
            (np.arange(steps, dtype=F) + F(0.5)) / F(steps)
        )
        beside = np.concatenate([np.nextafter(middles, F(-9e9)), middles, np.nextafter(middles, F(9e9))])
        inside = beside[(beside > ends[place]) & (beside < ends[place + 1])]
        column[start + 1 : start + 1 + len(inside)] = inside
    again = compress(column[:, None], "speech-feature")
    assert (again.quantiles == made.quantiles).all()
    assert again.data[0].tolist() == [kaldi_byte(value, *knots) for value in column]


@given(matrices(), st.sampled_from(["two-byte-auto", "one-byte-auto"]))
@settings(deadline=None)
def test_even_steps_are_rounded_as_in_kaldi(matrix, method):
    made = compress(matrix, method)
    levels = 65535 if made.kind == b"CM2" else 255
    flat = [kaldi_level(value, F(made.min_value), F(made.range), levels) for value in matrix.ravel()]
    assert made.data.ravel().tolist() == flat


@given(matrices(), st.sampled_from(["speech-feature", "two-byte-auto", "one-byte-auto"]))
@settings(deadline=None)
def test_decoded_values_are_kaldis_to_float32_rounding(matrix, method):
    made = compress(matrix, method)
    values = decoded(entry(matrix, method))
    if made.kind == b"CM":
        exact = np.stack(
            [
                kaldi_decoded_column(quantiles, data, F(made.min_value), F(made.range))
                for quantiles, data in zip(made.quantiles, made.data, strict=True)
            ],
            axis=1,
        )
        largest = max(abs(F(made.min_value)), abs(F(made.min_value) + F(made.range)))
        np.testing.assert_allclose(values, exact, rtol=0, atol=2 * np.spacing(F(largest)))
    else:
        step = F(float(made.range) * (1.0 / (65535 if made.kind == b"CM2" else 255)))
        np.testing.assert_array_equal(values, made.data.astype(F) * step + F(made.min_value))


@given(matrices((1, 20)), st.sampled_from([*list(METHODS)[:3], "one-byte-auto"]))
@settings(deadline=None)
def test_kaldiio_reads_what_we_compress(matrix, method):
    raw = entry(matrix, method)
    by_kaldiio = kaldiio.matio.read_kaldi(io.BytesIO(raw + bytes(8)))
    scale = max(float(np.abs(matrix).max()), float(np.ptp(matrix)), 1e-30)
    np.testing.assert_allclose(decoded(raw), by_kaldiio, rtol=0, atol=1e-6 * scale)


@given(matrices((9, 40)))
def test_two_bytes_err_by_at_most_half_a_step(matrix):
    made = compress(matrix, "two-byte-auto")
    step = made.range / 65535
    error = np.abs(decoded(entry(matrix, "two-byte-auto")).astype(np.float64) - matrix)
    assert error.max() <= 0.51 * step + 4 * np.spacing(F(np.abs(matrix).max() + made.range))


@pytest.mark.parametrize(
    ("method", "kind", "values"),
    [
        ("two-byte-signed-integer", b"CM2", np.arange(-32768, 32768, 7)),
        ("one-byte-unsigned-integer", b"CM3", np.arange(256)),
        ("one-byte-zero-one", b"CM3", np.array([0, 1])),
    ],
)
def test_methods_of_fixed_range_keep_their_integers(method, kind, values):
    matrix = values.astype(F)[:, None]
    assert compress(matrix, method).kind == kind
    np.testing.assert_allclose(decoded(entry(matrix, method)), matrix, rtol=1e-7)


def test_values_outside_a_fixed_range_are_clipped_to_it():
    matrix = np.array([[-0.5, 0.25, 7.0]], dtype=F)
    np.testing.assert_allclose(decoded(entry(matrix, "one-byte-zero-one"))[0], [0, 64 / 255, 1], rtol=1e-6)


@pytest.mark.parametrize(("rows", "kind"), [(8, b"CM2"), (9, b"CM")])
def test_automatic_takes_two_bytes_for_few_rows(rows, kind):
    assert compress(np.ones((rows, 3), dtype=F), "automatic").kind == kind


def test_a_matrix_larger_than_a_block_decodes_as_its_parts_do():
    matrix = np.random.default_rng(0).normal(size=(5000, 300)).astype(F)
    raw = entry(matrix, "speech-feature")
    head = read_entry_header(raw, 0)
    whole = decode(raw, head)
    for first, last, columns in [
        (0, 10, slice(None)),
        (4090, 4100, slice(250, 260)),
        (4999, 5000, slice(299, 300)),
    ]:
        np.testing.assert_array_equal(decode(raw, head, first, last, columns), whole[first:last, columns])
    np.testing.assert_allclose(whole, matrix, atol=0.15)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("method", list(METHODS))
def test_what_is_not_finite_is_refused(value, method):
    with pytest.raises(WespkError, match="NaN or infinity cannot be compressed"):
        compress(np.array([[1.0, value]], dtype=F), method)


@pytest.mark.parametrize("values", [[-3e38, 3e38], [-2e38, 1e38], [3e38, 3e38]])
def test_a_range_beyond_float32_is_refused(values):
    """Reading an archive refuses the same ranges: whatever is written can be read."""
    with pytest.raises(WespkError, match="range exceeds float32"):
        compress(np.array([values], dtype=F), "two-byte-auto")


def test_methods_are_known_by_name_and_by_kaldis_number():
    assert [method_name(number) for number in range(1, 8)] == list(METHODS)
    assert method_name("none") == "none"
    with pytest.raises(
        WespkError, match="unknown compression method 'speech': did you mean 'speech-feature'"
    ):
        method_name("speech")


# The arithmetic of Kaldi's compressed-matrix.cc, a value at a time.


def kaldi_level(value, low, spread, levels):
    share = F(F(value - low) / spread)
    share = min(max(share, F(0)), F(1))
    return int(float(F(share * F(levels))) + 0.499)


def kaldi_value(level, low, spread):
    return F(low + F(F(spread * F(1.52590218966964e-05)) * F(level)))


def kaldi_column(column, low, spread):
    ordered, rows = sorted(column), len(column)
    quarter = rows // 4
    places = [0, quarter, 3 * quarter, rows - 1] if rows >= 5 else list(range(rows))
    levels = [kaldi_level(ordered[place], low, spread, 65535) for place in places]
    quantiles = [min(levels[0], 65532)]
    for number in (1, 2, 3):
        level = quantiles[-1] + 1
        if number < len(levels):
            level = max(levels[number], level)
        quantiles.append(min(level, 65532 + number))
    knots = [kaldi_value(level, low, spread) for level in quantiles]
    return quantiles, [kaldi_byte(value, *knots) for value in column]


def kaldi_byte(value, p0, p25, p75, p100):
    if value < p25:
        return min(max(truncated(value - p0, p25 - p0, 64), 0), 64)
    if value < p75:
        return min(max(64 + truncated(value - p25, p75 - p25, 128), 64), 192)
    return min(max(192 + truncated(value - p75, p100 - p75, 63), 192), 255)


def truncated(above, width, steps):
    with np.errstate(all="ignore"):
        place = float(F(F(above / width) * F(steps))) + 0.5
    return int(place) if math.isfinite(place) and abs(place) < 2**31 else -(2**31)  # as x86 converts


def kaldi_decoded_column(quantiles, data, low, spread):
    p0, p25, p75, p100 = (kaldi_value(level, low, spread) for level in quantiles.tolist())
    values = []
    for byte in data.tolist():
        if byte <= 64:
            values.append(F(float(p0) + float(F(F(p25 - p0) * F(byte))) * (1 / 64)))
        elif byte <= 192:
            values.append(F(float(p25) + float(F(F(p75 - p25) * F(byte - 64))) * (1 / 128)))
        else:
            values.append(F(float(p75) + float(F(F(p100 - p75) * F(byte - 192))) * (1 / 63)))
    return np.array(values, dtype=F)
