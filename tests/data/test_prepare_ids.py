"""Ids: whatever names there are, the order of bytes is the order of speakers, or they are refused."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.data.prepare.ids import clean_name, clean_speaker, name_items
from wespk.data.prepare.items import Item


def items_of(*pairs, **more):
    """Items of (speaker, path below /c)."""
    return [Item(path, f"/c/{path}", spk, **more) for spk, path in pairs]


def ids_of(*pairs, from_folder=True, **more):
    return name_items(items_of(*pairs, **more), from_folder).utterances


@pytest.mark.parametrize(
    ("speaker", "session", "file", "expected"),
    [
        ("mkem", (), "an190-mkem-b.flac", "mkem-an190-mkem-b"),
        ("id10001", ("1zcIwhmdeo4",), "00001.wav", "id10001-1zcIwhmdeo4-00001"),
        ("1272", ("128104",), "1272-128104-0000.flac", "1272-128104-0000"),  # LibriSpeech: nothing is doubled
        ("p225", (), "p225_001.wav", "p225_001"),  # VCTK: the file's own separator stays
        ("s1", ("a", "b"), "s1_x.wav", "s1-a-b-x"),
        ("s1", (), "s1.wav", "s1-s1"),
        ("s1", (), "s12.wav", "s1-s12"),
        ("id10012", ("-8SuF0",), "1.wav", "id10012--8SuF0-1"),
    ],
)
def test_utterance_id_is_speaker_session_name_and_nothing_is_doubled(speaker, session, file, expected):
    assert ids_of((speaker, file), session=session) == [expected]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("José García", "José_García"),
        (unicodedata.normalize("NFD", "José"), "José"),
        ("张伟", "张伟"),
        ("a|b\tc\nd", "a_b_c_d"),
        ("-rf", "_rf"),
        (".hidden", "_hidden"),
        ("a--b-", "a_-b_"),
        ("7", "7"),
        ("?", ""),
    ],
)
def test_speaker_ids_keep_letters_of_any_script_and_nothing_that_a_shell_or_table_minds(name, expected):
    assert clean_speaker(name) == expected


def test_very_long_names_are_cut_and_told_apart_by_a_digest():
    one, other = ids_of(("s", "x" * 500 + "1.wav"), ("s", "x" * 500 + "2.wav"))
    assert one != other and len(one) == len(other) == len("s-") + 160
    assert len(clean_speaker("é" * 300).encode()) <= 80
    assert len(clean_name("y" * 100)) == 100


def test_two_names_that_meet_in_one_id_are_refused_with_both_places():
    with pytest.raises(WespkError, match=r"id 's-a_b': s/a b.wav and s/a_b.wav"):
        ids_of(("s", "s/a b.wav"), ("s", "s/a_b.wav"))
    with pytest.raises(WespkError, match=r"id 's-a': s/a.flac and s/a.wav.*--extensions"):
        ids_of(("s", "s/a.flac"), ("s", "s/a.wav"))
    with pytest.raises(WespkError, match=r"two speakers would get the id 'x_y': 'x y' \(1\) and 'x_y' \(2\)"):
        name_items([Item("1", "/1.wav", "x y"), Item("2", "/2.wav", "x_y")], True)


def test_all_names_that_meet_are_counted_and_look_alikes_told_apart():
    with pytest.raises(
        WespkError, match=r"^7 times: two utterances .*'s-a_4': .*; and 2 more; rename"
    ) as error:
        ids_of(*(("s", f"s/a{mark}{n}.wav") for mark in " _" for n in range(7)))
    assert "'s-a_5'" not in str(error.value)
    with pytest.raises(WespkError, match=r"'s-\u00e9': s/\\xe9.wav and s/e\\u0301.wav"):
        ids_of(("s", "s/\u00e9.wav"), ("s", "s/e\u0301.wav"))


def test_speakers_that_would_break_the_order_of_bytes_get_another_separator():
    # '1_a' comes after '10_a' although '1' comes before '10': then '-' divides all ids.
    assert ids_of(("1", "1_a.wav"), ("10", "10_a.wav")) == ["1-a", "10-a"]
    # 'dr-x-1' would lie between two utterances of 'dr'.
    names = name_items(items_of(("dr", "a.wav"), ("dr", "z.wav"), ("dr-x", "1.wav")), True)
    assert names.utterances == ["dr--a", "dr--z", "dr-x--1"]
    assert "'--' stands behind the speaker in all utterance ids" in names.notes[0]
    assert "'dr'" in names.notes[0] and "'dr-x'" in names.notes[0]


def test_rows_of_a_table_are_named_by_as_many_folders_as_it_takes():
    pairs = [("s", "x/1/a.wav"), ("s", "x/1/b.wav"), ("t", "y/1/a.wav")]
    assert ids_of(*pairs, from_folder=False) == ["s-a", "s-b", "t-a"]
    pairs.append(("s", "x/2/a.wav"))
    assert ids_of(*pairs, from_folder=False) == ["s-1-a", "s-1-b", "t-1-a", "s-2-a"]


def test_segments_are_named_by_recording_and_milliseconds():
    items = [Item(str(n), "/c/r.wav", "s", start=n / 2, end=n / 2 + 0.5) for n in range(2)]
    names = name_items(items, False)
    assert names.utterances == ["s-r-0000000-0000500", "s-r-0000500-0001000"]
    assert names.recordings == ["r", "r"]


# Few characters, those that matter: long names would hardly ever be prefixes of each other.
tricky = st.text(alphabet="a-_.0B@é +|", min_size=1, max_size=4)


@given(st.lists(st.tuples(tricky, st.lists(tricky, max_size=2), tricky), min_size=1, max_size=12))
def test_any_names_give_ids_in_the_order_of_speakers_or_a_refusal_by_name(corpus):
    items = [
        Item(f"#{n}", f"/c/{n}/{file}.wav", spk, session=tuple(session))
        for n, (spk, session, file) in enumerate(corpus)
        if clean_speaker(spk)
    ]
    if not items:
        return
    try:
        names = name_items(items, True)
    except WespkError as error:
        assert str(error).count("#") in range(2, 12, 2)
        return
    assert len(set(names.utterances)) == len(items)
    ordered = sorted(zip(names.utterances, names.speakers, strict=True), key=lambda pair: pair[0].encode())
    speakers = [spk.encode() for _, spk in ordered]
    assert speakers == sorted(speakers)
    for utt, spk in ordered:
        assert utt.startswith(spk) and len(utt) > len(spk) + 1
        assert not set(utt) & set(" \t|+")
