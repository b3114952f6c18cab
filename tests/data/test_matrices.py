"""Random reading of frames: the same values as of the whole matrix, and nothing else looked at."""

import pickle
import resource
import time

import kaldiio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.data.archives import read_archive, write_archive
from wespk.data.compression import METHODS, NONE
from wespk.data.locations import Location, parse_location, resolve
from wespk.data.matrices import OPEN_ARCHIVES, MappedMatrices, read_entry
from wespk.data.tables import read_table


@pytest.fixture
def archive(tmp_path):
    def make(compression=NONE, text=False, rows=50, columns=4):
        matrix = np.random.default_rng(rows).random((rows, columns), dtype=np.float32)
        write_archive(
            tmp_path / "a.ark",
            tmp_path / "a.scp",
            [("first", matrix[:1]), ("utt", matrix)],
            compression,
            text,
        )
        return read_table(tmp_path / "a.scp")["utt"]

    return make


@pytest.mark.parametrize("compression", [NONE, *METHODS])
def test_frames_are_those_of_the_whole_matrix(archive, compression):
    matrices = MappedMatrices({"utt": archive(compression)})
    whole = matrices[0]
    assert matrices.rows(0) == 50 and whole.dtype == np.float32
    for first, last in [(0, 50), (0, 1), (49, 50), (17, 41), (20, 20)]:
        np.testing.assert_array_equal(matrices.read(0, first, last), whole[first:last])
    np.testing.assert_array_equal(matrices.read(0, 30), whole[30:])


@pytest.mark.parametrize(
    ("wanted", "rows", "columns"),
    [
        ("[10:19]", slice(10, 20), slice(None)),
        ("[0:0]", slice(0, 1), slice(None)),
        ("[10:19,1:2]", slice(10, 20), slice(1, 3)),
        ("[:,1:2]", slice(None), slice(1, 3)),
        ("[,0:0]", slice(None), slice(0, 1)),
        ("[10:19,:]", slice(10, 20), slice(None)),
        ("[40:52]", slice(40, 50), slice(None)),  # up to three frames too many, as in Kaldi
    ],
)
@pytest.mark.parametrize("compression", [NONE, "speech-feature", "two-byte-auto", "one-byte-auto"])
def test_ranges_of_an_scp_are_kaldis(tmp_path, archive, compression, wanted, rows, columns):
    location = archive(compression)
    whole = read_entry("utt", location)
    expected = whole[rows, columns]
    matrices = MappedMatrices({"utt": location + wanted})
    assert matrices.rows(0) == len(expected)
    np.testing.assert_array_equal(matrices[0], expected)
    np.testing.assert_array_equal(matrices.read(0, 0, 1), expected[:1])
    (tmp_path / "r.scp").write_text(f"utt {location}{wanted}\n")
    np.testing.assert_array_equal(dict(read_archive(tmp_path / "r.scp"))["utt"], expected)
    np.testing.assert_allclose(kaldiio.load_mat(location + wanted), expected, atol=1e-6)


def test_text_entries_and_vectors_have_ranges_too(tmp_path, archive):
    location = archive(text=True)
    whole = read_entry("utt", location)
    np.testing.assert_array_equal(read_entry("utt", location + "[3:7,1:1]"), whole[3:8, 1:2])
    write_archive(tmp_path / "v.ark", tmp_path / "v.scp", [("v", np.arange(9))])
    location = read_table(tmp_path / "v.scp")["v"]
    np.testing.assert_array_equal(read_entry("v", location + "[2:4]"), [2, 3, 4])
    with pytest.raises(WespkError, match="'v': .*a vector has no columns"):
        read_entry("v", location + "[:,0:1]")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("[10:53]", "the range 10:53 lies outside its 50 rows; correct the range in the scp"),
        ("[50:51]", "the range 50:51 lies outside its 50 rows"),
        ("[0:9,2:4]", "the range 2:4 lies outside its 4 columns"),
    ],
)
def test_ranges_outside_are_named(archive, wanted, message):
    with pytest.raises(WespkError, match=f"'utt': .*a.ark:.*: {message}"):
        MappedMatrices({"utt": archive() + wanted})[0]


