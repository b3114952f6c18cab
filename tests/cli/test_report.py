"""`wespk report` draws what an experiment's folder holds, and never reads a score."""

from __future__ import annotations

import json

import pytest

from wespk.core.files import read_text, write_json, write_text


def test_results_alone_make_a_page_the_numbers_and_the_tables(verb, make_exp):
    exp = make_exp()
    shown = verb("report", "exp/a")
    page, table = read_text(exp / "report" / "index.html"), read_text(exp / "report" / "table.txt")
    numbers = json.loads(read_text(exp / "report" / "report.json"))
    assert "dev: 60 target and 300 nontarget trials" in page and "test: 60 target" in page
    assert [each["trials"] for each in numbers["systems"]] == ["dev", "test"]
    eer = f"{100 * numbers['systems'][1]['eer']:.3f}"
    for text in (page, table, shown, read_text(exp / "report" / "table.md")):
        assert eer in text
    assert table.splitlines()[-1] == f"report: {exp / 'report' / 'index.html'}" == shown.splitlines()[-1]
    assert "no manifest" in page and "no training log" in page


def test_everything_that_the_folder_holds_is_on_the_page(verb, make_exp, tmp_path):
    exp = make_exp(identified=("si",))
    facts = {"trials": "dev", "scoring": "cosine", "weights": "", "inputs": ""}
    write_json(exp / "epochs.json", [{"epoch": 7, "eer": 0.1234, "min_dcf(0.01)": 0.5, **facts}])
    points = [[0, 0, "a-1", "a"], [1, 1, "b-1", "b"]]
    left_out = {"utterances": 0, "speakers": 0}
    write_json(
        exp / "embedding_map.json", {"set": "test", "method": "PCA", "left_out": left_out, "points": points}
    )
    write_json(exp / "history.json", [{"step": 1, "loss": 2.0}])
    write_json(exp / "final" / "manifest.json", {"data": "data/train", "seed": 17})
    write_text(exp / "final" / "config.yaml", "epochs: 20\n")
    write_text(exp / "scores" / "test.plda.score.missing", "m1 u1 target\n")
    write_text(tmp_path / "data" / "train" / "rejected_audio.txt", "utt-7 empty: no samples\n")
    write_text(tmp_path / "data" / "not_prepared.txt", "b.txt no audio\n")
    verb("report", "exp/a")
    page = read_text(exp / "report" / "index.html")
    for part in (
        "si: closed-set identification",
        "12.34",
        "a-1 (a)",
        "training loss",
        "utt-7",
        "empty: no samples",
        "b.txt",
        "m1 u1 target",
        "not scored: an embedding is missing",
        "<dd>17</dd>",
        "epochs: 20",
        "Not searched, because it is not there: data/dev, data/test",
    ):
        assert part in page


def test_the_same_folder_gives_the_same_bytes(wespk, make_exp):
    exp = make_exp(lists=("test",))
    wespk("report", "exp/a")
    first = {path.name: path.read_bytes() for path in (exp / "report").iterdir()}
    wespk("report", "exp/a", PYTHONHASHSEED="7")
    assert first == {path.name: path.read_bytes() for path in (exp / "report").iterdir()}


def test_several_experiments_have_a_page_each_and_one_table(verb, make_exp):
    one, other = make_exp("exp/a", ["test"]), make_exp("exp/b", ["test"], shift=3.0)
    shown = verb("report", "exp/a", "exp/b")
    assert shown.count("test: 60 target and 300 nontarget trials") == 1
    assert "\na: cosine " in shown and "\nb: cosine " in shown
    for exp in (one, other):
        assert f"report: {exp / 'report' / 'index.html'}" in shown
        assert "a: cosine" not in read_text(exp / "report" / "index.html")


def test_experiments_of_one_name_are_told_apart_by_their_paths(verb, make_exp):
    make_exp("x/a", ["test"]), make_exp("y/a", ["test"])
    shown = verb("report", "x/a", "y/a")
    assert "x/a: cosine" in shown and "y/a: cosine" in shown


def test_a_folder_without_results_names_the_verbs_that_make_them(verb, tmp_path):
    (tmp_path / "exp").mkdir()
    shown = verb("report", "exp", status=1)
    assert "exp: no results; run `wespk evaluate` or `wespk identify` with --results first" in shown


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("results/test.json", '{"systems": []}', "run `wespk evaluate --results"),
        ("results/test.json", "[", "results/test.json:1: not valid JSON"),
        (
            "identification/si.json",
            '{"systems": [{}]}',
            "si.json: not a record of `wespk identify --results`",
        ),
        ("embedding_map.json", "{}", "embedding_map.json: is not a map of embeddings"),
        ("epochs.json", "[{}]", "epochs.json: is not a list of epochs"),
        ("epochs.json", "3", "epochs.json: is not a list of epochs"),
        ("history.json", "{}", "history.json: is not a list of rows as `wespk train` writes it"),
        ("history.json", '[{"loss": 1}]', "history.json: is not a list of rows as `wespk train` writes it"),
    ],
)
def test_a_file_of_another_form_is_named(verb, make_exp, path, content, message):
    exp = make_exp(lists=("test",))
    write_text(exp / path, content)
    assert message in verb("report", "exp/a", status=1)
