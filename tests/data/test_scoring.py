import os

import numpy as np
import pytest

from wespk.core.errors import WespkError
from wespk.core.files import atomic_path
from wespk.data import pair_lines
from wespk.data.scores import read_scores, write_scores
from wespk.data.scoring import iter_scored, score_trials
from wespk.data.trials import LABELS, read_trials

ENROL, TEST = {"a": 2, "b%d": 0}, {"t1": 1, "target": 0}
MATRIX = np.array([[0.5, -1], [9, 9], [1e-7, 1 / 3]], dtype=np.float32)
LIST = "a t1 target\na target nontarget\nb%d t1 impostor-wrong\nb%d target nontarget\n"
SCORES = "a t1 0.3333333\na target 1e-07\nb%d t1 -1\nb%d target 0.5\n"


def of_pairs(enrol, test):
    return MATRIX[enrol, test]


@pytest.fixture
def files(tmp_path):
    (tmp_path / "t").write_text(LIST)
    return tmp_path / "t", tmp_path / "s"


@pytest.mark.parametrize("size", [1, 30, 1000])
def test_each_pair_is_scored_in_the_order_of_the_list(files, monkeypatch, size):
    monkeypatch.setattr(pair_lines, "BLOCK_BYTES", size)
    done = score_trials(*files, of_pairs, ENROL, TEST)
    assert (done.scored, done.missing) == (4, 0)
    assert files[1].read_text() == SCORES


def test_what_a_killed_run_has_left_goes_when_the_next_one_begins(files):
    with atomic_path(files[1]) as temporary:
        left = temporary.with_name(temporary.name.replace(f".{os.getpid()}.", ".999999999."))
        temporary.write_text("")
    left.write_text("a t1 0.33")
    score_trials(*files, of_pairs, ENROL, TEST)
    assert sorted(path.name for path in files[1].parent.iterdir()) == ["s", "t"]


def test_labels_are_not_needed_for_scores(files):
    files[0].write_text("".join(" ".join(line.split()[:2]) + "\n" for line in LIST.splitlines()))
    score_trials(*files, of_pairs, ENROL, TEST)
    assert files[1].read_text() == SCORES
    with pytest.raises(WespkError, match="t:1: expected .* there is no label"):
        list(iter_scored(*files))


def test_streamed_scores_are_those_that_are_written_from_memory(tmp_path):
    rng = np.random.default_rng(0)
    models, tests = [f"m{n}" for n in range(30)], [f"t{n}" for n in range(700)]
    pairs = [(m, t) for m in range(30) for t in range(700) if rng.random() < 0.9]
    rng.shuffle(pairs)
    labels = rng.choice(LABELS, len(pairs))
    lines = (f"{models[m]} {tests[t]} {label}\n" for (m, t), label in zip(pairs, labels, strict=True))
    (tmp_path / "t").write_text("".join(lines))
    scores = rng.normal(size=(30, 700))
    place = {m: n for n, m in enumerate(models)}, {t: n for n, t in enumerate(tests)}
    score_trials(tmp_path / "t", tmp_path / "s", lambda m, t: scores[m, t], *place)
    trials = read_trials(tmp_path / "t")
    write_scores(tmp_path / "again", trials, np.array([scores[m, t] for m, t in pairs]))
    assert (tmp_path / "s").read_bytes() == (tmp_path / "again").read_bytes()
    kinds, read = map(np.concatenate, zip(*iter_scored(tmp_path / "t", tmp_path / "s"), strict=True))
    np.testing.assert_array_equal(kinds, trials.kind)
    np.testing.assert_array_equal(read, read_scores(tmp_path / "s", trials))


def test_trials_without_embedding_are_an_error_that_counts_them(files):
    with pytest.raises(
        WespkError, match="t:2: test-id 'target' is not among the 1 with .*; 2 trials cannot be scored"
    ):
        score_trials(*files, of_pairs, ENROL, {"t1": 1})
    with pytest.raises(
        WespkError, match="t:3: enrol-id 'b%d' is not among the 1 with .*; 2 trials .*--allow-missing"
    ):
        score_trials(*files, of_pairs, {"a": 2}, TEST)
    assert not files[1].exists()


def test_trials_without_embedding_are_listed_where_they_are_allowed(files):
    done = score_trials(*files, of_pairs, ENROL, {"t1": 1}, allow_missing=True)
    assert (done.scored, done.missing) == (2, 2)
    assert files[1].read_text() == "a t1 0.3333333\nb%d t1 -1\n"
    missing = files[1].with_name("s.missing")
    assert missing.read_text() == "a target nontarget\nb%d target nontarget\n"
    score_trials(*files, of_pairs, ENROL, TEST)
    assert not missing.exists()
    with pytest.raises(WespkError, match="t:1: enrol-id 'a' .* none of the 4 trials can be scored"):
        score_trials(*files, of_pairs, {}, TEST, allow_missing=True)
    assert files[1].read_text() == SCORES and not missing.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t: is empty"),
        ("a t1 target\na t1 nontarget\n", "t:2: duplicate trial 'a t1'"),
        ("a t1 target\na x nontarget\na x target\n", "t:3: duplicate trial 'a x'"),
        ("a t1 target\na target yes\n", "t:2: label 'yes' is neither target nor nontarget"),
        ("a t1\na target nontarget\n", "t:2: expected"),
    ],
)
def test_a_malformed_list_is_refused_with_its_line_and_nothing_is_written(files, text, message):
    files[0].write_text(text)
    with pytest.raises(WespkError, match=message):
        score_trials(*files, of_pairs, ENROL, TEST, allow_missing=True)
    assert [path.name for path in files[0].parent.iterdir()] == ["t"]


def test_scores_do_not_replace_their_trial_list(files):
    with pytest.raises(WespkError, match="t: is the trial list itself"):
        score_trials(files[0], files[0], of_pairs, ENROL, TEST)
    assert files[0].read_text() == LIST


def test_a_score_that_is_not_finite_names_its_trial(files):
    files[0].write_text("z t1 target\n" + LIST)
    scores = np.where(MATRIX == -1, np.nan, MATRIX)
    with pytest.raises(WespkError, match="t:4: the score of 'b%d t1' is not finite .nan."):
        score_trials(*files, lambda m, t: scores[m, t], ENROL, TEST, allow_missing=True)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ("a t1 1\nb%d t1 2\n", "s:2: has 'b%d t1' where .*t has 'a target'; both must list"),
        ("a t1 1\na target 2\nb%d t1 1\n", "s: ends after line 3, and .*t goes on; both must list"),
        (SCORES + "x y 1\n", "s: has more lines than .*t; both must list"),
        (SCORES.replace("-1", "one"), "s:3: score 'one' is not a number"),
        (SCORES.replace("-1", "inf"), "s:3: score 'inf' is not finite"),
    ],
)
@pytest.mark.parametrize("size", [1, 40, 1000])
def test_files_that_do_not_belong_together_are_not_read_side_by_side(
    files, monkeypatch, size, scores, message
):
    monkeypatch.setattr(pair_lines, "BLOCK_BYTES", size)
    files[1].write_text(scores)
    with pytest.raises(WespkError, match=message):
        list(iter_scored(*files))