@pytest.mark.parametrize("frames", [(-1, 3), (4, 3), (0, 51), (51, 51)])
def test_frames_that_are_not_there_are_named(archive, frames):
    with pytest.raises(WespkError, match="'utt': frames .* were asked for, of 50"):
        MappedMatrices({"utt": archive()}).read(0, *frames)


@pytest.mark.parametrize(
    "entry", ["touch RUN |", "x.ark", "x.ark:-1", ":5", "x.ark:5[]", "x.ark:5[,]", "x.ark:5 "]
)
def test_entries_other_than_archive_and_offset_are_refused(tmp_path, monkeypatch, entry):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WespkError, match="'u': .*not of the form archive:offset"):
        MappedMatrices({"u": entry})
    assert not (tmp_path / "RUN").exists()


@pytest.mark.parametrize(
    "entry", ["x.ark:5[1]", "x.ark:5[3:2]", "x.ark:5[:4]", "x.ark:5[0:1:2]", "x:5[0:1,7]"]
)
def test_malformed_ranges_are_refused(entry):
    with pytest.raises(WespkError, match="'u': the range .* is not of the form first:last"):
        parse_location("u", entry)


def test_a_path_may_hold_colons_and_brackets():
    assert parse_location("u", "a:b[1:2]/c d.ark:17[0:3]") == Location("a:b[1:2]/c d.ark", 17, (0, 3))


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 50))
def test_a_resolved_range_lies_within(first, length, size):
    try:
        start, stop = resolve((first, first + length), size, "rows", 3)
    except WespkError:
        assert first >= size or first + length >= size + 3
    else:
        assert 0 <= start == first < stop <= size


def test_uncompressed_frames_are_not_copied(archive):
    frames = MappedMatrices({"utt": archive()}).read(0, 10, 20)
    assert not frames.flags.owndata and not frames.flags.writeable


def test_cut_and_missing_archives_are_named(tmp_path, archive):
    location = archive()
    with open(tmp_path / "a.ark", "r+b") as stream:
        stream.truncate(100)
    with pytest.raises(
        WespkError, match=r"'utt': .*a.ark:\d+: cut off: \d+ bytes are missing; make the archive"
    ):
        MappedMatrices({"utt": location})[0]
    (tmp_path / "a.ark").write_bytes(b"")
    with pytest.raises(WespkError, match="'utt': .*no Kaldi matrix or vector is there"):
        MappedMatrices({"utt": location})[0]
    (tmp_path / "a.ark").unlink()
    with pytest.raises(WespkError, match="'utt': cannot map .*a.ark .No such file"):
        MappedMatrices({"utt": location})[0]


def test_a_5_gb_archive_costs_neither_time_nor_memory(tmp_path):
    write_archive(tmp_path / "a.ark", tmp_path / "a.scp", [("utt", np.ones((800, 80), dtype=np.float32))])
    entry = (tmp_path / "a.ark").read_bytes()
    with open(tmp_path / "a.ark", "r+b") as stream:
        stream.seek((5 << 30) - len(entry))  # a hole, which takes no room on the disk
        stream.write(entry)
    offset = (5 << 30) - len(entry) + len("utt ")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.monotonic()
    chunk = MappedMatrices({"utt": f"{tmp_path}/a.ark:{offset}"}).read(0, 600, 800)
    assert chunk.shape == (200, 80) and (chunk == 1).all()
    assert time.monotonic() - start < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KB


def test_more_archives_than_may_be_open_are_read(tmp_path):
    locations = {}
    for number in range(OPEN_ARCHIVES + 20):
        write_archive(tmp_path / f"{number}.ark", None, [("u", np.full((2, 2), number))])
        locations[f"u{number}"] = f"{tmp_path}/{number}.ark:2"
    matrices = MappedMatrices(locations)
    for _ in range(2):
        assert [int(matrices[index][0, 0]) for index in range(len(matrices))] == list(range(len(matrices)))


def test_a_pickled_reader_reads_on(archive):
    matrices = MappedMatrices({"utt": archive() + "[5:9]"})
    whole = np.array(matrices[0])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(matrices))[0], whole)
