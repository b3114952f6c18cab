"""`wespk identify`, and `wespk report` of experiments that identify, verify, or do both."""

import json

import pytest

# Scores of the models a, b, c (in this order) for each test utterance; its first letter is its speaker.
COSINE = {"a1": (0.9, 0.1, 0.2), "a2": (0.3, 0.8, 0.1), "b1": (0.0, 0.7, 0.6), "c1": (0.5, 0.5, 0.5)}
PLDA = {**COSINE, "c1": (-1.0, -2.0, 3.0)}


@pytest.fixture
def folder(tmp_path):
    """An experiment without results, a closed set of trials, and the scores of two systems on it."""
    (tmp_path / "trials").write_text(
        "".join(f"{m} {t} {'target' if m == t[0] else 'nontarget'}\n" for t in COSINE for m in "abc")
    )
    scores = tmp_path / "egs/exp/scores"
    scores.mkdir(parents=True)
    for system, table in (("cosine", COSINE), ("plda", PLDA)):
        rows = [f"{m} {t} {s}\n" for t, row in table.items() for m, s in zip("abc", row, strict=True)]
        (scores / f"si.{system}.score").write_text("".join(reversed(rows)))
    (tmp_path / "egs/exp/final").mkdir()
    (tmp_path / "egs/exp/final/manifest.json").write_text('{"data": "train"}')
    (tmp_path / "egs/exp/final/config.yaml").write_text("epochs: 1\n")
    return tmp_path


SCORES = ["egs/exp/scores/si.cosine.score", "egs/exp/scores/si.plda.score"]
IDENTIFY = ["identify", "--results", "egs/exp/identification/si.json", "trials", *SCORES]
EVALUATE = ["evaluate", "--results", "egs/exp/results/test.json", "trials", *SCORES]


def test_each_system_gets_a_line_and_a_record(folder, wespk):
    lines = wespk(*IDENTIFY).stdout.splitlines()
    assert lines == [
        "cosine: top-1 50.00 % [15.0, 85.0], top-5 100.00 %, 2 errors of 4 tests among 3 speakers",
        "plda: top-1 75.00 % [30.1, 95.4], top-5 100.00 %, 1 error of 4 tests among 3 speakers",
    ]
    record = json.loads((folder / "egs/exp/identification/si.json").read_text())
    assert record["trials"] == "trials"
    assert [each["system"] for each in record["systems"]] == ["cosine", "plda"]
    assert [each["scores"] for each in record["systems"]] == SCORES
    assert [each["errors"] for each in record["systems"]] == [2, 1]


def test_another_file_name_is_the_name_of_the_system(folder, wespk):
    (folder / SCORES[0]).rename(folder / "my.scores")
    assert wespk("identify", "trials", "my.scores").stdout.startswith("my.scores: top-1 50.00 %")


def test_other_ranks_are_counted_and_kept(folder, wespk):
    assert (
        "top-1 50.00 % [15.0, 85.0], top-2 75.00 %, top-3 100.00 %, 2 errors"
        in wespk(*IDENTIFY, "--ranks", "3,2").stdout
    )
    record = json.loads((folder / "egs/exp/identification/si.json").read_text())["systems"][0]
    assert record["errors_at"] == {"1": 2, "2": 1, "3": 0}
    assert "top-2 %" in wespk("report", "egs/exp").stdout


@pytest.mark.parametrize("ranks", ["0", "1,x", "", "1,-2"])
def test_what_is_no_list_of_ranks_is_refused(folder, wespk, ranks):
    refused = wespk("identify", "--ranks", ranks, "trials", *SCORES, status=2).stderr
    assert "is not a list of whole numbers above 0, such as 1,5,10" in refused


def test_confusions_are_printed_and_their_table_adds_up_to_all_tests(folder, wespk):
    lines = wespk("identify", "--confusion", "tables/si.txt", "trials", *SCORES).stdout.splitlines()
    assert [line.strip() for line in lines if line.startswith("  ")] == [
        "a taken for b: 1 of 2 tests",
        "c taken for a: 1 of 1 tests",
        "a taken for b: 1 of 2 tests",
    ]
    assert (folder / "tables/si.txt").read_text().splitlines() == [
        "system true-model chosen-model tests",
        *("cosine a a 1", "cosine a b 1", "cosine b b 1", "cosine c a 1"),
        *("plda a a 1", "plda a b 1", "plda b b 1", "plda c c 1"),
    ]


def test_a_system_given_twice_is_refused_before_anything_is_read(folder, wespk):
    other = folder / "si.cosine.llr"
    other.write_text("not a score")
    refused = wespk("identify", "trials", SCORES[0], str(other), status=1).stderr
    assert f"system 'cosine' has been given before, by {SCORES[0]}; give one" in refused
    assert refused.count("\n") == 1


def test_an_utterance_of_a_stranger_is_named(folder, wespk):
    (folder / "trials").write_text((folder / "trials").read_text().replace("b b1 target", "b b1 nontarget"))
    refused = wespk(*IDENTIFY, status=1).stderr
    assert "trials: test utterance 'b1' has no target trial" in refused and refused.count("\n") == 1
    assert not (folder / "egs/exp/identification").exists()


@pytest.mark.parametrize("verbs", [[IDENTIFY], [EVALUATE], [EVALUATE, IDENTIFY]])
def test_a_report_shows_what_there_is(folder, wespk, verbs):
    for verb in verbs:
        wespk(*verb)
    shown = wespk("report", "egs/exp").stdout
    page = (folder / "egs/exp/report/index.html").read_text()
    report = json.loads((folder / "egs/exp/report/report.json").read_text())
    identified, verified = IDENTIFY in verbs, EVALUATE in verbs
    accuracy = "Highest identification accuracy on si: 75.00 % by plda."
    for text in ("si: closed-set identification", "30.1 to 95.4"):
        assert (text in shown) == (text in page) == identified
    for text in ("test: 4 target and 8 nontarget trials", "minDCF"):
        assert (text in shown) == (text in page) == verified
    assert ("<strong>75.00</strong>" in page) == (accuracy in report["summary"]) == identified
    assert ("Lowest EER on test" in report["summary"]) == verified
    assert [each["system"] for each in report["identification"]] == ["cosine", "plda"] * identified
    assert len(report["systems"]) == 2 * verified
    if identified and verified:
        assert shown.index("minDCF") < shown.index("closed-set") and page.index("min Cllr") < page.index(
            "closed-set"
        )


def test_a_report_of_nothing_says_what_to_run_and_of_a_broken_record_where_it_is(folder, wespk):
    refused = wespk("report", "egs/exp", status=1).stderr
    assert "egs/exp: no results; run `wespk evaluate` or `wespk identify` with --results first" in refused
    wespk(*IDENTIFY)
    record = folder / "egs/exp/identification/si.json"
    record.write_text(record.read_text().replace("num_models", "models"))
    refused = wespk("report", "egs/exp", status=1).stderr
    assert (
        "identification/si.json: identification: expected whole numbers num_tests and num_models" in refused
    )
