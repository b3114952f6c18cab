import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.data.trial_checks import Problem, trial_problems
from wespk.data.trials import Trials, read_enrolment, read_trials

UTT2SPK = {"a-1": "a", "a-2": "a", "a-3": "a", "b-1": "b", "b-2": "b"}
ENROL = {"a": ["a-1", "a-2"], "b": ["b-1"]}
GOOD = [("a", "a-3", True), ("a", "b-2", False), ("b", "a-3", False), ("b", "b-2", True)]


def trials(rows):
    enrol_ids, test_ids = (list(dict.fromkeys(row[side] for row in rows)) for side in (0, 1))
    return Trials(
        "trials",
        enrol_ids,
        test_ids,
        np.array([enrol_ids.index(row[0]) for row in rows]),
        np.array([test_ids.index(row[1]) for row in rows]),
        np.array([row[2] for row in rows]),
    )


def problems(rows, enrol=ENROL, known=UTT2SPK, utt2spk=UTT2SPK):
    return trial_problems(trials(rows), enrol, {"data": known}, utt2spk)


def test_good_list_has_no_problems():
    assert problems(GOOD) == []
    assert problems([("a-1", "a-2", True), ("a-1", "b-1", False)], enrol=None) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ([("a", "a-3", True)], Problem("duplicate trials", 1, "'a a-3' in line 5")),
        ([("a", "b-2", True)], Problem("duplicate trials with different labels", 1, "'a b-2' in line 5")),
        ([("c", "a-3", False)], Problem("models of trials that the enrolment list does not have", 1, "'c'")),
        ([("a", "x", False), ("b", "x", False)], Problem("utterances to test without data", 1, "'x'")),
        (
            [("a", "a-2", True)],
            Problem("trials of a model with an utterance that enrols it", 1, "'a a-2' in line 5"),
        ),
        ([("b", "a-1", True)], Problem("labels that contradict utt2spk", 1, "'b a-1' in line 5")),
    ],
)
def test_each_problem_is_counted_and_its_first_case_named(change, problem):
    assert problem in problems(GOOD + change)


@pytest.mark.parametrize(
    ("enrol", "problem"),
    [
        ({**ENROL, "a": ["a-1", "x"]}, Problem("utterances to enrol without data", 1, "'x'")),
        ({**ENROL, "a": ["a-1", "a-1"]}, Problem("models that enrol an utterance twice", 1, "'a'")),
        ({**ENROL, "a": ["a-1", "b-1"]}, Problem("models enrolled from several speakers", 1, "'a'")),
    ],
)
def test_problems_of_the_enrolment_list_are_named(enrol, problem):
    assert problem in problems(GOOD, enrol)


@pytest.mark.parametrize("kind", ["target", "nontarget"])
def test_absent_kind_of_trial_is_a_problem(kind):
    rows = [row for row in GOOD if row[2] != (kind == "target")]
    assert problems(rows) == [Problem(f"a list without {kind} trials", 1)]


def test_each_source_is_checked_by_itself():
    found = trial_problems(trials(GOOD), ENROL, {"data": UTT2SPK, "embeddings": {"a-1", "b-1"}})
    assert {problem.kind: problem.count for problem in found} == {
        "utterances to enrol without embeddings": 1,
        "utterances to test without embeddings": 2,
    }


ids = st.sampled_from(list(UTT2SPK))


@given(st.lists(st.tuples(ids, ids, st.booleans()), min_size=1, max_size=30))
def test_counts_agree_with_counting_line_by_line(rows):
    found = {problem.kind: problem.count for problem in problems(rows, enrol=None)}
    pairs = [row[:2] for row in rows]
    want = {
        "duplicate trials": len(pairs) - len(set(pairs)),
        "trials of a model with an utterance that enrols it": sum(one == two for one, two in pairs),
        "labels that contradict utt2spk": sum((one[0] == two[0]) != label for one, two, label in rows),
        "a list without target trials": int(not any(row[2] for row in rows)),
        "a list without nontarget trials": int(all(row[2] for row in rows)),
    }
    for kind, count in want.items():
        assert found.get(kind, 0) == count, kind


def test_duplicates_are_read_only_where_they_are_asked_for(tmp_path):
    (tmp_path / "t").write_text("a b target\na b target\n")
    assert len(read_trials(tmp_path / "t", allow_duplicates=True)) == 2
    with pytest.raises(WespkError, match="t:2: duplicate"):
        read_trials(tmp_path / "t")


@pytest.mark.parametrize("char", ["\u00a0", "\u2028", "\x1c", "\x85", "\ufeff", "\x00"])
def test_spaces_of_unicode_and_control_characters_do_not_end_an_id(tmp_path, char):
    (tmp_path / "t").write_text(f"a b target\né{char} b nontarget\n")
    with pytest.raises(WespkError, match="t:2: an id may not hold the character"):
        read_trials(tmp_path / "t")
    (tmp_path / "e").write_text(f"a u{char}v\n")
    with pytest.raises(WespkError, match="e:?1?: .* character"):
        read_enrolment(tmp_path / "e")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "e: is empty; expected lines `model-id utt utt ...`"),
        ("a u v\nb u v u\n", "e:2: 'b' has 'u' twice; name each utterance once"),
    ],
)
def test_an_enrolment_list_names_models_and_each_utterance_once(tmp_path, text, message):
    (tmp_path / "e").write_text(text)
    with pytest.raises(WespkError, match=message):
        read_enrolment(tmp_path / "e")
    if text:
        assert read_enrolment(tmp_path / "e", allow_repeats=True)["b"] == ["u", "v", "u"]


def test_windows_line_ends_do_no_harm_in_trials(tmp_path):
    (tmp_path / "t").write_bytes(b"a b target\r\na c nontarget\r\n")
    assert read_trials(tmp_path / "t").test_ids == ["b", "c"]
