"""`wespk results` writes the tables of a Markdown file from experiments, and nothing else in it."""

from __future__ import annotations

import pytest

from wespk.core.files import read_text, write_text

END = "<!-- end of wespk results -->"
FILE = "recipe/RESULTS.md"


@pytest.fixture
def write_file(tmp_path):
    """Write a Markdown file with a block for each comment, in a folder above those of the experiments."""

    def write(*comments):
        blocks = [
            f"<!-- wespk results {words} -->\nold {words}\n{END}\nprose {words}\n" for words in comments
        ]
        write_text(tmp_path / FILE, "# Results\n" + "".join(blocks))
        return tmp_path / FILE

    return write


def test_each_block_is_made_from_what_its_comment_names(verb, make_exp, write_file):
    make_exp("recipe/exp/a", systems=("cosine", "plda", "asnorm"), identified=("si",))
    make_exp("recipe/exp/b", ("test",), shift=3.0)
    path = write_file("exp/a dev si systems=plda,cosine", "exp/b")
    assert verb("results", FILE) == f"{FILE}: 2 of 2 blocks were out of date and are written\n"
    one, two = read_text(path).split(END)[:2]
    rows = [line.split(" | ")[0] for line in one.splitlines() if line.startswith("|")]
    assert rows == ["| system", "| ---", "| plda", "| cosine"] * 2
    assert one.index("dev: 60 target") < one.index("si: closed-set") and "test:" not in one
    assert "test: 60 target and 300 nontarget trials" in two and two.startswith("\nprose exp/a")
    assert "old" not in one + two and one.startswith("# Results\n<!--")


def test_the_numbers_are_those_of_the_report(verb, make_exp, write_file):
    exp = make_exp("recipe/exp/a")
    path = write_file("exp/a")
    verb("results", FILE)
    verb("report", "recipe/exp/a")
    assert read_text(exp / "report" / "table.md") in read_text(path)


def test_a_second_run_finds_nothing_to_do(verb, make_exp, write_file):
    make_exp("recipe/exp/a")
    path = write_file("exp/a")
    verb("results", FILE)
    before = path.stat().st_mtime_ns
    assert verb("results", FILE) == f"{FILE}: 0 of 1 blocks were out of date\n"
    assert path.stat().st_mtime_ns == before
    verb("results", "--check", FILE)


def test_check_fails_for_a_file_that_is_out_of_date_and_leaves_it(verb, make_exp, write_file):
    make_exp("recipe/exp/a")
    path = write_file("exp/a")
    before = read_text(path)
    said = verb("results", "--check", FILE, status=1)
    assert f"{FILE}:2: the block of exp/a is out of date (1 of 1 are); run `wespk results {FILE}`" in said
    assert read_text(path) == before


def test_only_the_blocks_of_the_experiments_named_are_written(verb, make_exp, write_file):
    make_exp("recipe/exp/a")
    path = write_file("exp/a", "exp/gone")
    assert f"{FILE}:6: recipe/exp/gone: no results" in verb("results", FILE, status=1)
    verb("results", FILE, "recipe/exp/a")
    assert "old exp/gone" in read_text(path) and "old exp/a" not in read_text(path)


def test_a_file_without_the_block_is_told_the_lines_to_insert(verb, make_exp, write_file, tmp_path):
    make_exp("recipe/exp/a")
    write_file("exp/a")
    said = verb("results", FILE, "recipe/exp/b", status=1)
    assert f"no block of recipe/exp/b; put the lines `<!-- wespk results exp/b -->` and `{END}`" in said
    write_text(tmp_path / "empty.md", "prose\n")
    said = verb("results", "empty.md", status=1)
    assert f"empty.md: no block; put the lines `<!-- wespk results exp/NAME -->` and `{END}`" in said


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("exp/a dve", "2: exp/a has no results of 'dve': did you mean 'dev'? (choices: dev, test)"),
        (
            "exp/a systems=cosin",
            "2: exp/a has no results of 'cosin': did you mean 'cosine'? (choices: cosine)",
        ),
        ("systems=cosine", "2: the comment names no experiment"),
    ],
)
def test_a_comment_with_a_mistake_is_named_with_its_line(verb, make_exp, write_file, comment, message):
    make_exp("recipe/exp/a")
    write_file(comment)
    assert f"{FILE}:{message}" in verb("results", FILE, status=1)


def test_an_unpaired_comment_is_named_with_its_line(verb, tmp_path):
    write_text(tmp_path / "R.md", "\n<!-- wespk results exp/a -->\n")
    assert "R.md:2: the block does not end" in verb("results", "R.md", status=1)
