import pytest
from hypothesis import given
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.data.trial_lists import (
    all_pairs,
    choose_enrolment,
    models_against_rest,
    same_text,
    seeded_order,
    thin_out,
)
from wespk.data.trials import read_trials

UTT2SPK = {f"{spk}-{n}": spk for spk in "abc" for n in (1, 2)}


def lines_of(texts):
    return "".join(texts).splitlines(keepends=True)


def test_all_pairs_are_each_pair_once():
    lines = lines_of(all_pairs(UTT2SPK))
    assert len(set(lines)) == len(lines) == 15
    assert sum(line.endswith(" target\n") for line in lines) == 3
    assert all(line.split()[0] < line.split()[1] for line in lines)
    assert all((one[0] == other[0]) == (label == "target") for one, other, label in map(str.split, lines))


def test_speakers_apart_meet_in_no_trial():
    lines = lines_of(all_pairs(UTT2SPK, [("c", "a"), ("a", "not-there")]))
    assert len(lines) == 11
    assert not any({line[0], line.split()[1][0]} == {"a", "c"} for line in lines)
    models = {spk: [f"{spk}-1"] for spk in "abc"}
    assert len(lines_of(models_against_rest(UTT2SPK, models, [("c", "a")]))) == 7


def test_models_are_tested_by_what_enrolled_nobody():
    enrolment = choose_enrolment(UTT2SPK, 1, seed=1)
    used = {utt for utts in enrolment.values() for utt in utts}
    lines = lines_of(models_against_rest(UTT2SPK, enrolment))
    assert len(used) == 3 and len(lines) == 9
    assert not any(line.split()[1] in used for line in lines)
    assert all((model == utt[0]) == (label == "target") for model, utt, label in map(str.split, lines))
    with pytest.raises(WespkError, match="'a' has 2 utterances, 2 to enrol and 1 to test"):
        choose_enrolment(UTT2SPK, 2, seed=1)


@pytest.mark.parametrize(
    ("enrolment", "message"),
    [
        ({"a": ["a-1", "a-9"]}, "'a': utterance 'a-9' is not in the data"),
        ({"a": ["a-1", "b-1"]}, "'a': utterances of one speaker are needed, not 2"),
        ({"a": []}, "'a': utterances of one speaker are needed, not 0"),
        ({spk: [f"{spk}-1", f"{spk}-2"] for spk in "abc"}, "none is left to test"),
    ],
)
def test_enrolment_that_makes_no_sense_is_refused(enrolment, message):
    with pytest.raises(WespkError, match=message):
        models_against_rest(UTT2SPK, enrolment)


@given(st.sets(st.text("abcdef0123456789", min_size=1), min_size=2), st.integers(0, 9), st.randoms())
def test_seeded_order_depends_on_each_id_alone(utts, seed, random):
    shuffled = sorted(utts)
    random.shuffle(shuffled)
    order = seeded_order(shuffled, seed)
    assert sorted(order) == sorted(utts)
    without = order[: len(order) // 2] + order[len(order) // 2 + 1 :]
    assert seeded_order(sorted(without), seed) == without


def test_seeded_choices_are_the_same_for_ever():
    utts = [f"S0764-{n:03d}" for n in range(300)]
    # printf "1 ID" | sha256sum, sorted
    assert seeded_order(utts, 1)[:3] == ["S0764-245", "S0764-022", "S0764-023"]
    table = dict.fromkeys(utts, "S0764")
    three, five = (set(choose_enrolment(table, n, 1)["S0764"]) for n in (3, 5))
    assert three == {"S0764-245", "S0764-022", "S0764-023"} and three < five
    assert choose_enrolment(table, 3, 2)["S0764"] != sorted(three)


def test_thinned_out_speakers_have_at_most_so_many_utterances():
    table = {f"{spk}-{n}": spk for spk, count in (("a", 9), ("b", 2)) for n in range(count)}
    kept = thin_out(table, 3, seed=1)
    assert sorted(kept.values()) == ["a"] * 3 + ["b"] * 2
    assert list(kept) == [utt for utt in table if utt in kept]


def test_no_pair_is_made_where_all_speakers_are_apart():
    assert lines_of(all_pairs({"a-1": "a", "b-1": "b"}, [("a", "b")])) == []
    assert lines_of(all_pairs({"a-1": "a"})) == []


def test_aishell_list_has_the_published_size():
    """20 speakers with 7176 utterances, 3 of each enrolled, as in Kaldi's recipe: whoever says how many."""
    counts = [359] * 16 + [358] * 4
    table = {f"S{n:02d}-{i:03d}": f"S{n:02d}" for n, count in enumerate(counts) for i in range(count)}
    assert len(table) == 7176
    lines = lines_of(models_against_rest(table, choose_enrolment(table, 3, seed=1)))
    assert len(lines) == 142_320
    assert sum(line.endswith(" target\n") for line in lines) == 7116


def test_nontargets_of_an_enrolled_text_are_listed(tmp_path):
    text = {"a-1": "hello", "a-2": "you", "b-1": "you", "b-2": "hello", "c-1": "other", "c-2": "you"}
    enrolment = {"a": ["a-1"], "b": ["b-1"], "c": ["c-1"]}
    (tmp_path / "trials").write_text("".join(models_against_rest(UTT2SPK, enrolment)))
    flagged = list(same_text(read_trials(tmp_path / "trials"), enrolment, text))
    assert flagged == ["a b-2 hello\n", "b a-2 you\n", "b c-2 you\n"]
    del text["c-2"]
    with pytest.raises(WespkError, match=r"utterance 'c-2' has no text \(1 so\)"):
        list(same_text(read_trials(tmp_path / "trials"), enrolment, text))
