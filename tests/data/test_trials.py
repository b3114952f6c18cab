import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wespk.core.errors import WespkError
from wespk.data import pair_lines
from wespk.data.trials import LABELS, Trials, iter_trials, read_trials


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n", "trials:1: expected"),
        ("a t target\na t\n", "trials:2: expected `enrol-id test-id target|nontarget`; there is no label"),
        ("a t target\n\nb t target\n", "trials:2: expected"),
        ("a t target\nb t imposter\n", "trials:2: label 'imposter' is neither"),
        ("a t target\nb t target\na t nontarget\n", "trials:3: duplicate trial 'a t'"),
        ("a t\nb t target target\n", "trials:1: expected"),
        ("a t target target\nb t\n", "trials:1: expected"),
        ("a t target\nb t target \r \n", "trials:2: expected"),
        ("a t\nb t\n", "trials:1: expected .* there is no label"),
    ],
)
def test_malformed_trials_are_refused_with_their_line(tmp_path, text, message):
    (tmp_path / "trials").write_bytes(text.encode())
    with pytest.raises(WespkError, match=message):
        read_trials(tmp_path / "trials")


def test_labels_of_text_dependent_lists_are_kinds_of_nontargets(tmp_path):
    labels = [*LABELS, "target-correct"]
    (tmp_path / "t").write_text("".join(f"a t{n} {label}\n" for n, label in enumerate(labels)))
    trials = read_trials(tmp_path / "t")
    assert trials.kind.tolist() == [0, 1, 2, 3, 4, 1]
    assert trials.is_target.tolist() == [False, True, False, False, False, True]
    assert trials.is_same_speaker.tolist() == [False, True, True, False, False, True]
    assert str(trials).endswith(
        "2 target and 4 nontarget trials (1 target-wrong, 1 impostor-correct, 1 impostor-wrong)"
    )


def test_kinds_follow_from_the_labels_unless_they_are_given():
    index = np.zeros(2, dtype=np.int32)
    trials = Trials("t", ["a"], ["b"], index, index, np.array([True, False]))
    assert trials.kind.tolist() == [1, 0]
    assert str(trials) == "t: 1 target and 1 nontarget trials"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("trials")


ids = st.text(st.sampled_from("ab%é"), min_size=1, max_size=3)
rows = st.lists(st.tuples(ids, ids, st.sampled_from(LABELS)), min_size=1, max_size=40)


@given(
    rows=rows,
    size=st.integers(10, 200),
    space=st.sampled_from([" ", "\t", "  "]),
    end=st.sampled_from(["\n", "\r\n", " \n"]),
)
def test_blocks_of_any_size_make_the_same_list(folder, rows, size, space, end):
    path = folder / "t"
    path.write_bytes("".join(space.join(row) + end for row in rows).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_lines, "BLOCK_BYTES", size)
        patch.setattr(pair_lines, "RUN", 3)
        reader = iter_trials(path, allow_duplicates=True)
        found, line = [], 1
        for block in reader:
            assert block.first_line == line
            line += len(block.kind)
            enrol, test = (
                np.array(each)[index].tolist()
                for each, index in (
                    (reader.enrol_ids, block.enrol_index),
                    (reader.test_ids, block.test_index),
                )
            )
            found += zip(enrol, test, (LABELS[kind] for kind in block.kind), strict=True)
        assert found == rows
        pairs = [row[:2] for row in rows]
        again = [n for n, pair in enumerate(pairs, 1) if pair in pairs[: n - 1]]
        if again:
            with pytest.raises(WespkError, match=f"t:{again[0]}: duplicate trial"):
                read_trials(path)
        else:
            trials = read_trials(path)
            assert trials.enrol_ids == list(dict.fromkeys(row[0] for row in rows))
            assert [LABELS[kind] for kind in trials.kind] == [row[2] for row in rows]


def test_a_last_line_without_end_is_read(tmp_path):
    (tmp_path / "t").write_text("a b target\na c nontarget")
    assert len(read_trials(tmp_path / "t")) == 2
