import pytest
from hypothesis import given
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.data import selection
from wespk.data.selection import split_by_speaker, split_by_utterance


def speakers(*counts):
    return {f"s{n:03d}-{u:03d}": f"s{n:03d}" for n, count in enumerate(counts) for u in range(count)}


counts = st.lists(st.integers(1, 30), min_size=1, max_size=25)


def literal_split(sizes, parts):
    """Kaldi's procedure word by word: lists of speakers from which the last or first one is moved over."""
    lists = [[] for _ in range(parts)]
    for index in range(len(sizes)):
        lists[index * parts // len(sizes)].append(index)

    def total(part):
        return sum(sizes[index] for index in lists[part])

    changed = True
    while changed:
        changed = False
        for part in range(parts):
            if part < parts - 1 and lists[part]:
                count, here, there = sizes[lists[part][-1]], total(part), total(part + 1)
                if abs(there + count - (here - count)) < abs(there - here):
                    lists[part + 1].insert(0, lists[part].pop())
                    changed = True
            if part > 0 and lists[part]:
                count, there, here = sizes[lists[part][0]], total(part - 1), total(part)
                if abs(here - count - (there + count)) < abs(here - there):
                    lists[part - 1].append(lists[part].pop(0))
                    changed = True
    return [[f"s{index:03d}" for index in part] for part in lists]


@given(counts, st.data())
def test_split_by_speaker_is_kaldis(sizes, draw):
    parts = draw.draw(st.integers(1, len(sizes)))
    utt2spk = speakers(*sizes)
    found = split_by_speaker(utt2spk, parts)
    assert [list(dict.fromkeys(utt2spk[utt] for utt in part)) for part in found] == literal_split(
        sizes, parts
    )
    assert [utt for part in found for utt in part] == list(utt2spk) and all(found)


def test_more_parts_than_speakers_are_refused_with_the_way_out():
    with pytest.raises(WespkError, match="21 parts of 20 speakers: .* --per-utt"):
        split_by_speaker(speakers(*[3] * 20), 21)


@given(st.integers(1, 60), st.integers(1, 60))
def test_split_by_utterance_is_even_and_loses_nothing(number, parts):
    utts = [str(n) for n in range(number)]
    if parts > number:
        with pytest.raises(WespkError, match="ask for fewer"):
            split_by_utterance(utts, parts)
        return
    found = split_by_utterance(utts, parts)
    sizes = list(map(len, found))
    assert [utt for part in found for utt in part] == utts
    assert sizes == sorted(sizes, reverse=True) and sizes[0] - sizes[-1] <= 1


def test_choice_by_chance_does_not_depend_on_the_other_utterances():
    few, many = speakers(5, 5), speakers(5, 5, 5)
    assert set(selection.random(many, 7, seed=1)) - set(selection.random(few, 7, seed=1)) <= {
        utt for utt, spk in many.items() if spk == "s002"
    }
    assert selection.random(few, 5, seed=1) != selection.random(few, 5, seed=2)
    assert selection.per_speaker(few, 2, seed=1) == selection.per_speaker(many, 2, seed=1)[:4]


def test_per_speaker_takes_all_of_those_with_fewer():
    chosen = selection.per_speaker(speakers(1, 5), 3, seed=1)
    assert [utt[:4] for utt in chosen] == ["s000", "s001", "s001", "s001"]


def test_first_and_shortest():
    utt2spk = speakers(2, 2)
    assert selection.first(utt2spk, 3) == list(utt2spk)[:3]
    seconds = dict(zip(utt2spk, (3.0, 1.0, 1.0, 2.0), strict=True))
    assert selection.shortest(utt2spk, 3, seconds) == ["s000-001", "s001-000", "s001-001"]
    with pytest.raises(WespkError, match="the duration of 's000-000' is not known"):
        selection.shortest(utt2spk, 3, {})


@pytest.mark.parametrize("choose", [selection.first, lambda u, n: selection.random(u, n, 1)])
def test_more_than_there_are_is_refused(choose):
    with pytest.raises(WespkError, match="5 utterances are asked for, 4 are there"):
        choose(speakers(2, 2), 5)


def test_lists_name_what_is_not_there():
    utt2spk = speakers(2, 2)
    assert selection.of_speakers(utt2spk, {"s001"}, "l") == ["s001-000", "s001-001"]
    assert selection.listed(utt2spk, {"s001-000"}, "l") == ["s001-000"]
    with pytest.raises(WespkError, match="l: speaker 'x' is not in the data directory .1 so"):
        selection.of_speakers(utt2spk, {"x", "s001"}, "l")
