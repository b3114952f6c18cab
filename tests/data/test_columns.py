"""Tables of values of utterances or speakers, and how they divide trials."""

from __future__ import annotations

import numpy as np
import pytest

from wespk.core.errors import WespkError
from wespk.data.columns import Columns, read_columns
from wespk.data.trial_groups import group_trials
from wespk.data.trial_speakers import SpeakerTables, TrialSpeakers
from wespk.data.trials import Trials

TRIALS = Trials(
    "trials",
    ["m1", "m2"],
    ["u1", "u2", "u3"],
    np.array([0, 0, 0, 1, 1, 1]),
    np.array([0, 1, 2, 0, 1, 2]),
    np.array([True, False, False, False, True, True]),
)


@pytest.fixture
def speakers(tmp_path):
    """Speaker ann behind m1 and u1, bob behind m2, u2 and u3."""
    enrol, test = np.array([0, 1]), np.array([0, 1, 1])
    return TrialSpeakers(
        SpeakerTables(tmp_path / "utt2spk", None),
        ["ann", "bob"],
        enrol[TRIALS.enrol_index],
        test[TRIALS.test_index],
    )


def table(kind="utterance", name="x", **values):
    return Columns("table", kind, (name,), {name: values})


def parts(groups):
    """The name of the group of each trial."""
    return [groups.names[index] for index in groups.index]


def test_a_table_of_two_columns_is_named_after_its_file(tmp_path):
    (tmp_path / "utt2session").write_text("u1 morning\nu2 late evening\n")
    found = read_columns(tmp_path / "utt2session")
    assert (found.key_kind, found.names) == ("utterance", ("utt2session",))
    assert found.values["utt2session"] == {"u1": "morning", "u2": "late evening"}


def test_keys_of_a_spk2_table_are_speakers(tmp_path):
    (tmp_path / "spk2gender").write_text("ann f\nbob m\n")
    assert read_columns(tmp_path / "spk2gender").key_kind == "speaker"


@pytest.mark.parametrize(("head", "kind"), [("utt-id", "utterance"), ("spk-id", "speaker")])
def test_a_header_names_columns_and_says_what_the_keys_are(tmp_path, head, kind):
    (tmp_path / "t").write_text(f"{head} snr seconds\nu2 3 1.5\nu1 4 2\n")
    found = read_columns(tmp_path / "t")
    assert (found.key_kind, found.names) == (kind, ("snr", "seconds"))
    assert found.values["seconds"] == {"u2": "1.5", "u1": "2"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("u1\n", "t:1"),
        ("utt-id\n", "t:1: expected `utt-id NAME NAME ...`"),
        ("utt-id a a\nu1 1 1\n", "t:1: expected"),
        ("utt-id a\n", "holds a header and no line of values"),
        ("utt-id a b\nu1 1\n", "t:2: 2 words; expected an id and 2 values"),
        ("utt-id a\nu1 1\nu1 2\n", "t:3: 'u1' has been there before"),
        ("utt-id a\nu1 1\x07\n", "t:2: 'u1' holds the character"),
    ],
)
def test_a_malformed_table_is_refused_with_its_line(tmp_path, text, message):
    (tmp_path / "t").write_text(text)
    with pytest.raises(WespkError, match=message):
        read_columns(tmp_path / "t")


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(WespkError, match="none: no such file"):
        read_columns(tmp_path / "none")


def test_a_table_of_utterances_groups_by_the_test_side():
    found = group_trials("x", table(u1="a", u2="b", u3="a"), TRIALS)
    assert parts(found) == ["a", "b", "a", "a", "b", "a"] and found.without_value == []


def test_a_table_of_speakers_groups_by_both_sides(speakers):
    found = group_trials("x", table("speaker", ann="f", bob="m"), TRIALS, speakers)
    assert parts(found) == ["f", "f / m", "f / m", "f / m", "m", "m"]
    assert found.names == ["f", "m", "f / m"]


def test_ids_without_value_are_unknown_and_listed(speakers):
    found = group_trials("x", table(u1="a", u2="b"), TRIALS)
    assert parts(found)[2] == "unknown" and found.without_value == ["u3"]
    found = group_trials("x", table("speaker", ann="f"), TRIALS, speakers)
    assert parts(found)[:2] == ["f", "f / unknown"] and found.without_value == ["bob"]


def test_numbers_are_put_into_bins_that_include_their_lower_edge():
    found = group_trials("x", table(u1="1.9", u2="2", u3="4"), TRIALS, edges=[2, 4])
    assert parts(found)[:3] == ["< 2", "2 to 4", ">= 4"]


def test_few_different_numbers_stay_as_they_are_in_the_order_of_numbers():
    found = group_trials("x", table(u1="10", u2="9", u3="10"), TRIALS)
    assert parts(found)[:3] == ["10", "9", "10"] and found.names[:2] == ["9", "10"]


def test_many_different_numbers_make_three_parts_of_equally_many_utterances():
    ids = [f"u{n}" for n in range(30)]
    test = np.arange(30)
    trials = Trials("t", ["m"], ids, np.zeros(30, int), test, test > 3)
    found = group_trials("x", table(**{each: str(n) for n, each in enumerate(ids)}), trials)
    assert np.bincount(found.index).tolist() == [10, 10, 10]
    assert found.names[0].startswith("< ") and found.names[2].startswith(">= ")


def test_the_only_column_needs_no_name_and_one_of_several_does():
    assert parts(group_trials("any", table(u1="a", u2="a", u3="a"), TRIALS)) == ["a"] * 6
    two = Columns("table", "utterance", ("x", "y"), {"x": {"u1": "a"}, "y": {"u1": "b"}})
    assert parts(group_trials("y", two, TRIALS))[0] == "b"
    with pytest.raises(WespkError, match="table: has no column 'z'; there are: x, y"):
        group_trials("z", two, TRIALS)


@pytest.mark.parametrize(
    ("columns", "edges", "message"),
    [
        (table(v1="a"), None, "has no utterance of trials, such as 'u1'"),
        (table(u1="a", u2="2", u3="3"), [1.0], "'a' is not a number, so that --bins does not apply"),
        (table("speaker", ann="f"), None, "who speaks is not known; see --utt2spk"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(columns, edges, message):
    with pytest.raises(WespkError, match=message):
        group_trials("x", columns, TRIALS, edges=edges)
