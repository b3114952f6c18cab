import kaldiio
import numpy as np
import pytest

from wespk.core.errors import WespkError
from wespk.data.vector_tables import read_vector_table, target_name, vector_target, write_vectors

KEYS = ["b", "a", "c"]
VECTORS = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize(
    ("out", "table", "ark"),
    [
        ("out", "out/xvector.scp", "out/xvector.ark"),
        ("out/", "out/xvector.scp", "out/xvector.ark"),
        ("deep/e.scp", "deep/e.scp", "deep/e.ark"),
        ("e.ark", "e.ark", "e.ark"),
        ("ark:e.ark", "e.ark", "e.ark"),
        ("ark,scp:x.ark,y.scp", "y.scp", "x.ark"),
    ],
)
def test_every_name_of_a_table_comes_back(tmp_path, monkeypatch, out, table, ark, text):
    monkeypatch.chdir(tmp_path)
    target = vector_target(out, text)
    assert target_name(target) == table
    write_vectors(target, KEYS, VECTORS)
    keys, vectors = read_vector_table(table)
    assert sorted(keys) == sorted(KEYS)
    np.testing.assert_array_equal(vectors, VECTORS[[KEYS.index(key) for key in keys]])
    assert (b"[" in (tmp_path / ark).read_bytes()[:6]) == text
    kaldis = dict(kaldiio.load_scp(table) if table.endswith(".scp") else kaldiio.load_ark(ark))
    np.testing.assert_allclose(kaldis["c"], VECTORS[2], rtol=1e-6)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a  [ 1 2 ]\na  [ 1 2 ]\n", "e.ark: 'a' comes twice"),
        ("a  [ 1 2 ]\nb  [ 1 2 3 ]\n", r"e.ark: 'b' has shape \(3,\), expected \(2,\)"),
        ("a  [ 1 nan ]\n", "e.ark: 'a' holds NaN or infinity"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_by_key(tmp_path, content, message):
    (tmp_path / "e.ark").write_text(content)
    with pytest.raises(WespkError, match=message):
        read_vector_table(tmp_path / "e.ark")


def test_vectors_without_numbers_are_refused(tmp_path):
    kaldiio.save_ark(str(tmp_path / "e.ark"), {"a": np.zeros(0, np.float32)})
    with pytest.raises(WespkError, match="e.ark: 'a' holds no numbers; extract it again"):
        read_vector_table(tmp_path / "e.ark")


def test_a_name_that_is_no_table_to_read_says_how_to_write_it():
    with pytest.raises(WespkError, match="write it as scp:FILE or ark:FILE"):
        read_vector_table("xvector")
