"""copy-feats and feats-stats as a person types them, run within this process."""

from pathlib import Path

import kaldiio
import numpy as np
import pytest

from wespk.cli.main import main
from wespk.data.archives import write_archive
from wespk.data.specifiers import Source, Target, parse_source, parse_target


@pytest.fixture
def feats(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    items = {
        key: rng.normal(size=(rows, 4)).astype(np.float32) for key, rows in (("a", 12), ("b", 3), ("c", 40))
    }
    write_archive("in.ark", "in.scp", items.items())
    return items


def fails(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    error = capsys.readouterr().err
    assert end.value.code == 1 and len(error.splitlines()) == 1
    return error


@pytest.mark.parametrize("source", ["scp:in.scp", "ark:in.ark", "in.scp", "in.ark", "scp,s,cs:in.scp"])
@pytest.mark.parametrize("target", ["ark:out.ark", "ark,scp:out.ark,out.scp", "ark,t:out.ark", "out.ark"])
def test_a_copy_holds_the_same_values(feats, capsys, source, target):
    main(["copy-feats", source, target])
    assert capsys.readouterr().out == f"{target}: 3 entries, 55 rows\n"
    copied = dict(kaldiio.load_ark("out.ark"))
    assert copied.keys() == feats.keys()
    for key, matrix in feats.items():
        np.testing.assert_array_equal(copied[key], matrix)


@pytest.mark.parametrize("method", ["automatic", "1"])
def test_compressed_copies_are_decompressed_by_another_copy(feats, method):
    main(["copy-feats", "--compression", method, "scp:in.scp", "ark,scp:small.ark,small.scp"])
    main(["copy-feats", "scp:small.scp", "ark:back.ark"])
    for key, matrix in kaldiio.load_ark("back.ark"):
        np.testing.assert_allclose(matrix, feats[key], atol=0.05)
        np.testing.assert_allclose(matrix, kaldiio.load_scp("small.scp")[key], atol=1e-6)


def test_text_on_the_standard_output_is_the_table_alone(feats, capfdbinary, tmp_path):
    (tmp_path / "part.scp").write_text((tmp_path / "in.scp").read_text().replace("\n", "[1:2,0:1]\n"))
    main(["copy-feats", "scp:part.scp", "ark,t:-"])
    out, err = capfdbinary.readouterr()
    assert out.decode().split()[:2] == ["a", "["] and out.count(b"]") == 3
    assert b"3 entries, 6 rows" in err
    (tmp_path / "text.ark").write_bytes(out)
    for key, matrix in kaldiio.load_ark("text.ark"):
        np.testing.assert_array_equal(matrix, feats[key][1:3, :2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ark:cat in.ark |", "ark:x"], "shell pipes are not run; write it as scp:FILE or ark:FILE"),
        (["in.txt", "ark:x"], "'in.txt' is no table to read"),
        (["ark,p:in.ark", "ark:x"], "'ark,p:in.ark' is no table to read"),
        (["ark:-", "ark:x"], "cannot be read from the standard input"),
        (["scp:in.scp", "scp:x.scp"], "'scp:x.scp' is no table to write"),
        (["scp:in.scp", "ark,scp:x.ark"], "write it as ark,scp:OUT.ark,OUT.scp"),
        (["scp:in.scp", "ark,scp:-,x.scp"], "write it as ark,scp:OUT.ark,OUT.scp"),
        (["scp:in.scp", "ark:| gzip > x"], "shell pipes are not run"),
        (["scp:in.scp", "ark:x", "--compression", "8"], "unknown compression method '8'"),
        (["scp:in.scp", "ark,t:x", "--compression", "1"], "'a': text is not compressed"),
        (["scp:none.scp", "ark:x"], "none.scp: no such file"),
    ],
)
def test_what_cannot_be_copied_is_one_line(feats, capsys, tmp_path, arguments, message):
    assert message in fails(capsys, "copy-feats", *arguments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.ark", "in.scp"]


def test_specifiers_are_kaldis():
    assert str(parse_source("scp:/a b/feats.scp").path) == "/a b/feats.scp"
    assert parse_source("ark,t:x") == Source(parse_source("ark:x").path, False)
    assert parse_target("ark,t,scp:a.ark,b.scp") == Target("a.ark", "b.scp", True)
    assert parse_target("t,ark:-") == Target("-", None, True)


def test_stats_tell_sizes_ranges_and_columns(feats, capsys):
    main(["feats-stats", "--per-column", "in.scp", "ark:in.ark"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "in.scp: 3 matrices, 55 rows, 4 columns"
    assert lines[1] == "rows of a matrix: min 3, median 12, max 40"
    whole = np.concatenate(list(feats.values()))
    figures = [[float(word) for word in line.split()[1:]] for line in lines[3:8]]
    for row, values in zip(figures, [whole, *whole.T], strict=True):
        np.testing.assert_allclose(row, [values.min(), values.mean(), values.max(), values.std()], rtol=1e-4)
    assert lines[8] == "not finite: none"
    assert lines[9:] == [lines[0].replace("in.scp", "ark:in.ark"), *lines[1:9]]


def test_stats_name_the_utterances_with_values_that_are_not_finite(feats, capsys):
    bad = [(f"u{number:02d}", np.array([[np.nan, 1, np.inf]])) for number in range(12)]
    write_archive("bad.ark", "bad.scp", bad)
    main(["feats-stats", "bad.scp"])
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("not finite: 24 values in 12 matrices: u00 (2), u01 (2)")
    assert last.endswith("u09 (2), and 2 more (--all-names shows them)")
    main(["feats-stats", "--all-names", "bad.scp"])
    assert capsys.readouterr().out.splitlines()[-1].endswith("u11 (2)")


def test_a_damaged_archive_is_named_once(feats, capsys):
    Path("cut.ark").write_bytes(Path("in.ark").read_bytes()[:-9])
    assert fails(capsys, "feats-stats", "cut.ark").count("cut.ark") == 1


def test_stats_of_unlike_matrices_are_refused(feats, capsys):
    write_archive("odd.ark", "odd.scp", [("a", np.ones((2, 3))), ("b", np.ones((2, 4)))])
    assert "odd.scp: 'b' has 4 columns where 'a' has 3" in fails(capsys, "feats-stats", "odd.scp")
